// SPDX-License-Identifier: Apache-2.0
// Reads flags and configuration, then checks them or serves until a signal.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>

#include "daemon/command_line.h"
#include "daemon/configuration.h"
#include "daemon/daemon.h"
#include "daemon/process.h"
#include "daemon/ready_file.h"
#include "daemon/settings.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

std::string_view FirstLine(std::string_view message) { return message.substr(0, message.find('\n')); }

// Each line of the message is a problem of its own.
int Fail(int exit_code, std::string_view message) {
  while (!message.empty()) {
    const size_t end = std::min(message.find('\n'), message.size());
    fmt::print(stderr, "grantkeepd: {}\n", message.substr(0, end));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  return exit_code;
}

// All that keeps the daemon from starting, and what else is not there.
int SayWhatIsWrong(const CheckedConfiguration& checked) {
  const int exit_code = checked.wrong.empty() ? kExitFailure : kExitUsage;
  for (const Problems* problems : {&checked.wrong, &checked.found.missing, &checked.found.secrets}) {
    for (const std::string& problem : *problems) Fail(exit_code, problem);
  }
  if (checked.more_may_follow) Fail(exit_code, "fix these and run it again; more may follow");
  return exit_code;
}

// What --check-config says of a configuration with which the daemon can start.
int SayWhatIsThere(const CommandLine& command_line, const CheckedConfiguration& checked) {
  for (const std::string& warning : checked.warnings) Fail(0, fmt::format("warning: {}", warning));
  for (const std::string& note : checked.found.unchecked) fmt::print("{}\n", note);
  if (!checked.found.secrets.empty()) return SayWhatIsWrong(checked);
  fmt::print("{}: ok, {} providers, listens on {}\n",
             command_line.config_file.empty() ? "--dev" : command_line.config_file,
             checked.settings.providers.size(), checked.settings.rpc.listen);
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

// Until a signal ends the daemon (OK), or until something is wrong for good. The ready file is there from
// when the daemon is ready until then.
absl::Status ServeUntilSignal(const Daemon& daemon, const Settings& settings, const Signals& signals) {
  std::optional<ReadyFile> ready_file;
  for (;;) {
    const std::optional<absl::Status> prepared = daemon.prepared();
    if (prepared.has_value() && !prepared->ok()) return *prepared;
    if (prepared.has_value() && !ready_file.has_value()) {
      ready_file.emplace(settings.ready_file, daemon.address());
      if (!ready_file->status().ok()) return ready_file->status();
      LogReady(daemon, settings);
    }
    int signal_number = 0;
    sigwait(&signals.awaited, &signal_number);
    if (signal_number == kNewsSignal) continue;
    Log("main").info("stopping: {}", sigdescr_np(signal_number));
    return absl::OkStatus();
  }
}

int Serve(const CheckedConfiguration& checked, const Signals& signals) {
  const Settings& settings = checked.settings;
  if (const absl::Status status = InitLogging(settings.log_level); !status.ok()) {
    return Fail(kExitUsage, MessageOf(status));
  }
  RouteLibraryLogs();
  for (const std::string& warning : checked.warnings) Log("main").warn("{}", warning);
  // Secrets are read when they are needed, and may come later.
  for (const std::string& problem : checked.found.secrets) Log("main").warn("{}", problem);
  absl::Status served;
  {
    Daemon daemon(settings, [] { kill(getpid(), kNewsSignal); });
    served = daemon.Start();
    if (served.ok()) {
      served = ServeUntilSignal(daemon, settings, signals);
      if (!served.ok()) Log("main").error("stopping: {}", FirstLine(MessageOf(served)));
    }
    // A second signal ends the process at once.
    pthread_sigmask(SIG_UNBLOCK, &signals.ends, nullptr);
    daemon.Stop();
  }
  if (served.ok()) Log("main").info("stopped");
  ShutdownLogging();
  return served.ok() ? 0 : Fail(kExitFailure, MessageOf(served));
}

int Main(int argc, char** argv) {
  const Signals signals = PrepareProcess();
  const ParsedCommandLine parsed = ParseCommandLine(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  const CommandLine& command_line = parsed.options;
  const CheckedConfiguration checked = CheckConfiguration(command_line);
  if (!checked.CanStart()) return SayWhatIsWrong(checked);
  return command_line.check_config ? SayWhatIsThere(command_line, checked) : Serve(checked, signals);
}

}  // namespace
}  // namespace grantkeep

int main(int argc, char** argv) { return grantkeep::Main(argc, argv); }
