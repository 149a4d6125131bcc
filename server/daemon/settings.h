// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_SETTINGS_H_
#define GRANTKEEP_DAEMON_SETTINGS_H_

#include <string>

#include "base/clock.h"
#include "daemon/command_line.h"
#include "daemon/setting_checks.h"
#include "daemon/store_settings.h"
#include "grantkeep/config/v1/config.pb.h"
#include "net/http_client.h"
#include "refresh/refresh.h"
#include "rpc/server.h"

namespace grantkeep {

// Everything the daemon was told, by flags and configuration, with defaults filled in.
struct Settings {
  bool dev = false;
  std::string data_dir;  // --dev; absolute
  StoreSettings store;
  std::string root_key_file;
  bool root_key_file_is_mounted_secret = false;
  RpcServerOptions rpc;
  Duration drain_timeout = std::chrono::seconds(10);
  Duration flow_lifetime = std::chrono::minutes(10);
  RefreshOptions refresh;
  std::string recovery_dir;  // empty: none
  HttpClientOptions http;
  std::string log_level = "info";
  std::string ready_file;
  google::protobuf::RepeatedPtrField<config::v1::Provider> providers;
};

// Checks the meaning of a configuration, as far as its form allowed to read it: what is required,
// ranges, durations. Answers with what is wrong, nothing when `settings` can be used. Providers are
// checked by CheckReadProviders. With --dev the store and the key are the data directory's own: `store`
// and `vault` in the configuration are refused.
Problems MakeSettings(const CommandLine& command_line, const config::v1::Config& config, Settings& settings);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_SETTINGS_H_
