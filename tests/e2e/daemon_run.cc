// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/daemon_run.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>
#include <optional>
#include <utility>

namespace grantkeep::testing {
namespace {

EndedRun Ended(std::optional<int> status, const std::filesystem::path& output) {
  EndedRun run;
  if (status.has_value() && WIFEXITED(*status)) run.exit_code = WEXITSTATUS(*status);
  run.output = ReadFile(output);
  return run;
}

}  // namespace

std::unique_ptr<ChildProcess> DaemonRun::Launch(Arguments arguments,
                                                std::map<std::string, std::string> environment,
                                                const std::filesystem::path& output) {
  environment["HOME"] = dir_.path();
  environment.try_emplace("XDG_STATE_HOME", "");
  arguments.insert(arguments.begin(), GRANTKEEPD);
  ChildProcess::Options options;
  options.command = std::move(arguments);
  options.environment = std::move(environment);
  options.output = output;
  auto process = ChildProcess::Start(options);
  if (!process.ok()) throw std::runtime_error(process.status().ToString());
  return *std::move(process);
}

EndedRun DaemonRun::ToEnd(Arguments arguments, std::map<std::string, std::string> environment) {
  const std::filesystem::path output = dir_ / ("run-" + std::to_string(++runs_));
  const auto process = Launch(std::move(arguments), std::move(environment), output);
  return Ended(process->Wait(), output);
}

void DaemonRun::Start(Arguments arguments, std::map<std::string, std::string> environment) {
  Begin(std::move(arguments), std::move(environment));
  WaitUntilReady();
}

void DaemonRun::Begin(Arguments arguments, std::map<std::string, std::string> environment) {
  std::filesystem::remove(ready_file());
  arguments.insert(arguments.end(), {"--ready-file", ready_file().string()});
  process_ = Launch(std::move(arguments), std::move(environment), dir_ / "output");
}

void DaemonRun::WaitUntilReady() {
  const absl::Status ready = process_->WaitForFile(ready_file());
  ASSERT_TRUE(ready.ok()) << ready << output();
  address_ = ReadFile(ready_file());
  while (address_.ends_with('\n')) address_.pop_back();
}

EndedRun DaemonRun::Wait() {
  EndedRun run = Ended(process_->Wait(), dir_ / "output");
  process_.reset();
  return run;
}

EndedRun DaemonRun::End(int signal) {
  process_->Signal(signal);
  return Wait();
}

std::string DaemonRun::Write(const std::string& name, const std::string& content) {
  std::ofstream(dir_ / name) << content;
  return dir_ / name;
}

}  // namespace grantkeep::testing
