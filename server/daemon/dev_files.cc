// SPDX-License-Identifier: Apache-2.0
#include "daemon/dev_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/reason.h"
#include "base/status_macros.h"
#include "vault/root_key.h"

namespace grantkeep {
namespace {

bool Exists(const std::string& path) {
  struct stat info{};
  return lstat(path.c_str(), &info) == 0;
}

}  // namespace

absl::Status PrepareDataDir(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  if (errno != EEXIST) return FieldError("--data-dir", fmt::format("{}: {}", path, std::strerror(errno)));
  struct stat info{};
  if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return FieldError("--data-dir", fmt::format("{} is not a directory", path));
  }
  if (info.st_uid != geteuid())
    return FieldError("--data-dir", fmt::format("{} belongs to another user", path));
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return FieldError("--data-dir", fmt::format("others may write to {}; chmod 700 it", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> PrepareRootKey(const std::string& key_file, const std::string& database,
                                    Random& random) {
  if (Exists(key_file)) return false;
  if (Exists(database)) {
    return FieldError("--data-dir",
                      fmt::format("{} is there, but its key {} is not: put the key back, or remove "
                                  "both to start afresh",
                                  database, key_file));
  }
  RETURN_IF_ERROR(CreateRootKeyFile(key_file, random));
  return true;
}

void ForgetLostDatabase(const std::string& database, const std::string& identity_file) {
  if (!Exists(database)) unlink(identity_file.c_str());
}

}  // namespace grantkeep
