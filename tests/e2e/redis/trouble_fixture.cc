// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/redis/trouble_fixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/e2e/health.h"

namespace grantkeep::testing {
namespace {

using namespace std::chrono_literals;

constexpr char kAuth[] = "grantkeep.v1.AuthService";
constexpr char kVaultAdmin[] = "grantkeep.v1.VaultAdmin";

RedisServer::Options OnDisk(RedisServer::Options options) {
  options.configuration.insert(options.configuration.begin(), {"appendonly yes", "appendfsync always"});
  return options;
}

}  // namespace

RedisTrouble::RedisTrouble(RedisServer::Options options) : PracticeTest(StoreKind::kRedis) {
  redis_ = std::make_unique<RedisServer>(OnDisk(std::move(options)));
  redis_->Start();
  relay_ = std::make_unique<TcpRelay>(redis_->port());
  store_ = ByRelay();
}

std::string RedisTrouble::ByRelay(const std::string& more) const {
  const std::string url = redis_->url();
  return fmt::format("redis: {{url: \"{}://127.0.0.1:{}/0\", failover_hold: 2s{}}}",
                     url.substr(0, url.find(':')), relay_->port(), more);
}

void RedisTrouble::Prepare() {
  if (world_ == nullptr) Start();
  expired_ = SignInAndExpire();
  valid_ = SignIn();
  ASSERT_TRUE(PutAt(*world_, kInMemory, "value of it").ok());
  ASSERT_TRUE(PutAt(*world_, kNotInMemory, "value of the other").ok());
  pending_ = world_->Begin("practice");
  callback_ = Visit(*pending_);
  // A new process remembers nothing.
  ASSERT_EQ(world_->daemon().Stop(), 0);
  ASSERT_TRUE(world_->Start().ok()) << world_->daemon().Output();
  ASSERT_EQ(Refresh(valid_), "ok");
  ASSERT_EQ(Get(kInMemory), "ok");
  records_ = RecordNames();
  ASSERT_GE(records_.size(), 5u);
}

Behaviour RedisTrouble::Probe() {
  Behaviour behaviour;
  const auto ask = [&](const std::string& column, const std::function<std::string()>& call) {
    std::string word;
    around_([&] { word = call(); });
    behaviour.emplace_back(column, std::move(word));
  };
  ask("StartAuth", [&] { return Word(world_->caller().StartAuth(World::StartRequest("practice")).status); });
  ask("CompleteAuth", [&] { return Complete(); });
  ask("Refresh", [&] { return Refresh(valid_); });
  ask("Refresh, expired", [&] { return Refresh(expired_); });
  ask("GetStaticSecret", [&] { return Get(kInMemory); });
  ask("GetStaticSecret, not in memory", [&] { return Get(kNotInMemory); });
  ask("PutStaticSecret", [&] { return Word(PutAt(*world_, "another", "its value")); });
  ask("ListGrants", [&] {
    v1::ListGrantsRequest request;
    request.set_tenant(World::kTenant);
    request.set_subject(World::kSubject);
    return Word(world_->caller().ListGrants(request).status);
  });
  ask("Health", [&] {
    const std::string whole = Health("");
    const std::string auth = Health(kAuth);
    return whole == auth ? whole : fmt::format("{}, AuthService {}", whole, auth);
  });
  ask("Health of VaultAdmin", [&] { return Health(kVaultAdmin); });
  ask("GetServerStatus", [&] {
    const auto status = world_->caller().GetServerStatus({});
    if (!status.ok()) return Word(status.status);
    const bool explained = status->store().available() == status->store().problem().empty();
    return fmt::format("{}{}", status->store().available() ? "available" : "not available",
                       explained ? "" : " without a problem");
  });
  return behaviour;
}

void RedisTrouble::ExpectRow() {
  const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const auto table = ReadBehaviourTable();
  ASSERT_TRUE(table.contains(name)) << "docs/redis.md has no row " << name;
  EXPECT_THAT(Probe(), ::testing::ElementsAreArray(table.at(name))) << world_->daemon().Output();
}

void RedisTrouble::WaitUntilNoticed() {
  ASSERT_TRUE(Eventually([&] {
    // What was proven to be the newest stays so for a moment.
    return Health(kVaultAdmin) == "not serving" && Refresh(valid_) != "ok";
  })) << world_->daemon().Output();
}

void RedisTrouble::WaitUntilWell() {
  ASSERT_TRUE(Eventually([&] {
    const auto status = world_->caller().GetServerStatus({});
    return Health(kVaultAdmin) == "serving" && status.ok() && status->store().available();
  })) << world_->daemon().Output();
}

void RedisTrouble::ExpectWhole(const std::string& complete) {
  around_ = [](const auto& call) { call(); };
  WaitUntilWell();
  for (const auto& [column, word] : Probe()) {
    if (column == "CompleteAuth") {
      EXPECT_EQ(word, complete);
    } else {
      EXPECT_THAT(word, ::testing::AnyOf("ok", "serving", "available")) << column;
    }
  }
  const std::set<std::string> now = RecordNames();
  EXPECT_TRUE(std::ranges::includes(now, records_)) << ::testing::PrintToString(now);
  EXPECT_EQ(GetAt(*world_, kInMemory)->value(), "value of it");
  EXPECT_EQ(GetAt(*world_, kNotInMemory)->value(), "value of the other");
  for (const v1::Grant& grant : {valid_, expired_}) {
    EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_ACTIVE);
    const auto token = world_->Refresh(grant.grant_id());
    EXPECT_TRUE(token.ok()) << token.status;
    EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  }
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

std::string RedisTrouble::Word(const CallStatus& status) {
  if (status.ok()) return "ok";
  if (status.code != grpc::StatusCode::UNAVAILABLE || status.reason != "STORE_UNAVAILABLE") {
    return status.reason.empty() ? fmt::format("code {}", static_cast<int>(status.code)) : status.reason;
  }
  return status.retry_after.has_value() ? "unavailable" : "unavailable without RetryInfo";
}

std::string RedisTrouble::Refresh(const v1::Grant& grant, uint64_t rejected_generation) const {
  const auto answer = world_->Refresh(grant.grant_id(), rejected_generation);
  return answer.ok() && answer->freshness() == v1::FRESHNESS_UNVERIFIED ? "unverified" : Word(answer.status);
}

std::string RedisTrouble::Get(const std::string& name) const {
  const auto answer = GetAt(*world_, name);
  return answer.ok() && answer->unverified() ? "unverified" : Word(answer.status);
}

Answer<v1::GetStaticSecretResponse> RedisTrouble::GetAt(const World& world, const std::string& name) {
  v1::GetStaticSecretRequest request;
  request.set_tenant(World::kTenant);
  request.set_name(name);
  return world.caller().GetStaticSecret(request);
}

CallStatus RedisTrouble::PutAt(const World& world, const std::string& name, const std::string& value) {
  v1::PutStaticSecretRequest request;
  request.set_tenant(World::kTenant);
  request.set_name(name);
  request.set_value(value);
  return world.caller().PutStaticSecret(request).status;
}

std::string RedisTrouble::Health(const char* service) const {
  const std::optional<bool> serving = HealthOf(world_->daemon().address(), service);
  if (!serving.has_value()) return "no answer";
  return *serving ? "serving" : "not serving";
}

std::string RedisTrouble::Complete() {
  if (!pending_.has_value()) {
    pending_ = world_->Begin("practice");
    callback_ = Visit(*pending_);
  }
  const CallStatus completed = world_->Complete(*pending_, callback_).status;
  // Only a sign-in that is over is not tried again.
  if (completed.code != grpc::StatusCode::UNAVAILABLE) pending_.reset();
  return Word(completed);
}

std::set<std::string> RedisTrouble::RecordNames() const {
  std::set<std::string> names;
  for (const char kind : {'k', 'g', 'h', 's', 'v'}) {
    for (const RedisReply& key : server_().Command({"KEYS", fmt::format("grantkeep:{}:*", kind)}).elements) {
      names.insert(key.text);
    }
  }
  return names;
}

}  // namespace grantkeep::testing
