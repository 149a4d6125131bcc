// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_PROVIDER_PROVIDER_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_PROVIDER_PROVIDER_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "config/yaml.h"
#include "provider/provider.h"
#include "tests/support/scripted_http.h"
#include "tests/support/test_loop.h"

namespace grantkeep::testing {

inline std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

// A record from YAML, which must be right.
inline config::v1::Provider Record(std::string_view yaml) {
  config::v1::Provider record;
  const absl::Status read = ReadYaml(yaml, "record", record);
  EXPECT_TRUE(read.ok()) << read;
  return record;
}

constexpr char kExampleYaml[] = R"(
id: example
issuer: https://as.example
authorization_endpoint: https://as.example/authorize
token_endpoint: https://as.example/token
revocation_endpoint: https://as.example/revoke
client:
  client_id: s6BhdRkqt3
  client_secrets: [{env: SECRET}]
redirect_uris: [https://app.example/callback]
)";

// A loop, a clock that the test moves, scripted answers, and secrets by the name of their
// environment variable.
class ProviderFixture : public ::testing::Test {
 protected:
  Provider::Dependencies Dependencies(bool development = false) {
    auto resolve = [this](config::v1::SecretReference reference,
                          Tick) -> boost::asio::awaitable<absl::StatusOr<Secret>> {
      const auto found = secrets_.find(reference.env());
      if (found == secrets_.end()) {
        co_return Error(Reason::kInternal, "environment variable " + reference.env() + " is not set");
      }
      co_return Secret(found->second);
    };
    return {http_, clock_, std::move(resolve), development};
  }

  std::unique_ptr<Provider> Make(config::v1::Provider record, bool development = false) {
    auto provider = Provider::Create(std::move(record), Dependencies(development));
    EXPECT_TRUE(provider.ok()) << provider.status();
    return std::move(provider).value();
  }

  Tick In(std::chrono::seconds time) const { return clock_.Steady() + time; }

  TestLoop loop_;
  ManualClock clock_;
  ScriptedHttp http_{clock_};
  std::map<std::string, std::string> secrets_ = {{"SECRET", "gX1fBat3bV"}};
};

// What a form-encoded body says, name by name and in order, decoded.
inline std::vector<std::pair<std::string, std::string>> ParseForm(std::string_view body) {
  const auto decode = [](std::string_view text) {
    std::string decoded;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%') {
        decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
      } else {
        decoded += text[i] == '+' ? ' ' : text[i];
      }
    }
    return decoded;
  };
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    pairs.emplace_back(decode(pair.substr(0, equals)), decode(pair.substr(equals + 1)));
  }
  return pairs;
}

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_PROVIDER_PROVIDER_FIXTURE_H_
