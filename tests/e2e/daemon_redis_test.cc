// SPDX-License-Identifier: Apache-2.0
// grantkeepd over a Redis that is not there, not right, or in two parts: what it says, answers and does.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/caller.h"
#include "tests/e2e/daemon_run.h"
#include "tests/e2e/health.h"
#include "tests/support/document.h"
#include "tests/support/eventually.h"
#include "tests/support/redis_client.h"
#include "tests/support/redis_server.h"
#include "tests/support/test_ca.h"

namespace grantkeep::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAuth[] = "grantkeep.v1.AuthService";
constexpr char kVaultAdmin[] = "grantkeep.v1.VaultAdmin";

// What a daemon says that finds its Redis empty.
constexpr char kNewStore[] = "held nothing under key_prefix 'grantkeep': made a new store, ";

const RedisServer::Options kDurable{.configuration = {"appendonly yes", "appendfsync always"}};

class DaemonRedis : public ::testing::Test {
 protected:
  DaemonRedis() { WriteOurs("root.key", std::string(31, 'k') + "!"); }

  // A file that is the daemon's alone.
  std::string WriteOurs(const std::string& name, const std::string& content) {
    const std::string path = run_.Write(name, content);
    chmod(path.c_str(), 0600);
    return path;
  }
  // `store`: what stands under "store:" in YAML's flow style.
  DaemonRun::Arguments ConfigOf(const std::string& store) {
    const std::string dir = run_.path("").parent_path().string();
    return {"--config", run_.Write("config.yaml", fmt::format(R"(
server: {{listen: "unix:{0}/s"}}
store: {{{1}}}
vault: {{root_key_file: {0}/root.key}}
providers:
- id: p
  authorization_endpoint: https://as.example/authorize
  token_endpoint: https://as.example/token
  rotation: strict
  redirect_uris: [https://app.example/callback]
  client: {{client_id: me, client_secrets: [{{env: CLIENT_SECRET}}]}}
)",
                                                              dir, store))};
  }
  static std::string RedisAt(const RedisServer& redis, const std::string& more = "") {
    return fmt::format("redis: {{url: \"{}\"{}}}", redis.url(), more);
  }
  void Start(const std::string& store) { run_.Start(ConfigOf(store), {{"CLIENT_SECRET", "s"}}); }
  // Begins, and waits until it answers, ready or not.
  void Begin(const std::string& store) {
    run_.Begin(ConfigOf(store), {{"CLIENT_SECRET", "s"}});
    ASSERT_TRUE(Eventually([&] { return HealthOf("").has_value(); })) << run_.output();
  }

  std::string address() const { return "unix:" + run_.path("s").string(); }
  Caller caller() const { return Caller(address()); }

  // What health says of a service; nothing when it does not answer.
  std::optional<bool> HealthOf(const char* service) const {
    return grantkeep::testing::HealthOf(address(), service);
  }
  bool IsServing(const char* service) const { return HealthOf(service) == true; }

  CallStatus Put(const std::string& name) const {
    v1::PutStaticSecretRequest request;
    request.set_tenant("acme");
    request.set_name(name);
    request.set_value("value");
    return caller().PutStaticSecret(request).status;
  }
  CallStatus StartAuth() const {
    v1::StartAuthRequest request;
    request.set_tenant("acme");
    request.set_provider("p");
    request.set_subject("user-1");
    request.set_redirect_uri("https://app.example/callback");
    request.set_session_binding(std::string(16, 'b'));
    return caller().StartAuth(request).status;
  }
  // What needs the store, once each.
  std::vector<CallStatus> EveryKindOfCall() const {
    v1::RefreshRequest refresh;
    refresh.set_tenant("acme");
    refresh.set_subject("user-1");
    refresh.set_grant_id("gr_1");
    v1::ListGrantsRequest list;
    list.set_tenant("acme");
    v1::GetStaticSecretRequest get;
    get.set_tenant("acme");
    get.set_name("name");
    return {StartAuth(), Put("name"), caller().Refresh(refresh).status, caller().ListGrants(list).status,
            caller().GetStaticSecret(get).status};
  }
  v1::GetServerStatusResponse Status() const {
    const auto status = caller().GetServerStatus({});
    EXPECT_TRUE(status.ok()) << status.status;
    return status.value;
  }

