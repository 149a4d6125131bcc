// SPDX-License-Identifier: Apache-2.0
#include "daemon/prerequisites.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "crypto/random.h"
#include "daemon/redis_files.h"
#include "daemon/secret_sources.h"
#include "rpc/listen_address.h"
#include "vault/root_key.h"

namespace grantkeep {
namespace {

using config::v1::SecretReference;

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

bool Exists(const std::string& path) {
  struct stat info{};
  return lstat(path.c_str(), &info) == 0;
}

// With the rights of this process as they are in effect.
bool MayAccess(const std::string& path, int mode) {
  return faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

void CheckRootKey(const Settings& settings, Problems& missing) {
  // --dev makes its key at the first start.
  if (settings.dev && !Exists(settings.root_key_file)) return;
  SystemRandom random;
  const auto key = OpenRootKeyFile(settings.root_key_file, settings.root_key_file_is_mounted_secret, random);
  if (!key.ok()) missing.push_back(fmt::format("vault.root_key_file: {}", MessageOf(key.status())));
}

void CheckDatabase(const Settings& settings, Problems& missing) {
  const auto problem = [&](const std::string& path, std::string_view why) {
    missing.push_back(fmt::format("store.sqlite.path: {}: {}", path, why));
  };
  const std::string parent = std::filesystem::path(settings.store.path).parent_path();
  const std::string folder = parent.empty() ? "." : parent;
  // --dev makes its folder at the first start.
  if (settings.dev && !Exists(folder)) return;
  struct stat info{};
  if (stat(folder.c_str(), &info) != 0) {
    problem(folder, fmt::format("{}; make the folder, for the daemon's user", std::strerror(errno)));
  } else if (!S_ISDIR(info.st_mode)) {
    problem(folder, "is not a folder");
  } else if (!MayAccess(folder, W_OK | X_OK)) {
    problem(folder, fmt::format("the daemon cannot write there: {}", std::strerror(errno)));
  } else if (stat(settings.store.path.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) return problem(settings.store.path, "is not a regular file");
    if (!MayAccess(settings.store.path, R_OK | W_OK)) {
      problem(settings.store.path,
              fmt::format("the daemon cannot read and write it: {}", std::strerror(errno)));
    }
  }
}

void CheckIdentityFile(const Settings& settings, Problems& missing) {
  const std::string& file = settings.store.identity.file;
  // --dev makes its folder at the first start.
  if (file.empty() || (settings.dev && !Exists(settings.data_dir))) return;
  if (const auto remembered = ReadIdentityFile(file); !remembered.ok()) {
    missing.emplace_back(MessageOf(remembered.status()));
    return;
  }
  // It is replaced as a whole.
  const std::string parent = std::filesystem::path(file).parent_path();
  const std::string folder = parent.empty() ? "." : parent;
  if (!MayAccess(folder, W_OK | X_OK)) {
    missing.push_back(fmt::format("store.identity.file: {}: the daemon cannot write there: {}", folder,
                                  std::strerror(errno)));
  }
}

void CheckSocketFolder(const Settings& settings, Problems& missing) {
  const auto address = rpc::ParseListenAddress(settings.rpc.listen, "server.listen");
  if (!address.ok() || address->transport != Transport::kUnixSocket) return;
  const std::string parent = std::filesystem::path(address->path).parent_path();
  if (settings.dev && parent == settings.data_dir && !Exists(parent)) return;
  if (const absl::Status folder = rpc::CheckSocketFolder(address->path); !folder.ok()) {
    missing.emplace_back(MessageOf(folder));
  }
}

// The daemon makes the last folder of the path itself.
void CheckRecoveryDir(const Settings& settings, Problems& missing) {
  const std::string& path = settings.recovery_dir;
  if (path.empty() || (settings.dev && !Exists(settings.data_dir))) return;
  const std::string parent = std::filesystem::path(path).parent_path();
  const std::string folder = Exists(path) ? path : parent.empty() ? "." : parent;
  const auto problem = [&](std::string_view why) {
    missing.push_back(fmt::format("refresh.recovery_dir: {}: {}", folder, why));
  };
  struct stat info{};
  if (stat(folder.c_str(), &info) != 0) {
    problem(fmt::format("{}; make the folder, for the daemon's user", std::strerror(errno)));
  } else if (!S_ISDIR(info.st_mode)) {
    problem("is not a folder");
  } else if (!MayAccess(folder, W_OK | X_OK)) {
    problem(fmt::format("the daemon cannot write there: {}", std::strerror(errno)));
  }
}

void CheckClientSecrets(const Settings& settings, const std::set<int>& unusable, Prerequisites& found) {
  for (int i = 0; i < settings.providers.size(); ++i) {
    if (unusable.contains(i)) continue;
    const config::v1::Provider& provider = settings.providers[i];
    for (int j = 0; j < provider.client().client_secrets_size(); ++j) {
      const SecretReference& reference = provider.client().client_secrets(j);
      const std::string field =
          fmt::format("providers[{}].client.client_secrets[{}]: provider '{}'", i, j, provider.id());
      if (reference.has_vault()) {
        found.unchecked.push_back(
            fmt::format("{}: not checked: {} of tenant {} is read from the vault when it is needed", field,
                        reference.vault().name(), reference.vault().tenant()));
      } else if (const absl::Status there = CheckSecretSource(reference); !there.ok()) {
        found.secrets.push_back(fmt::format("{}: {}", field, MessageOf(there)));
      }
    }
  }
}

}  // namespace

Prerequisites CheckPrerequisites(const Settings& settings, const std::set<int>& unusable) {
  Prerequisites found;
  CheckRootKey(settings, found.missing);
  if (settings.store.redis.has_value()) {
    CheckRedisFiles(*settings.store.redis, "store.redis", found.missing);
  } else {
    CheckDatabase(settings, found.missing);
  }
  if (settings.store.ephemeral.has_value()) {
    CheckRedisFiles(*settings.store.ephemeral, "store.ephemeral", found.missing);
  }
  CheckIdentityFile(settings, found.missing);
  CheckSocketFolder(settings, found.missing);
  CheckRecoveryDir(settings, found.missing);
  CheckClientSecrets(settings, unusable, found);
  return found;
}

}  // namespace grantkeep
