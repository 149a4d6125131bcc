// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "client/cli/failure.h"
#include "client/cli/findings.h"

namespace grantkeep::cli {
namespace {

using Level = Finding::Level;

constexpr char kUnixPrefix[] = "unix:";

std::string SocketPath(std::string_view address) {
  address.remove_prefix(std::string_view(kUnixPrefix).size());
  if (address.starts_with("//")) address.remove_prefix(2);
  return std::string(address);
}

Finding Socket(const std::string& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) {
    const int error = errno;
    const std::string why = std::strerror(error);
    // Its folder is closed; the daemon may well be there.
    if (error == EACCES) return {Level::kFail, "socket", fmt::format("{}: {}", path, why), kOnlyItsUser};
    return {Level::kFail, "socket", fmt::format("{}: {}", path, why),
            "start the daemon (grantkeepd --dev, or with --config), or say where it listens with --address"};
  }
  if (!S_ISSOCK(file.st_mode)) {
    return {Level::kFail, "socket", path + " is not a socket", "say where the daemon listens with --address"};
  }
  if ((file.st_mode & 0022) != 0) {
    return {Level::kWarn, "socket",
            fmt::format("{} has mode {:04o}: other users can call", path, file.st_mode & 07777),
            fmt::format("whoever can call reads all secrets; chmod 0600 {}", path)};
  }
  if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) {
    return {Level::kFail, "socket", fmt::format("{}: {}", path, std::strerror(errno)), kOnlyItsUser};
  }
  return {Level::kOk, "socket", fmt::format("{} has mode {:04o}", path, file.st_mode & 07777), ""};
}

// Who may write to the folder can put a socket of their own there.
Finding Folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  struct stat file{};
  if (stat(folder.empty() ? "." : folder.c_str(), &file) != 0 || (file.st_mode & 0022) == 0 ||
      (file.st_mode & S_ISVTX) != 0) {
    return {Level::kOk, "folder", fmt::format("only its owner can put another socket into {}", folder), ""};
  }
  return {Level::kFail, "folder",
          fmt::format("{} has mode {:04o}: others can put a socket of their own there", folder,
                      file.st_mode & 07777),
          fmt::format("chmod go-w {}", folder)};
}

}  // namespace

std::vector<Finding> TransportFindings(const std::string& address) {
  if (!address.starts_with(kUnixPrefix)) {
    return {{Level::kWarn, "transport",
             fmt::format("{}: this machine only, not encrypted (there is no TLS yet, and so no certificate); "
                         "every process here can call",
                         address),
             "let the daemon listen on unix:PATH, which file permissions protect"}};
  }
  const std::string path = SocketPath(address);
  std::vector<Finding> findings = {
      {Level::kOk, "transport", "unix socket: nothing leaves this machine, no TLS is needed", ""},
      Socket(path)};
  if (findings.back().level != Level::kFail) findings.push_back(Folder(path));
  return findings;
}

}  // namespace grantkeep::cli