  DaemonRun run_;
};

TEST_F(DaemonRedis, WithoutItsRedisItServesUnavailableAndIsReadyWhenThatComes) {
  RedisServer redis(kDurable);
  Begin(RedisAt(redis));
  for (const CallStatus& status : EveryKindOfCall()) {
    EXPECT_EQ(status.code, grpc::StatusCode::UNAVAILABLE) << status;
    EXPECT_EQ(status.reason, "STORE_UNAVAILABLE") << status;
    EXPECT_TRUE(status.retry_after.has_value()) << status;
  }
  for (const char* service : {"", kAuth, kVaultAdmin}) EXPECT_FALSE(IsServing(service)) << service;
  EXPECT_FALSE(run_.IsReady());
  EXPECT_FALSE(Status().store().available());
  EXPECT_THAT(Status().store().problem(), HasSubstr(std::to_string(redis.port())));
  EXPECT_TRUE(run_.Says("serving without the store"));
  EXPECT_THAT(run_.output(), Not(HasSubstr("ready: listening")));

  redis.Start();
  run_.WaitUntilReady();
  EXPECT_EQ(run_.address(), address());
  for (const char* service : {"", kAuth, kVaultAdmin}) EXPECT_TRUE(IsServing(service)) << service;
  EXPECT_TRUE(Put("name").ok());
  EXPECT_TRUE(StartAuth().ok());
  EXPECT_EQ(Status().store().kind(), "redis");
  EXPECT_TRUE(run_.Says("ready: listening"));
  const EndedRun ended = run_.End(SIGTERM);
  EXPECT_EQ(ended.exit_code, 0) << ended.output;
  EXPECT_FALSE(run_.IsReady());
}

TEST_F(DaemonRedis, ItEndsInOrderWhileItWaits) {
  RedisServer redis(kDurable);
  Begin(RedisAt(redis));
  const EndedRun ended = run_.End(SIGTERM);
  EXPECT_EQ(ended.exit_code, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("stopped"));
}

TEST_F(DaemonRedis, ARedisThatIsLostIsVaultAdminsTroubleAndTheServersOnlyAfterOutageServe) {
  RedisServer redis(kDurable);
  redis.Start();
  Start(RedisAt(redis));
  ASSERT_TRUE(Put("name").ok());
  redis.Kill();
  EXPECT_TRUE(Eventually([&] { return !IsServing(kVaultAdmin); }));
  EXPECT_TRUE(IsServing(""));
  EXPECT_TRUE(IsServing(kAuth));
  EXPECT_EQ(StartAuth().reason, "STORE_UNAVAILABLE");
  EXPECT_TRUE(run_.IsReady()) << "the file tells of the start";
  redis.Start();
  EXPECT_TRUE(Eventually([&] { return IsServing(kVaultAdmin); }));
  EXPECT_TRUE(StartAuth().ok());
}

TEST_F(DaemonRedis, WithOutageServeZeroALostRedisIsTheServersTroubleAtOnce) {
  RedisServer redis(kDurable);
  redis.Start();
  Start(RedisAt(redis) + ", outage_serve: 0s");
  EXPECT_TRUE(IsServing(""));
  redis.Kill();
  EXPECT_TRUE(Eventually([&] { return !IsServing("") && !IsServing(kAuth) && !IsServing(kVaultAdmin); }));
  redis.Start();
  EXPECT_TRUE(Eventually([&] { return IsServing("") && IsServing(kAuth) && IsServing(kVaultAdmin); }));
}

TEST_F(DaemonRedis, AWrongPasswordIsSaidAndCanBeMendedWithoutARestart) {
  RedisServer::Options options = kDurable;
  options.users = {"default off", "vault on >right-password ~* &* +@all"};
  RedisServer redis(options);
  redis.Start();
  const std::string password = WriteOurs("password", "wrong-password\n");
  Begin(RedisAt(redis, fmt::format(", username: vault, password_file: {}", password)));
  EXPECT_FALSE(run_.IsReady());
  EXPECT_FALSE(IsServing(""));
  EXPECT_TRUE(run_.Says("WRONGPASS"));
  WriteOurs("password", "right-password\n");
  run_.WaitUntilReady();
  EXPECT_TRUE(Put("name").ok());
  EXPECT_THAT(run_.output(), Not(AnyOf(HasSubstr("wrong-password"), HasSubstr("right-password"))));
}

