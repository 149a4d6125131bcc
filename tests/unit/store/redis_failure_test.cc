// SPDX-License-Identifier: Apache-2.0
// What operations answer while Redis, or the way to it, is in trouble.
#include <algorithm>
#include <fstream>

#include "store/redis/call.h"
#include "store/redis/link.h"
#include "store/redis/operations.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ca.h"
#include "tests/unit/store/redis_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using Outcome = CommitResult::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;

using RedisFailure = RedisStoreTest;

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST_F(RedisFailure, WhileRedisIsDownOperationsFailAtOnceAndSayWhenToComeBack) {
  server_.Stop();
  const auto store = Open();
  loop_.RunUntil([&] { return HasFailed(*store); });
  const Tick asked = clock_.Steady();
  const auto put = Put(*store, GrantKey("g"), 0);
  EXPECT_LT(clock_.Steady() - asked, seconds(5));
  EXPECT_TRUE(HasReason(put.status(), Reason::kStoreUnavailable)) << put.status();
  EXPECT_TRUE(RetryAfterOf(put.status()).has_value());
  EXPECT_EQ(store->identity().id, "");
  server_.Start();
  EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
  EXPECT_TRUE(Put(*store, GrantKey("g"), 0).ok());
  EXPECT_EQ(store->health(), absl::OkStatus());
}

TEST_F(RedisFailure, AnOperationThatComesRightAfterAResetWaitsForTheNewConnection) {
  const auto store = OpenReady();
  loop_.RunUntil([&, since = clock_.Steady()] { return clock_.Steady() - since > seconds(1); });
  const CoherenceEpoch epoch = store->epoch();
  relay_->ResetAll();
  // The new connection may be there before this is looked at.
  loop_.RunUntil([&] { return !store->health().ok() || store->epoch() > epoch; });
  EXPECT_TRUE(Put(*store, GrantKey("g"), 0).ok());
}

TEST_F(RedisFailure, OperationsThatComeWhileAConnectionIsBeingLostFailOrWaitForTheNext) {
  using GetCall = TypedRedisCall<std::optional<Record>>;
  RedisLink link(options_, clock_, loop_.context());
  link.Start();
  // After a session of use the next is made at once.
  loop_.RunUntil([&] { return link.coherence().CurrentUntil(link.coherence().epoch()) > clock_.Steady(); });
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<std::optional<Record>>>>> answers;
  const auto carry = [&] {
    auto call = std::make_shared<GetCall>(GetOperation(link.keys(), GrantKey("g")), Soon(), nullptr,
                                          loop_.context().get_executor());
    answers.push_back(loop_.Start(GetCall::Wait(call, clock_)));
    link.Carry(call);
  };
  relay_->ResetAll();
  // Between every two steps of the loop, until the loss is known.
  loop_.RunUntil([&] {
    carry();
    return !link.health().ok();
  });
  loop_.RunUntil([&] { return link.health().ok(); });
  loop_.RunUntil(
      [&] { return std::ranges::all_of(answers, [](const auto& one) { return one->has_value(); }); });
  for (const auto& answer : answers) {
    EXPECT_TRUE((*answer)->ok() || HasReason((*answer)->status(), Reason::kStoreUnavailable));
  }
  EXPECT_TRUE((*answers.back())->ok()) << "it has waited for the next connection";
  link.Stop();
  loop_.Stop();
}

