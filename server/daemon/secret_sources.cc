// SPDX-License-Identifier: Apache-2.0
#include "daemon/secret_sources.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/reason.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using config::v1::SecretReference;

constexpr size_t kMaxFile = size_t{64} * 1024;

absl::Status NotThere(std::string_view what) { return Error(Reason::kClientMisconfigured, what); }

absl::StatusOr<Secret> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    return NotThere(fmt::format("client secret: the environment variable {} is not set", name));
  }
  return Secret(std::string_view(value));
}

// Reads at most kMaxFile + 1 bytes; errno says why when there is nothing.
// Nothing: errno says why, or it is EINVAL for what is no file.
std::optional<Secret> ReadBytes(const std::string& path) {
  // Without O_NONBLOCK a FIFO in the place of the file would stop the loop.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  struct stat info{};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    return std::nullopt;
  }
  Secret bytes = Secret::OfSize(kMaxFile + 1);
  size_t size = 0;
  ssize_t got = 0;
  while (size < bytes.size()) {
    got = read(fd, bytes.Mutable().data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  const int error = errno;
  close(fd);
  errno = error;
  if (got < 0) return std::nullopt;
  bytes.Truncate(size);
  return bytes;
}

// Blocks for one small read, as a page cache hit does.
absl::StatusOr<Secret> FromFile(const std::string& path) {
  std::optional<Secret> bytes = ReadBytes(path);
  if (!bytes.has_value()) {
    const char* const why = errno == EINVAL ? "it is not a regular file" : std::strerror(errno);
    return NotThere(fmt::format("client secret: the file {}: {}", path, why));
  }
  if (bytes->size() > kMaxFile) return NotThere(fmt::format("client secret: the file {} is too large", path));
  if (bytes->Expose().ends_with('\n')) bytes->Truncate(bytes->size() - 1);
  if (bytes->empty()) return NotThere(fmt::format("client secret: the file {} is empty", path));
  return *std::move(bytes);
}

awaitable<absl::StatusOr<Secret>> FromVault(StaticSecrets& vault, config::v1::VaultReference reference,
                                            Tick deadline) {
  TenantId tenant(reference.tenant());
  std::string name = reference.name();
  absl::StatusOr<StaticSecretValue> found =
      co_await vault.Get(std::move(tenant), std::move(name), std::nullopt, deadline);
  if (found.ok()) co_return std::move(found->value);
  if (HasReason(found.status(), Reason::kSecretNotFound)) {
    co_return NotThere(fmt::format("client secret: the vault has no static secret {} of tenant {}",
                                   reference.name(), reference.tenant()));
  }
  co_return Annotate(found.status(), "client secret from the vault");
}

awaitable<absl::StatusOr<Secret>> Resolve(StaticSecrets* vault, SecretReference reference, Tick deadline) {
  switch (reference.source_case()) {
    case SecretReference::kEnv:
      co_return FromEnvironment(reference.env());
    case SecretReference::kFile:
      co_return FromFile(reference.file());
    case SecretReference::kVault:
      if (vault != nullptr) {
        absl::StatusOr<Secret> secret = co_await FromVault(*vault, reference.vault(), deadline);
        co_return secret;
      }
      break;
    case SecretReference::SOURCE_NOT_SET:
      break;
  }
  co_return NotThere("client secret: the reference names no source");
}

}  // namespace

SecretResolver ReadSecretsFrom(StaticSecrets& vault) {
  return [&vault](SecretReference reference, Tick deadline) {
    return Resolve(&vault, std::move(reference), deadline);
  };
}

absl::Status CheckSecretSource(const SecretReference& reference) {
  switch (reference.source_case()) {
    case SecretReference::kEnv:
      return FromEnvironment(reference.env()).status();
    case SecretReference::kFile:
      return FromFile(reference.file()).status();
    case SecretReference::kVault:
    case SecretReference::SOURCE_NOT_SET:
      break;
  }
  return absl::OkStatus();
}

SecretResolver NoSecrets() {
  return [](SecretReference reference, Tick deadline) {
    return Resolve(nullptr, std::move(reference), deadline);
  };
}

}  // namespace grantkeep