// Redis reads its append-only file as the user "default", and drops what that may not do.
TEST_F(DaemonRedis, WithTheDocumentedUsersARestartOfRedisLosesNothing) {
  RedisServer::Options options = kDurable;
  options.users = ReadUsers(REDIS_DOCUMENT, "redis-acl");
  RedisServer redis(options);
  redis.Start();
  // The password is the word that the document has in its place.
  const std::string password = WriteOurs("password", "PASSWORD");
  const std::string store = RedisAt(redis, fmt::format(", username: grantkeep, password_file: {}", password));
  Start(store);
  EXPECT_TRUE(run_.Says(kNewStore));
  EXPECT_TRUE(Put("name").ok());
  const EndedRun first = run_.End(SIGTERM);
  EXPECT_EQ(first.exit_code, 0);
  redis.Restart();
  Start(store);
  EXPECT_THAT(run_.output().substr(first.output.size()), Not(HasSubstr(kNewStore)));
  v1::GetStaticSecretRequest get;
  get.set_tenant("acme");
  get.set_name("name");
  const auto found = caller().GetStaticSecret(get);
  ASSERT_TRUE(found.ok()) << found.status;
  EXPECT_EQ(found->value(), "value");
  EXPECT_THROW(RedisClient(redis.port()).Command({"DBSIZE"}), std::runtime_error) << "nobody is \"default\"";
}

TEST_F(DaemonRedis, AServerOfAnotherAuthorityIsNotTalkedTo) {
  const TestCa ca;
  const TestCa another;
  RedisServer::Options options = kDurable;
  options.tls = RedisServer::Tls::kClientCertificates;
  options.ca = &ca;
  RedisServer redis(options);
  redis.Start();
  const std::string certificate = WriteOurs("cert.pem", ReadFile(redis.certificate_file()));
  const std::string key = WriteOurs("key.pem", ReadFile(redis.key_file()));
  const auto tls = [&](const TestCa& trusted) {
    return RedisAt(redis, fmt::format(", tls: {{ca_file: {}, certificate_file: {}, private_key_file: {}}}",
                                      trusted.file(), certificate, key));
  };
  Begin(tls(another));
  EXPECT_FALSE(run_.IsReady());
  EXPECT_TRUE(run_.Says("certificate"));
  EXPECT_EQ(Put("name").reason, "STORE_UNAVAILABLE");
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
  Start(tls(ca));
  EXPECT_TRUE(Put("name").ok());
}

TEST_F(DaemonRedis, ARedisThatMayLoseWritesIsAWarningUnlessDurabilityIsRequired) {
  RedisServer redis({.configuration = {"maxmemory-policy allkeys-lru"}});
  redis.Start();
  Start(RedisAt(redis));
  EXPECT_THAT(run_.output(),
              AllOf(HasSubstr("appendonly is no"), HasSubstr("maxmemory-policy is allkeys-lru")));
  EXPECT_GE(Status().store().durability_risks_size(), 2);
  EXPECT_TRUE(Status().store().available());
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);

  const EndedRun refused = run_.ToEnd(ConfigOf(RedisAt(redis, ", require_durable: true")));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("grantkeepd: store.redis.require_durable: this Redis may lose"));
  EXPECT_THAT(refused.output, HasSubstr("grantkeepd: store.redis: appendonly is no"));
  EXPECT_THAT(refused.output, HasSubstr("(set appendonly yes)"));
  EXPECT_THAT(refused.output, HasSubstr("grantkeepd: store.redis: maxmemory-policy is allkeys-lru"));
  EXPECT_THAT(refused.output, HasSubstr("or accept it with require_durable: false"));
}

