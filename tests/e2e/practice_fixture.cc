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

std::unique_ptr<PracticeProvider> StartPractice(const TestCa* ca) {
  practice::ProviderOptions options;
  options.consent = practice::Consent::kAllow;
  const std::vector<std::string> redirect_uris = {"http://127.0.0.1/callback"};
  options.clients = {{"basic", kPracticeClientSecret, ClientAuth::kBasic, redirect_uris},
                     {"post", kPracticeClientSecret, ClientAuth::kPost, redirect_uris},
                     {"public", "", ClientAuth::kNone, redirect_uris}};
  options.log_kept = 100'000;
  if (ca != nullptr) {
    TestCa::Identity identity = ca->Issue({"127.0.0.1"});
    options.certificate = practice::ServerCertificate{.certificate_pem = std::move(identity.certificate_pem),
                                                      .key_pem = std::move(identity.key_pem)};
  }
  auto provider = PracticeProvider::Start(std::move(options));
  EXPECT_TRUE(provider.ok()) << provider.status();
  return *std::move(provider);
}

}  // namespace

PracticeTest::PracticeTest(StoreKind store)
    : ca_(store == StoreKind::kRedis ? std::make_unique<TestCa>() : nullptr),
      practice_(StartPractice(ca_.get())) {
  if (store == StoreKind::kSqlite) return;
  browser_.Trust(ca_->file());
  redis_ = std::make_unique<RedisServer>(
      RedisServer::Options{.configuration = {"appendonly yes", "appendfsync always"}});
  redis_->Start();
  store_ = fmt::format("redis: {{url: \"{}\"}}", redis_->url());
}

std::unique_ptr<World> PracticeTest::MakeWorld(const std::string& providers,
                                               std::map<std::string, std::string> environment) const {
  environment["PRACTICE_CLIENT_SECRET"] = kPracticeClientSecret;
  if (ca_ == nullptr) return std::make_unique<World>(providers, std::move(environment), configuration_);
  auto world = std::make_unique<World>(providers, std::move(environment),
                                       fmt::format("http: {{ca_file: {}}}\n{}", ca_->file(), configuration_));
  world->daemon().UseStore(store_, keys_ / "root.key");
  return world;
}

void PracticeTest::Start(const std::string& providers) {
  world_ = MakeWorld(providers);
  const absl::Status ready = world_->Start();
  ASSERT_TRUE(ready.ok()) << ready;
}

std::unique_ptr<World> PracticeTest::StartAnother(const std::string& providers,
                                                  const std::map<std::string, std::string>& environment) {
  std::unique_ptr<World> another = MakeWorld(providers, environment);
  const absl::Status ready = another->Start();
  EXPECT_TRUE(ready.ok()) << ready;
  return another;
}

std::filesystem::path PracticeTest::StoreFiles() const {
  return redis_ != nullptr ? redis_->data_dir() : world_->daemon().data_dir();
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
    allow_private: {2}
{3}  - id: bot
    kind: static
    static_credential:
      header_name: Authorization
      value_prefix: "Bot "
)",
                     practice_->issuer(), rotation, ca_ == nullptr ? "[]" : "[127.0.0.0/8]", indented);
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
