// SPDX-License-Identifier: Apache-2.0
#include "tests/support/daemon.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <utility>

#include "base/status_macros.h"

namespace grantkeep::testing {

Daemon::Daemon(std::filesystem::path program, std::string config,
               std::map<std::string, std::string> environment)
    : program_(std::move(program)), environment_(std::move(environment)) {
  std::ofstream(config_file()) << config;
}

absl::Status Daemon::Start() {
  const std::filesystem::path ready_file = dir_ / "ready";
  std::filesystem::remove(ready_file);
  const ChildProcess::Options options = {
      .command = {program_.string(), "--dev", "--data-dir", data_dir().string(), "--listen", "127.0.0.1:0",
                  "--ready-file", ready_file.string(), "--config", config_file().string()},
      .environment = environment_,
      .output = output_file()};
  ASSIGN_OR_RETURN(process_, ChildProcess::Start(options));
  if (absl::Status ready = process_->WaitForFile(ready_file); !ready.ok()) {
    return absl::UnavailableError(
        fmt::format("grantkeepd is not ready: {}\n{}",
                    std::string_view(ready.message().data(), ready.message().size()), Output()));
  }
  address_ = ReadFile(ready_file);
  while (!address_.empty() && address_.back() == '\n') address_.pop_back();
  return absl::OkStatus();
}

std::optional<int> Daemon::Stop() {
  if (process_ == nullptr) return std::nullopt;
  process_->Signal(SIGTERM);
  const std::optional<int> status = process_->Wait();
  process_.reset();
  if (!status.has_value() || !WIFEXITED(*status)) return std::nullopt;
  return WEXITSTATUS(*status);
}

void Daemon::Kill() { process_.reset(); }

}  // namespace grantkeep::testing