TEST_F(RedisFailure, AReplyThatIsCutOffMeansThatTheWriteMayHaveHappenedAndNothingIsSentTwice) {
  const auto store = OpenReady();
  const Key key = GrantKey("g");
  const std::string value(20'000, 'v');
  ASSERT_TRUE(Put(*store, key, 0, value).ok());
  // The answer to a mismatch carries the record, which is cut off.
  relay_->ResetAfterBytes(5'000, {.number = 0, .open_now = true});
  const auto cut = Put(*store, key, 0, value);
  EXPECT_TRUE(HasReason(cut.status(), Reason::kStoreUnavailable)) << cut.status();
  EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
  EXPECT_EQ((*Get(*store, key))->revision, 1u);
}

TEST_F(RedisFailure, AServerThatHangsIsGivenUpAndUsedAgainWhenItGoesOn) {
  const auto store = OpenReady();
  const Key key = GrantKey("g");
  server_.Pause();
  const auto hung = loop_.Run(store->Get(key, clock_.Steady() + milliseconds(100)));
  EXPECT_TRUE(HasReason(hung.status(), Reason::kDeadline)) << hung.status();
  loop_.RunUntil([&] { return !store->health().ok() && HasFailed(*store); });
  const auto refused = Get(*store, key);
  EXPECT_TRUE(HasReason(refused.status(), Reason::kStoreUnavailable)) << refused.status();
  server_.Continue();
  EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
  EXPECT_TRUE(Get(*store, key).ok());
}

TEST_F(RedisFailure, ASlowNetworkDelaysOperationsAndFailsNone) {
  const auto store = OpenReady();
  relay_->SetDelay(milliseconds(100));
  for (Revision revision = 0; revision < 5; ++revision) {
    const auto put = Put(*store, GrantKey("g"), revision);
    ASSERT_TRUE(put.ok()) << put.status();
    EXPECT_EQ(put->outcome, Outcome::kDone);
  }
}

TEST_F(RedisFailure, ScriptsThatTheServerHasForgottenAreGivenToItAgain) {
  const auto store = OpenReady();
  server_.Command({"SCRIPT", "FLUSH"});
  EXPECT_EQ(Put(*store, GrantKey("g"), 0)->outcome, Outcome::kDone);
  server_.Command({"SCRIPT", "FLUSH"});
  EXPECT_EQ(Put(*store, GrantKey("g"), 0)->outcome, Outcome::kRevisionMismatch);
}

TEST_F(RedisFailure, ACommitThatMemoryDoesNotSufficeForIsNotDoneInPart) {
  const auto store = OpenReady();
  const Key old = Key::Under(Kind::kStaticSecret, TenantId("acme"), "", "old");
  const Key fresh = Key::Under(Kind::kStaticSecret, TenantId("acme"), "", "fresh");
  ASSERT_TRUE(Put(*store, old, 0).ok());
  server_.Command({"CONFIG", "SET", "maxmemory", "1"});
  std::vector<Write> writes;
  writes.emplace_back(Delete{.key = old, .replaces = 1});
  writes.emplace_back(ClearDue{.key = old});
  writes.emplace_back(grantkeep::Put{.key = fresh, .replaces = 0, .value = "v"});
  const auto refused = Commit(*store, writes);
  EXPECT_TRUE(HasReason(refused.status(), Reason::kStoreUnavailable));
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr("out of memory"));
  EXPECT_TRUE(RetryAfterOf(refused.status()).has_value());
  EXPECT_TRUE((*Get(*store, old)).has_value());  // reads go on, and nothing was deleted
  server_.Command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(Commit(*store, writes)->outcome, Outcome::kDone);
}

TEST_F(RedisFailure, AMasterThatHasBecomeAReplicaIsLeft) {
  RedisServer other;
  other.Start();
  const auto store = OpenReady();
  server_.Command({"REPLICAOF", "127.0.0.1", std::to_string(other.port())});
  loop_.RunUntil([&] { return !store->health().ok(); });
  const auto refused = Put(*store, GrantKey("g"), 0);
  EXPECT_TRUE(HasReason(refused.status(), Reason::kStoreUnavailable)) << refused.status();
  loop_.RunUntil([&] { return store->health().message().find("is a replica") != std::string::npos; });
  server_.Command({"REPLICAOF", "NO", "ONE"});
  EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
}

TEST_F(RedisFailure, AnEvictedLeaseIsLostAndAnEvictedRecordIsAbsent) {
  const auto store = OpenReady();
  const Key key = GrantKey("g");
  std::vector<Write> begin;
  begin.emplace_back(grantkeep::Put{.key = key, .replaces = 0, .value = "v"});
  begin.emplace_back(TakeLease{.key = key, .owner = "me", .duration = seconds(60)});
  ASSERT_TRUE(Commit(*store, begin).ok());
  for (const RedisReply& name : server_.Command({"KEYS", "grantkeep:*acme*"}).elements) {
    if (name.text.find(":index:") == std::string::npos) server_.Command({"DEL", name.text});
  }
  EXPECT_FALSE((*Get(*store, key)).has_value());
  std::vector<Write> finish;
  finish.emplace_back(RequireLease{.key = key, .owner = "me"});
  EXPECT_EQ(Commit(*store, finish)->outcome, Outcome::kLeaseLost);
  // A scan passes over what is gone, and forgets it.
  const auto page = loop_.Run(store->Scan(key.partition, Kind::kGrant, TenantId("acme"), "", 10, Soon()));
  EXPECT_TRUE(page->records.empty());
  EXPECT_THAT(server_.Command({"KEYS", "grantkeep:index:*"}).elements, ::testing::IsEmpty());
}

TEST_F(RedisFailure, AValueThatIsNoneOfOursIsCorruptAndAnotherTypeIsAnError) {
  const auto store = OpenReady();
  const Key key = GrantKey("g");
  ASSERT_TRUE(Put(*store, key, 0).ok());
  const std::string name = server_.Command({"KEYS", "grantkeep:g:*"}).elements.at(0).text;
  server_.Command({"SET", name, "x"});
  EXPECT_TRUE(HasReason(Get(*store, key).status(), Reason::kStoreCorrupt));
  server_.Command({"DEL", name});
  server_.Command({"LPUSH", name, "x"});
  const auto wrong_type = Get(*store, key);
  EXPECT_TRUE(HasReason(wrong_type.status(), Reason::kStoreUnavailable));
  EXPECT_THAT(MessageOf(wrong_type.status()), HasSubstr("WRONGTYPE"));
}

TEST_F(RedisFailure, MoreOperationsThanFitAreRefusedAtOnce) {
  options_.max_queued = 3;
  options_.command_timeout = seconds(10);
  const auto store = OpenReady();
  server_.Pause();
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<std::optional<Record>>>>> answers;
  answers.reserve(4);
  for (int i = 0; i < 4; ++i) answers.push_back(loop_.Start(store->Get(GrantKey("g"), Soon())));
  loop_.RunUntil([&] { return answers[3]->has_value(); });
  EXPECT_TRUE(HasReason(answers[3]->value().status(), Reason::kOverloaded)) << answers[3]->value().status();
  server_.Continue();
  for (int i = 0; i < 3; ++i) {
    loop_.RunUntil([&] { return answers[i]->has_value(); });
    EXPECT_EQ(answers[i]->value().status(), absl::OkStatus());
  }
}

class RedisUsers : public RedisStoreTest {
 protected:
  RedisUsers()
      : RedisStoreTest({.configuration = {}, .users = {"default off", "keeper on >first ~* &* +@all"}}) {
    options_.username = "keeper";
    options_.password_file = folder_ / "password";
  }
  void WritePassword(const std::string& password) { std::ofstream(folder_ / "password") << password << "\n"; }
  TempDir folder_;
};

TEST_F(RedisUsers, AWrongPasswordIsSaidAndARightOneIsReadFromItsFileWithoutARestart) {
  WritePassword("wrong-password");
  const auto store = Open();
  loop_.RunUntil([&] { return HasFailed(*store); });
  EXPECT_THAT(MessageOf(store->health()), HasSubstr("WRONGPASS"));
  EXPECT_THAT(MessageOf(store->health()), HasSubstr("password_file"));
  EXPECT_THAT(MessageOf(store->health()), ::testing::Not(HasSubstr("wrong-password")));
  WritePassword("first");
  EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
  // It changes while the connection is up; the next one takes the new one.
  server_.Command({"ACL", "SETUSER", "keeper", ">second", "<first"});
  WritePassword("second");
  const CoherenceEpoch epoch = store->epoch();
  server_.Command({"CLIENT", "KILL", "USER", "keeper"});
  loop_.RunUntil([&] { return store->epoch() > epoch; });
  EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
}

TEST_F(RedisUsers, AMissingOrEmptyPasswordFileIsNamed) {
  const auto store = Open();
  loop_.RunUntil([&] { return HasFailed(*store); });
  EXPECT_THAT(MessageOf(store->health()), HasSubstr("password_file: " + options_.password_file));
  WritePassword("");
  loop_.RunUntil([&] { return store->health().message().find("is empty") != std::string::npos; });
  WritePassword(std::string(5000, 'x'));
  loop_.RunUntil([&] { return store->health().message().find("more than 4096 bytes") != std::string::npos; });
}

TEST_F(RedisUsers, AttemptsThatFailLeaveNoConnectionBehind) {
  const auto store = Open();
  const auto attempts = [&] {
    const std::string info = server_.Info("total_connections_received");
    return std::stoi(info);
  };
  // Each look is a connection, too; what stays is counted.
  const int before = attempts();
  loop_.RunUntil([&] { return HasFailed(*store) && attempts() - before > 60; });
  EXPECT_LT(std::stoi(server_.Info("connected_clients")), 5);
}

TEST_F(RedisUsers, AUserWhoMayNotPublishIsSaid) {
  server_.Command({"ACL", "SETUSER", "keeper", "-publish"});
  WritePassword("first");
  const auto store = Open();
  loop_.RunUntil([&] { return store->health().message().find("NOPERM") != std::string::npos; });
  EXPECT_TRUE(HasReason(store->health(), Reason::kStoreUnavailable));
}

class RedisTls : public ::testing::Test {
 protected:
  absl::Status ConnectTo(const RedisServer& server, const std::string& ca_file, const std::string& host) {
    RedisOptions options;
    options.url.tls = true;
    options.url.addresses = {{.host = host, .port = server.port(), .path = {}}};
    options.ca_file = ca_file;
    options.connect_timeout = seconds(5);
    const auto store = RedisStore::Open(options, clock_).value();
    loop_.RunUntil([&] { return store->health().ok() || HasFailed(*store); });
    return store->health();
  }
  TestCa ca_;
  SystemClock clock_;
  TestLoop loop_;
};

TEST_F(RedisTls, ACertificateOfAnotherAuthorityOrForAnotherNameIsRefused) {
  RedisServer::Options wanted;
  wanted.tls = RedisServer::Tls::kOn;
  wanted.ca = &ca_;
  wanted.certificate_names = {"127.0.0.1"};
  RedisServer server(wanted);
  server.Start();
  EXPECT_EQ(ConnectTo(server, ca_.file(), "127.0.0.1"), absl::OkStatus());
  const TestCa other;
  EXPECT_THAT(MessageOf(ConnectTo(server, other.file(), "127.0.0.1")),
              HasSubstr("certificate is not accepted"));
  EXPECT_THAT(MessageOf(ConnectTo(server, ca_.file(), "localhost")),
              HasSubstr("certificate is not accepted"));
  EXPECT_THAT(MessageOf(ConnectTo(server, "/nowhere/ca.pem", "127.0.0.1")), HasSubstr("tls.ca_file"));
}

TEST_F(RedisTls, APlainServerIsNoTlsServer) {
  RedisServer server;
  server.Start();
  EXPECT_THAT(MessageOf(ConnectTo(server, ca_.file(), "127.0.0.1")), HasSubstr("TLS"));
}

}  // namespace
}  // namespace grantkeep::testing
