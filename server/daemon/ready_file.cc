// SPDX-License-Identifier: Apache-2.0
#include "daemon/ready_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/reason.h"

namespace grantkeep {

ReadyFile::ReadyFile(std::string path, const std::string& address) : path_(std::move(path)) {
  if (path_.empty()) return;
  const std::string beside = fmt::format("{}.{}", path_, getpid());
  std::ofstream file(beside, std::ios::trunc);
  file << address << '\n';
  file.close();
  if (!file || std::rename(beside.c_str(), path_.c_str()) != 0) {
    status_ = FieldError("--ready-file", fmt::format("{}: {}", path_, std::strerror(errno)));
    unlink(beside.c_str());
    path_.clear();
  }
}

ReadyFile::~ReadyFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

}  // namespace grantkeep