TEST_F(DaemonRedis, ADurableRedisIsNoWarningAndMayBeRequired) {
  RedisServer redis(kDurable);
  redis.Start();
  Start(RedisAt(redis, ", require_durable: true"));
  EXPECT_THAT(run_.output(),
              Not(AnyOf(HasSubstr("appendonly"), HasSubstr("appendfsync"), HasSubstr("maxmemory"))));
  EXPECT_EQ(Status().store().durability_risks_size(), 0);
}

TEST_F(DaemonRedis, ARedisThatComesLateAndMayLoseWritesEndsADaemonThatRequiresDurability) {
  RedisServer redis;
  Begin(RedisAt(redis, ", require_durable: true"));
  redis.Start();
  const EndedRun ended = run_.Wait();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output, HasSubstr("main: stopping: store.redis.require_durable: "));
  EXPECT_THAT(ended.output, HasSubstr("grantkeepd: store.redis: appendonly is no"));
  EXPECT_FALSE(run_.IsReady());
}

TEST_F(DaemonRedis, AnotherRootKeyEndsItAtOnceOrWhenTheRedisComes) {
  RedisServer redis(kDurable);
  redis.Start();
  Start(RedisAt(redis));
  ASSERT_TRUE(Put("name").ok());
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
  WriteOurs("root.key", std::string(31, 'x') + "!");
  const EndedRun refused = run_.ToEnd(ConfigOf(RedisAt(redis)));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("grantkeepd: root key: "));

  redis.Stop();
  Begin(RedisAt(redis));
  redis.Start();
  const EndedRun ended = run_.Wait();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output, HasSubstr("main: stopping: root key: "));
}

class DaemonTwoRedis : public DaemonRedis {
 protected:
  DaemonTwoRedis() : vault_(kDurable) {}

  std::string Both() const {
    return RedisAt(vault_) + fmt::format(", ephemeral: {{url: \"{}\"}}", flows_.url());
  }
  static std::string KeysOf(const RedisServer& redis) {
    std::string keys;
    for (const RedisReply& key : redis.Command({"KEYS", "*"}).elements) keys += key.text + "\n";
    return keys;
  }

  RedisServer vault_;
  RedisServer flows_;
};

TEST_F(DaemonTwoRedis, SignInsUnderWayLiveInTheOneAndEverythingElseInTheOther) {
  vault_.Start();
  flows_.Start();
  Start(Both());
  ASSERT_TRUE(StartAuth().ok());
  ASSERT_TRUE(Put("name").ok());
  EXPECT_THAT(KeysOf(flows_), HasSubstr("grantkeep:f:"));
  EXPECT_THAT(KeysOf(vault_), AllOf(HasSubstr("grantkeep:s:"), Not(HasSubstr("grantkeep:f:"))));
  EXPECT_THAT(KeysOf(flows_), Not(HasSubstr("grantkeep:s:")));
  EXPECT_TRUE(Status().ephemeral_store().available());
  EXPECT_THAT(run_.output(), Not(HasSubstr("appendonly"))) << "flows may be lost";
}

TEST_F(DaemonTwoRedis, WithoutTheEphemeralOneOnlySignInsFail) {
  vault_.Start();
  flows_.Start();
  Start(Both());
  flows_.Kill();
  EXPECT_TRUE(Eventually([&] { return !Status().ephemeral_store().available(); }));
  EXPECT_EQ(StartAuth().reason, "STORE_UNAVAILABLE");
  EXPECT_TRUE(StartAuth().retry_after.has_value());
  EXPECT_TRUE(Put("name").ok());
  EXPECT_TRUE(Status().store().available());
  for (const char* service : {"", kAuth, kVaultAdmin}) EXPECT_TRUE(IsServing(service)) << service;
  flows_.Start();
  EXPECT_TRUE(Eventually([&] { return StartAuth().ok(); }));
}

TEST_F(DaemonTwoRedis, ItIsReadyOnlyWhenBothWereReached) {
  vault_.Start();
  Begin(Both());
  EXPECT_FALSE(IsServing(""));
  EXPECT_FALSE(run_.IsReady());
  flows_.Start();
  run_.WaitUntilReady();
  EXPECT_TRUE(StartAuth().ok());
}

}  // namespace
}  // namespace grantkeep::testing
