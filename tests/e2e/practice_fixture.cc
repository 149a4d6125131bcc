// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/practice_fixture.h"

#include <fmt/format.h>

#include <sstream>
#include <utility>

namespace grantkeep::testing {
namespace {

using practice::ClientAuth;
using practice::PracticeProvider;
using namespace std::chrono_literals;

std::unique_ptr<PracticeProvider> StartPractice(practice::ProviderOptions options) {
  options.consent = practice::Consent::kAllow;
  const std::vector<std::string> redirect_uris = {"http://127.0.0.1/callback"};
  options.clients = {{"basic", kPracticeClientSecret, ClientAuth::kBasic, redirect_uris},
                     {"post", kPracticeClientSecret, ClientAuth::kPost, redirect_uris},
                     {"public", "", ClientAuth::kNone, redirect_uris}};
  auto provider = PracticeProvider::Start(std::move(options));
  EXPECT_TRUE(provider.ok()) << provider.status();
  return *std::move(provider);
}

}  // namespace

PracticeTest::PracticeTest(practice::ProviderOptions options)
    : practice_(StartPractice(std::move(options))) {}

void PracticeTest::Start(const std::string& providers) {
  world_.emplace(providers,
                 std::map<std::string, std::string>{{"PRACTICE_CLIENT_SECRET", kPracticeClientSecret}});
  const absl::Status ready = world_->Start();
  ASSERT_TRUE(ready.ok()) << ready;
}

std::string PracticeTest::DefaultProviders(std::string_view rotation, std::string_view further) const {
  std::istringstream lines{std::string(further)};
  std::string indented;
  for (std::string line; std::getline(lines, line);) indented += fmt::format("    {}\n", line);
  return fmt::format(R"(
  - id: practice
    kind: oauth
    issuer: "{0}"
    authorization_endpoint: "{0}/authorize"
    token_endpoint: "{0}/token"
    revocation_endpoint: "{0}/revoke"
    iss_parameter_supported: true
    client_authentication: client_secret_basic
    rotation: {1}
    request_timeout: 1s
    client:
      client_id: basic
      client_secrets:
        - env: PRACTICE_CLIENT_SECRET
    default_scopes: [read, write]
    redirect_uris: ["http://127.0.0.1/callback"]
{2}  - id: bot
    kind: static
    static_credential:
      header_name: Authorization
      value_prefix: "Bot "
)",
                     practice_->issuer(), rotation, indented);
}

void PracticeTest::SetLifetime(std::chrono::seconds lifetime) {
  practice_->SetTokenPolicy({practice::Rotation::kStrict, 0s, lifetime});
}

v1::Grant PracticeTest::SignIn(const std::string& provider) {
  const PendingSignIn pending = world_->Begin(provider);
  const auto completed = world_->Complete(pending, Visit(pending));
  EXPECT_TRUE(completed.ok()) << completed.status;
  return completed->grant();
}

v1::Grant PracticeTest::SignInAndExpire() {
  SetLifetime(1s);
  const v1::Grant grant = SignIn();
  SetLifetime(3600s);
  const auto expiry = std::chrono::system_clock::time_point(
      std::chrono::seconds(grant.access_token_expire_time().seconds()) +
      std::chrono::microseconds(grant.access_token_expire_time().nanos() / 1000));
  EXPECT_TRUE(Eventually([&] { return std::chrono::system_clock::now() >= expiry; }));
  return grant;
}

int PracticeTest::ResourceStatus(const std::string& access_token) {
  return browser_.GetWithToken(practice_->resource_endpoint(), access_token).status;
}

}  // namespace grantkeep::testing
