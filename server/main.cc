// SPDX-License-Identifier: Apache-2.0
// Reads flags and configuration, then checks them or serves until a signal.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "config/yaml.h"
#include "daemon/command_line.h"
#include "daemon/daemon.h"
#include "daemon/prerequisites.h"
#include "daemon/process.h"
#include "daemon/ready_file.h"
#include "daemon/settings.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// Each line of the message is a problem of its own.
int Fail(int exit_code, std::string_view message) {
  while (!message.empty()) {
    const size_t end = std::min(message.find('\n'), message.size());
    fmt::print(stderr, "grantkeepd: {}\n", message.substr(0, end));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  return exit_code;
}

// Says what is missing of what the configuration refers to, and whether the daemon can start.
int CheckConfig(const Settings& settings, const Prerequisites& found, const YamlLines& lines) {
  for (const std::string& problem : found.missing) Fail(kExitFailure, lines.Located(problem));
  for (const std::string& problem : found.secrets) Fail(kExitFailure, lines.Located(problem));
  for (const std::string& note : found.unchecked) fmt::print("{}\n", lines.Located(note));
  if (!found.missing.empty() || !found.secrets.empty()) return kExitFailure;
  fmt::print("{}: ok, {} providers, listens on {}\n", lines.PlaceOf("").empty() ? "--dev" : lines.PlaceOf(""),
             settings.providers.size(), settings.rpc.listen);
  return 0;
}

void LogReady(const Daemon& daemon, const Settings& settings) {
  spdlog::logger& log = Log("main");
  if (settings.dev) log.info("development: data in {}; not for production", settings.data_dir);
  if (!settings.rpc.listen.starts_with("unix:")) {
    log.warn("every process of this machine can call {}", daemon.address());
  }
  if (daemon.providers() == 0) {
    log.info("no providers are configured (--config FILE): static secrets only");
  }
  log.info("ready: listening on {} version={} providers={} pollers={}", daemon.address(), GRANTKEEP_VERSION,
           daemon.providers(), daemon.pollers());
}

int Serve(const Settings& settings, const Prerequisites& found, const YamlLines& lines,
          const sigset_t& ends) {
  for (const std::string& problem : found.missing) Fail(kExitFailure, lines.Located(problem));
  if (!found.missing.empty()) return kExitFailure;
  if (const absl::Status status = InitLogging(settings.log_level); !status.ok()) {
    return Fail(kExitUsage, MessageOf(status));
  }
  RouteLibraryLogs();
  // Secrets are read when they are needed, and may come later.
  for (const std::string& problem : found.secrets) Log("main").warn("{}", lines.Located(problem));
  absl::Status started;
  {
    Daemon daemon(settings);
    started = daemon.Start();
    if (started.ok()) {
      const ReadyFile ready_file(settings.ready_file, daemon.address());
      started = ready_file.status();
      if (started.ok()) {
        LogReady(daemon, settings);
        int signal_number = 0;
        sigwait(&ends, &signal_number);
        Log("main").info("stopping: {}", sigdescr_np(signal_number));
        // A second signal ends the process at once.
        pthread_sigmask(SIG_UNBLOCK, &ends, nullptr);
      }
    }
    daemon.Stop();
  }
  if (started.ok()) Log("main").info("stopped");
  ShutdownLogging();
  return started.ok() ? 0 : Fail(kExitFailure, MessageOf(started));
}

int Main(int argc, char** argv) {
  const sigset_t ends = PrepareProcess();
  const ParsedCommandLine parsed = ParseCommandLine(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  const CommandLine& command_line = parsed.options;
  config::v1::Config config;
  YamlLines lines;
  if (!command_line.config_file.empty()) {
    const absl::Status read = ReadYamlFile(command_line.config_file, config, &lines);
    if (!read.ok()) return Fail(kExitUsage, MessageOf(read));
  }
  Settings settings;
  Problems problems = MakeSettings(command_line, config, settings);
  for (std::string& problem : CheckProviders(settings)) problems.push_back(std::move(problem));
  for (const std::string& problem : problems) Fail(kExitUsage, lines.Located(problem));
  if (!problems.empty()) return kExitUsage;
  const Prerequisites found = CheckPrerequisites(settings);
  if (command_line.check_config) return CheckConfig(settings, found, lines);
  return Serve(settings, found, lines, ends);
}

}  // namespace
}  // namespace grantkeep

int main(int argc, char** argv) { return grantkeep::Main(argc, argv); }
