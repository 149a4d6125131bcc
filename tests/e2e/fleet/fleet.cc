// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/fleet/fleet.h"

#include <fmt/format.h>
#include <signal.h>

#include <sstream>
#include <stdexcept>
#include <utility>

#include "crypto/random.h"
#include "tests/support/eventually.h"
#include "vault/root_key.h"

namespace grantkeep::testing {
namespace {

// The state letter of proc(5): the field behind the name, which is in parentheses.
bool StandsStill(pid_t pid) {
  const std::string stat = ReadFile(fmt::format("/proc/{}/stat", pid));
  const size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.substr(name_end).starts_with(") T");
}

std::string Indented(const std::string& text, std::string_view by) {
  std::istringstream lines(text);
  std::string indented;
  for (std::string line; std::getline(lines, line);) indented += fmt::format("{}{}\n", by, line);
  return indented;
}

}  // namespace

Fleet::Fleet(Options options) : options_(std::move(options)) {
  SystemRandom random;
  if (!CreateRootKeyFile(dir_ / "root.key", random).ok()) throw std::runtime_error("no root key");
  for (size_t i = 0; i < options_.replicas; ++i) replicas_.push_back(std::make_unique<Replica>());
}

std::string Fleet::NameOf(size_t replica) { return fmt::format("replica-{}", replica); }

std::string Fleet::Configuration(size_t replica, const std::string& redis) const {
  std::string providers = options_.providers;
  if (const size_t at = providers.find(kName); at != std::string::npos)
    providers.replace(at, kName.size(), NameOf(replica));
  return fmt::format(
      "log: {{level: info}}\nhttp: {{ca_file: {}}}\nvault: {{root_key_file: {}}}\nstore:\n  "
      "redis:\n{}{}providers:{}",
      options_.ca_file, (dir_ / "root.key").string(), Indented(redis, "    "), options_.configuration,
      providers);
}

void Fleet::StartAll() {
  for (size_t replica = 0; replica < size(); ++replica) Start(replica);
}

void Fleet::Start(size_t replica, const std::string& redis) {
  Replica& started = *replicas_.at(replica);
  const std::string file =
      started.run.Write("grantkeep.yaml", Configuration(replica, redis.empty() ? options_.redis : redis));
  started.run.Start({"--config", file, "--listen", "127.0.0.1:0"}, options_.environment);
  SetCaller(replica, std::make_shared<const Caller>(started.run.address()));
}

Moment Fleet::Kill(size_t replica) {
  SetCaller(replica, nullptr);
  const SteadyTime begin = std::chrono::steady_clock::now();
  replicas_.at(replica)->run.End(SIGKILL);
  return {begin, std::chrono::steady_clock::now()};
}

std::string Fleet::Stop(size_t replica) {
  SetCaller(replica, nullptr);
  return replicas_.at(replica)->run.End(SIGTERM).output;
}

Moment Fleet::KillAll() {
  for (size_t replica = 0; replica < size(); ++replica) SetCaller(replica, nullptr);
  const SteadyTime begin = std::chrono::steady_clock::now();
  for (const auto& replica : replicas_) replica->run.Signal(SIGKILL);
  for (const auto& replica : replicas_) replica->run.Wait();
  return {begin, std::chrono::steady_clock::now()};
}

void Fleet::Pause(size_t replica) {
  DaemonRun& run = replicas_.at(replica)->run;
  run.Signal(SIGSTOP);
  if (!Eventually([&] { return StandsStill(run.pid()); })) throw std::runtime_error("SIGSTOP did nothing");
}

void Fleet::Continue(size_t replica) { replicas_.at(replica)->run.Signal(SIGCONT); }

std::shared_ptr<const Caller> Fleet::caller(size_t replica) const {
  const std::lock_guard lock(callers_mutex_);
  return replicas_.at(replica)->caller;
}

void Fleet::SetCaller(size_t replica, std::shared_ptr<const Caller> caller) {
  const std::lock_guard lock(callers_mutex_);
  replicas_.at(replica)->caller = std::move(caller);
}

std::string Fleet::Output() const {
  std::string output;
  for (size_t i = 0; i < size(); ++i) {
    output += fmt::format("--- replica {}\n{}", i, replicas_[i]->run.output());
  }
  return output;
}

}  // namespace grantkeep::testing
