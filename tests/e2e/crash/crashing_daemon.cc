// SPDX-License-Identifier: Apache-2.0
// grantkeepd that dies, as by kill -9, at a step of the first refresh that it is asked for: GRANTKEEP_DIE_AT
// is the step's name. It takes up nothing that others left undone. All else is as in server/main.cc.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "daemon/command_line.h"
#include "daemon/configuration.h"
#include "daemon/daemon.h"
#include "daemon/process.h"
#include "daemon/ready_file.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

constexpr std::pair<RefreshStep, std::string_view> kSteps[] = {
    {RefreshStep::kBegun, "begun"},       {RefreshStep::kSending, "sending"},
    {RefreshStep::kAnswered, "answered"}, {RefreshStep::kStored, "stored"},
    {RefreshStep::kUnsaved, "unsaved"},   {RefreshStep::kRecoveryWritten, "recovery-written"},
};

OnRefreshStep DieAt(std::string_view name) {
  return [name](RefreshStep step) {
    for (const auto& [known, known_name] : kSteps) {
      if (known == step && known_name == name) raise(SIGKILL);
    }
  };
}

int Main(int argc, char** argv) {
  const Signals signals = PrepareProcess();
  const ParsedCommandLine parsed = ParseCommandLine(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  CheckedConfiguration checked = CheckConfiguration(parsed.options);
  const char* const die_at = std::getenv("GRANTKEEP_DIE_AT");
  if (!checked.CanStart() || die_at == nullptr) return 2;
  checked.settings.refresh.on_step = DieAt(die_at);
  checked.settings.refresh.claims_due = false;
  if (!InitLogging(checked.settings.log_level).ok()) return 2;
  Daemon daemon(checked.settings, [] { kill(getpid(), kNewsSignal); });
  if (const absl::Status started = daemon.Start(); !started.ok()) {
    const auto message = started.message();
    fmt::print(stderr, "{}\n", std::string_view(message.data(), message.size()));
    return 1;
  }
  while (!daemon.prepared().has_value()) {
    int signal_number = 0;
    sigwait(&signals.awaited, &signal_number);
  }
  const ReadyFile ready(checked.settings.ready_file, daemon.address());
  int signal_number = 0;
  while (sigwait(&signals.ends, &signal_number) != 0) {
  }
  return 0;
}

}  // namespace
}  // namespace grantkeep

int main(int argc, char** argv) { return grantkeep::Main(argc, argv); }
