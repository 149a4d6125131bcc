// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_DEMO_HOUSE_H_
#define GRANTKEEP_TESTS_DEMO_HOUSE_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/demo/daemon.h"
#include "tests/support/practice_provider/provider.h"

namespace grantkeep::demo {

struct HouseOptions {
  // Files of this run: configuration, client secret, log.
  std::filesystem::path folder;
  // The daemon's data; empty: its own default, which is also where `grantkeep` looks for it. Open fails
  // when another daemon has it.
  std::filesystem::path data;
  practice::Consent consent = practice::Consent::kAllow;
  // Port of the practice provider; when it is taken, or 0, any other.
  uint16_t port = 0;
  std::chrono::seconds access_token_lifetime{3};
  // The daemon writes its log into the folder instead of to standard error.
  bool log_to_file = true;
};

// A practice provider in this process, and a daemon that is configured to use it as "practice".
struct House {
  std::unique_ptr<practice::PracticeProvider> provider;
  std::shared_ptr<Daemon> daemon;
  // Where the daemon listens, as it says itself.
  std::string address;
};

absl::StatusOr<House> Open(const HouseOptions& options);

// Where Open has the log written.
inline std::filesystem::path LogFile(const std::filesystem::path& folder) {
  return folder / "logs" / "grantkeepd.log";
}

}  // namespace grantkeep::demo

#endif  // GRANTKEEP_TESTS_DEMO_HOUSE_H_
