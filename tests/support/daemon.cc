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
    : program_(std::move(program)), config_(std::move(config)), environment_(std::move(environment)) {
  WriteConfig();
}

void Daemon::WriteConfig() const {
  std::ofstream file(config_file());
  file << config_;
  if (store_.empty()) return;
  file << fmt::format(
      R"(
server: {{listen: "{}"}}
store: {{{}}}
vault: {{root_key_file: {}}}
)",
      socket_address(), store_, root_key_.string());
}

void Daemon::UseStore(std::string store, std::filesystem::path root_key) {
  store_ = std::move(store);
  root_key_ = std::move(root_key);
  if (!std::filesystem::exists(root_key_)) {
    std::ofstream(root_key_) << std::string(31, 'k') << '!';
    std::filesystem::permissions(root_key_,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  WriteConfig();
}

void Daemon::UseProgram(std::filesystem::path program, std::map<std::string, std::string> environment) {
  program_ = std::move(program);
  program_environment_ = std::move(environment);
}

absl::Status Daemon::Begin() {
  std::filesystem::remove(ready_file());
  std::map<std::string, std::string> environment = program_environment_;
  environment.insert(environment_.begin(), environment_.end());
  ChildProcess::Options options = {.command = {program_.string(), "--ready-file", ready_file().string(),
                                               "--config", config_file().string()},
                                   .environment = std::move(environment),
                                   .output = output_file()};
  if (store_.empty()) {
    options.command.insert(options.command.end(),
                           {"--dev", "--data-dir", data_dir().string(), "--listen", "127.0.0.1:0"});
  }
  address_ = socket_address();
  ASSIGN_OR_RETURN(process_, ChildProcess::Start(options));
  return absl::OkStatus();
}

absl::Status Daemon::Start() {
  RETURN_IF_ERROR(Begin());
  if (absl::Status ready = process_->WaitForFile(ready_file()); !ready.ok()) {
    return absl::UnavailableError(
        fmt::format("grantkeepd is not ready: {}\n{}",
                    std::string_view(ready.message().data(), ready.message().size()), Output()));
  }
  address_ = ReadFile(ready_file());
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

std::optional<int> Daemon::WaitForEnd() {
  if (process_ == nullptr) return std::nullopt;
  const std::optional<int> status = process_->Wait();
  process_.reset();
  return status;
}

}  // namespace grantkeep::testing
