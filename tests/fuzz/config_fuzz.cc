// SPDX-License-Identifier: Apache-2.0
// A configuration file: form, then the meaning of its providers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/yaml.h"
#include "grantkeep/config/v1/config.pb.h"
#include "net/loop.h"
#include "provider/provider.h"
#include "tests/support/scripted_http.h"

namespace {

boost::asio::awaitable<absl::StatusOr<grantkeep::Secret>> NoSecrets(grantkeep::config::v1::SecretReference,
                                                                    grantkeep::Tick) {
  co_return absl::NotFoundError("no secrets here");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  grantkeep::config::v1::Config config;
  const absl::Status read = grantkeep::ReadYaml(text, "fuzz.yaml", config);
  if (!read.ok()) {
    const std::string_view message(read.message().data(), read.message().size());
    if (!message.starts_with("fuzz.yaml")) abort();
    if (config.ByteSizeLong() != 0) abort();
    return 0;
  }
  static grantkeep::SystemClock clock;
  static grantkeep::testing::ScriptedHttp http(clock);
  const grantkeep::Provider::Dependencies dependencies{http, clock, &NoSecrets, (size & 1) != 0};
  const auto catalogue = grantkeep::Catalogue::Create(config.providers(), dependencies);
  if (catalogue.ok() && (*catalogue)->All().size() != static_cast<size_t>(config.providers_size())) abort();
  return 0;
}
