// SPDX-License-Identifier: Apache-2.0
#include "daemon/settings.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "rpc/listen_address.h"

namespace grantkeep {
namespace {

constexpr uint32_t kMaxPollers = 256;
constexpr uint32_t kMaxInFlight = 1'000'000;
constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warn", "error"};

// $XDG_STATE_HOME/grantkeep or ~/.local/state/grantkeep (XDG Base Directory Specification, which
// wants relative values ignored). Empty when neither variable is set.
std::string DefaultDataDir() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') return std::string(state) + "/grantkeep";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::string(home) + "/.local/state/grantkeep";
}

void TakeServer(const CommandLine& command_line, const config::v1::Server& server, Settings& settings,
                Problems& problems) {
  settings.rpc.listen = command_line.listen.empty() ? server.listen() : command_line.listen;
  const std::string_view field = command_line.listen.empty() ? "server.listen" : "--listen";
  if (settings.rpc.listen.empty()) {
    if (settings.dev) {
      settings.rpc.listen = "unix:" + settings.data_dir + "/grantkeep.sock";
    } else {
      problems.push_back("server.listen: is required: unix:PATH or 127.0.0.1:PORT");
    }
  }
  if (!settings.rpc.listen.empty()) {
    if (const auto address = rpc::ParseListenAddress(settings.rpc.listen, field); !address.ok()) {
      problems.emplace_back(address.status().message());
    }
  }
  if (server.pollers() > kMaxPollers) {
    problems.push_back(
        fmt::format("server.pollers: must be at most {}, is {}", kMaxPollers, server.pollers()));
  }
  settings.rpc.pollers = static_cast<int>(server.pollers());
  if (server.max_in_flight() > kMaxInFlight) {
    problems.push_back(
        fmt::format("server.max_in_flight: must be at most {}, is {}", kMaxInFlight, server.max_in_flight()));
  }
  if (server.max_in_flight() != 0) settings.rpc.max_in_flight = static_cast<int>(server.max_in_flight());
  settings.rpc.reflection = server.reflection() || command_line.reflection;
  TakeDuration(server.has_drain_timeout(), server.drain_timeout(), "server.drain_timeout", Duration(0),
               std::chrono::minutes(5), settings.drain_timeout, problems);
}

void TakeOwnStore(const config::v1::Config& config, Settings& settings, Problems& problems) {
  settings.store.path = settings.data_dir + "/grantkeep.db";
  settings.store.identity.file = settings.data_dir + "/store.identity";
  settings.root_key_file = settings.data_dir + "/root.key";
  constexpr std::string_view kWhy =
      "--dev keeps a store and a key of its own in the data directory (--data-dir): remove this, or start "
      "without --dev";
  if (config.has_store()) problems.push_back(fmt::format("store: {}", kWhy));
  if (config.has_vault()) problems.push_back(fmt::format("vault: {}", kWhy));
}

void TakeVault(const config::v1::Vault& vault, Settings& settings, Problems& problems) {
  settings.root_key_file = vault.root_key_file();
  settings.root_key_file_is_mounted_secret = vault.root_key_file_is_mounted_secret();
  if (settings.root_key_file.empty()) {
    problems.push_back(
        "vault.root_key_file: is required: a file with 32 random bytes, mode 0600 "
        "(umask 077; head -c 32 /dev/urandom > FILE)");
  }
  RefuseTilde("vault.root_key_file", settings.root_key_file, problems);
}

void TakeLog(const config::v1::Log& log, Settings& settings, Problems& problems) {
  if (log.level().empty()) return;
  settings.log_level = log.level();
  for (const std::string_view level : kLevels) {
    if (log.level() == level) return;
  }
  problems.push_back("log.level: must be trace, debug, info, warn or error");
}

void TakeRefresh(const config::v1::Refresh& refresh, Settings& settings, Problems& problems) {
  if (refresh.has_ahead()) settings.refresh.ahead = refresh.ahead();
  TakeDuration(refresh.has_active_window(), refresh.active_window(), "refresh.active_window",
               std::chrono::minutes(1), std::chrono::hours(24 * 365), settings.refresh.active_window,
               problems);
  settings.recovery_dir = refresh.recovery_dir();
  RefuseTilde("refresh.recovery_dir", settings.recovery_dir, problems);
  // --dev has a folder of its own, unless another is named.
  if (settings.recovery_dir.empty() && settings.dev) settings.recovery_dir = settings.data_dir + "/recovery";
}

void TakeDataDir(const CommandLine& command_line, Settings& settings, Problems& problems) {
  const std::string given = command_line.data_dir.empty() ? DefaultDataDir() : command_line.data_dir;
  std::error_code error;
  settings.data_dir = std::filesystem::absolute(given, error).lexically_normal().string();
  if (settings.data_dir.size() > 1 && settings.data_dir.ends_with('/')) settings.data_dir.pop_back();
  if (given.empty() || error) problems.push_back("--data-dir: is required, because HOME is not set");
}

}  // namespace

Problems MakeSettings(const CommandLine& command_line, const config::v1::Config& config, Settings& settings) {
  Problems problems;
  settings.dev = command_line.dev;
  settings.ready_file = command_line.ready_file;
  if (settings.dev) {
    TakeDataDir(command_line, settings, problems);
    TakeOwnStore(config, settings, problems);
  } else {
    settings.store = TakeStoreSettings(config.store(), problems);
    TakeVault(config.vault(), settings, problems);
  }
  TakeServer(command_line, config.server(), settings, problems);
  TakeDuration(config.flows().has_lifetime(), config.flows().lifetime(), "flows.lifetime",
               std::chrono::minutes(1), std::chrono::hours(1), settings.flow_lifetime, problems);
  TakeRefresh(config.refresh(), settings, problems);
  settings.http.ca_file = config.http().ca_file();
  settings.http.proxy = config.http().proxy();
  settings.http.allow_plaintext_loopback = settings.dev;
  TakeLog(config.log(), settings, problems);
  settings.providers = config.providers();
  return problems;
}

}  // namespace grantkeep
