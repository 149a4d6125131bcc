// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/reason.h"
#include "store/guarded_store.h"
#include "tests/support/interposed_store.h"
#include "tests/support/rooms.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kProviders[] = R"(
providers:
  - id: configured
    display_name: Configured
    authorization_endpoint: https://as.example/authorize
    token_endpoint: https://as.example:8443/oauth/token?tenant=1
    rotation: strict
    redirect_uris: [https://app.example/cb]
    client:
      client_id: me
      client_secrets: [{env: GOOD}, {env: MISSING}, {vault: {tenant: ops, name: acme}}]
  - id: discovered
    issuer: https://login.example/realm
    rotation: strict
    redirect_uris: [https://app.example/cb2]
    client: {client_id: me}
  - id: keys
    kind: static
    static_credential: {header_name: Authorization}
)";

constexpr char kMetadata[] = R"({"issuer":"https://login.example/realm","response_types_supported":["code"],
  "authorization_endpoint":"https://login.example/a","token_endpoint":"https://login.example/t"})";

class ServerStatusTest : public ::testing::Test {
 protected:
  static boost::asio::awaitable<absl::StatusOr<Secret>> Resolve(config::v1::SecretReference reference, Tick) {
    if (reference.env() == "MISSING") {
      co_return Error(Reason::kClientMisconfigured, "the environment variable MISSING is not set");
    }
    co_return Secret("canary-of-the-status-test");
  }
  using Started = std::shared_ptr<std::optional<absl::StatusOr<v1::GetServerStatusResponse>>>;
  Started Start(bool check_providers, Duration timeout = seconds(30)) {
    return rooms_.loop.Start(status_.Gather(check_providers, rooms_.clock.Steady() + timeout));
  }
  v1::GetServerStatusResponse End(const Started& started) {
    rooms_.loop.RunUntil([&] { return started->has_value(); });
    return (*started)->value();
  }
  v1::GetServerStatusResponse Gather(bool check_providers) { return End(Start(check_providers)); }
  void RunUntilBothAreAsked() {
    rooms_.loop.RunUntil([&] { return rooms_.http.seen().size() == 2 && store_.commits_answered == 1; });
    rooms_.loop.RunReady();
  }
  void AnswerWith(const HttpOutcome& outcome) {
    rooms_.http.OnRequest([&outcome](const ScriptedHttp::Seen&) {
      HttpOutcome copy;
      if (outcome.response.has_value()) copy = ScriptedHttp::Json(outcome.response->status, "{}");
      copy.error = outcome.error;
      copy.answered = outcome.answered;
      return copy;
    });
  }

  void AnswerWithBody(const HttpOutcome& outcome) {
    const int status = outcome.response->status;
    const std::string body(outcome.response->body.Expose());
    rooms_.http.OnRequest([=](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(status, body); });
  }

  Rooms rooms_{kProviders};
  InterposedStore& store_ = *rooms_.store;
  ServerStatus status_{{.version = "1.2.3", .development = true, .store_kind = "sqlite"},
                       {.store = store_,
                        .catalogue = *rooms_.catalogue,
                        .http = rooms_.http,
                        .clock = rooms_.clock,
                        .resolve_secret = &Resolve}};
};

TEST_F(ServerStatusTest, SaysVersionClocksModeAndStore) {
  const Time start = rooms_.clock.Now();
  rooms_.clock.Advance(seconds(90));
  const auto status = Gather(false);
  EXPECT_EQ(status.version(), "1.2.3");
  EXPECT_TRUE(status.development());
  EXPECT_EQ(status.start_time().seconds() * 1'000'000, ToMicros(start));
  EXPECT_EQ(status.server_time().seconds() - status.start_time().seconds(), 90);
  EXPECT_EQ(status.store().kind(), "sqlite");
  EXPECT_TRUE(status.store().available());
  EXPECT_EQ(status.store().time().seconds(), status.server_time().seconds());
  EXPECT_EQ(status.store().problem(), "");
}

TEST_F(ServerStatusTest, TheStoreIsAskedByAWriteOfWhichNothingStays) {
  Gather(false);
  ASSERT_EQ(store_.last_commit.size(), 2u);
  const Key key = std::get<SetDue>(store_.last_commit[0]).key;
  EXPECT_EQ(std::get<ClearDue>(store_.last_commit[1]).key, key);
  rooms_.clock.Advance(std::chrono::hours(48));
  const auto due = rooms_.loop.Run(
      rooms_.store->ClaimDue(key.partition, 10, seconds(1), rooms_.clock.Steady() + seconds(10)));
  ASSERT_TRUE(due.ok());
  EXPECT_THAT(*due, IsEmpty());
}

TEST_F(ServerStatusTest, TheStoreSaysWhoItIsAndThatItMayBeWritten) {
  const auto status = Gather(false);
  EXPECT_EQ(status.store().id(), rooms_.sqlite->identity().id);
  EXPECT_EQ(status.store().epoch(), 1u);
  EXPECT_TRUE(status.store().adopted());
  EXPECT_EQ(status.store().adoption_problem(), "");
}

TEST_F(ServerStatusTest, AStoreThatIsNotAdoptedIsOnlyReadAndSaysWhy) {
  GuardedStore guarded(
      store_, [](const StoreIdentity&) { return Error(Reason::kStoreNotAdopted, "the store is another"); });
  ServerStatus closed({.version = "1.2.3", .development = false, .store_kind = "sqlite"},
                      {.store = guarded,
                       .catalogue = *rooms_.catalogue,
                       .http = rooms_.http,
                       .clock = rooms_.clock,
                       .resolve_secret = &Resolve});
  const auto gathered = rooms_.loop.Run(closed.Gather(false, rooms_.clock.Steady() + seconds(10)));
  ASSERT_TRUE(gathered.ok());
  const v1::StoreStatus& store = gathered->store();
  EXPECT_FALSE(store.adopted());
  EXPECT_EQ(store.adoption_problem(), "the store is another");
  EXPECT_TRUE(store.available()) << "it answers";
  EXPECT_EQ(store.problem(), "");
  EXPECT_TRUE(store.has_time());
  EXPECT_EQ(store_.commits, 0);
  EXPECT_EQ(store_.gets, 1);
}

TEST_F(ServerStatusTest, TheStoresTimeIsThatOfTheAnswerHoweverLongProvidersTake) {
  rooms_.http.Hold();
  const Started started = Start(true);
  RunUntilBothAreAsked();
  rooms_.clock.Advance(seconds(5));
  const auto status = End(started);
  EXPECT_EQ(status.store().time().seconds(), status.server_time().seconds());
}

TEST_F(ServerStatusTest, AStoreThatFailsIsInTheAnswer) {
  store_.failure = Error(Reason::kStoreUnavailable, "the disk is full");
  const auto status = Gather(false);
  EXPECT_FALSE(status.store().available());
  EXPECT_THAT(status.store().problem(), HasSubstr("the disk is full"));
  EXPECT_FALSE(status.store().has_time());
}

TEST_F(ServerStatusTest, WithoutBeingToldToItAsksNoProvider) {
  const auto status = Gather(false);
  EXPECT_THAT(rooms_.http.seen(), IsEmpty());
  ASSERT_EQ(status.providers_size(), 3);
  for (const auto& provider : status.providers()) {
    EXPECT_EQ(provider.reachability(), v1::REACHABILITY_NOT_CHECKED);
    EXPECT_EQ(provider.checked_host(), "");
  }
  EXPECT_EQ(status.providers(0).provider(), "configured");
  EXPECT_EQ(status.providers(0).display_name(), "Configured");
  EXPECT_EQ(status.providers(0).kind(), v1::PROVIDER_KIND_OAUTH);
  EXPECT_EQ(status.providers(2).kind(), v1::PROVIDER_KIND_STATIC);
}

TEST_F(ServerStatusTest, AsksTheTokenEndpointsOriginOrTheMetadataWithoutCredentials) {
  rooms_.http.OnRequest([](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(200, kMetadata); });
  const auto status = Gather(true);
  ASSERT_EQ(rooms_.http.seen().size(), 3u);
  std::vector<std::string> urls;
  for (const ScriptedHttp::Seen& seen : rooms_.http.seen()) {
    EXPECT_EQ(seen.method, HttpRequest::Method::kGet);
    for (const auto& [name, value] : seen.headers) EXPECT_EQ(name, "Accept");
    EXPECT_EQ(seen.body, "");
    urls.push_back(seen.url);
  }
  EXPECT_THAT(urls, ElementsAre("https://as.example:8443/",
                                "https://login.example/.well-known/oauth-authorization-server/realm",
                                "https://login.example/.well-known/oauth-authorization-server/realm"))
      << "the last whether it answers now: metadata are kept";
  EXPECT_EQ(status.providers(0).checked_host(), "as.example:8443");
  EXPECT_EQ(status.providers(1).checked_host(), "login.example:443");
  EXPECT_EQ(status.providers(2).reachability(), v1::REACHABILITY_NOT_CHECKED) << "kind static";
}

TEST_F(ServerStatusTest, AnyHttpAnswerIsReachable) {
  std::vector<HttpOutcome> answers;
  for (const int http_status : {200, 302, 404, 500}) {
    answers.push_back(ScriptedHttp::Json(http_status, "{}"));
  }
  HttpOutcome oversized;
  oversized.error = Error(Reason::kProviderError, "oversized body");
  oversized.answered = true;
  answers.push_back(std::move(oversized));
  for (const HttpOutcome& answer : answers) {
    AnswerWith(answer);
    const auto status = Gather(true);
    EXPECT_EQ(status.providers(0).reachability(), v1::REACHABILITY_REACHABLE);
    EXPECT_EQ(status.providers(0).problem(), "");
  }
}

TEST_F(ServerStatusTest, MetadataThatCannotBeUsedAreAProblem) {
  const std::pair<HttpOutcome, const char*> answers[] = {
      {ScriptedHttp::Json(404, "{}"), "correct issuer, or give the endpoints"},
      {ScriptedHttp::Json(200, R"({"issuer":"https://login.example/realm/"})"), "the slash counts"},
  };
  for (const auto& [answer, problem] : answers) {
    AnswerWithBody(answer);
    const auto status = Gather(true);
    EXPECT_EQ(status.providers(0).reachability(), v1::REACHABILITY_REACHABLE) << "configured endpoints";
    EXPECT_EQ(status.providers(1).reachability(), v1::REACHABILITY_UNREACHABLE);
    EXPECT_THAT(status.providers(1).problem(), HasSubstr(problem));
    rooms_.clock.Advance(seconds(6));  // a failure is remembered for 5 s
  }
  AnswerWithBody(ScriptedHttp::Json(200, kMetadata));
  EXPECT_EQ(Gather(true).providers(1).problem(), "");
}

TEST_F(ServerStatusTest, MetadataThatAreKeptDoNotHideAServerThatIsDown) {
  AnswerWithBody(ScriptedHttp::Json(200, kMetadata));
  EXPECT_EQ(Gather(true).providers(1).reachability(), v1::REACHABILITY_REACHABLE);
  HttpOutcome refused;
  refused.error = Error(Reason::kProviderUnreachable, "connection refused");
  AnswerWith(refused);
  EXPECT_EQ(Gather(true).providers(1).reachability(), v1::REACHABILITY_UNREACHABLE);
}

TEST(ServerStatusOfUrlParts, AsksTheDefaultsHostAndNoneWhereThereIsNoDefault) {
  constexpr char kParts[] = R"(
providers:
  - id: anybody
    authorization_endpoint: https://{domain}/authorize
    token_endpoint: https://{domain}/token
    url_parts: {domain: {allowed: ["*.okta.example"]}}
    client: {client_id: me}
  - id: by_default
    authorization_endpoint: https://{site}.example.com/authorize
    token_endpoint: https://{site}.example.com/token
    url_parts: {site: {allowed: [eu, us], default_value: eu}}
    client: {client_id: me}
  - id: by_path
    authorization_endpoint: https://as.example/{org}/authorize
    token_endpoint: https://as.example/{org}/token
    url_parts: {org: {allowed: ["*"]}}
    client: {client_id: me}
)";
  Rooms rooms{kParts};
  rooms.http.OnRequest([](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(404, "{}"); });
  ServerStatus status({.version = "1", .development = false, .store_kind = "sqlite"},
                      {.store = *rooms.store,
                       .catalogue = *rooms.catalogue,
                       .http = rooms.http,
                       .clock = rooms.clock,
                       .resolve_secret = {}});
  const auto got = rooms.loop.Run(status.Gather(true, rooms.clock.Steady() + seconds(30)));
  ASSERT_TRUE(got.ok());
  std::vector<std::string> urls;
  for (const ScriptedHttp::Seen& seen : rooms.http.seen()) urls.push_back(seen.url);
  EXPECT_THAT(urls, ::testing::UnorderedElementsAre("https://eu.example.com/", "https://as.example/"));
  EXPECT_EQ(got->providers(0).reachability(), v1::REACHABILITY_NOT_CHECKED);
  EXPECT_EQ(got->providers(0).checked_host(), "");
  EXPECT_EQ(got->providers(0).problem(), "not asked: its host differs from customer to customer");
  EXPECT_EQ(got->providers(1).reachability(), v1::REACHABILITY_REACHABLE);
  EXPECT_EQ(got->providers(1).checked_host(), "eu.example.com:443");
  EXPECT_EQ(got->providers(2).reachability(), v1::REACHABILITY_REACHABLE);
}

TEST_F(ServerStatusTest, NoAnswerIsUnreachableAndSaysWhy) {
  HttpOutcome refused;
  refused.error = Error(Reason::kProviderUnreachable, "https://as.example:443: connection refused");
  refused.not_sent = true;
  AnswerWith(refused);
  const auto status = Gather(true);
  EXPECT_EQ(status.providers(0).reachability(), v1::REACHABILITY_UNREACHABLE);
  EXPECT_THAT(status.providers(0).problem(), HasSubstr("connection refused"));
}

TEST_F(ServerStatusTest, AllAreAskedAtOnceAndGivenUpAfterFiveSeconds) {
  rooms_.http.Hold();
  const Started started = Start(true);
  RunUntilBothAreAsked();
  rooms_.clock.Advance(milliseconds(4999));
  rooms_.loop.RunReady();
  EXPECT_FALSE(started->has_value());
  rooms_.clock.Advance(milliseconds(1));
  const auto status = End(started);
  for (const int i : {0, 1}) {
    EXPECT_EQ(status.providers(i).reachability(), v1::REACHABILITY_UNREACHABLE);
    EXPECT_THAT(status.providers(i).problem(), Not(IsEmpty()));
  }
  EXPECT_TRUE(status.store().available()) << "what did answer is there";
}

TEST_F(ServerStatusTest, TheAnswerComesBeforeTheCallersDeadline) {
  rooms_.http.Hold();
  const Started started = Start(true, seconds(1));
  RunUntilBothAreAsked();
  rooms_.clock.Advance(milliseconds(900));
  EXPECT_EQ(End(started).providers(0).reachability(), v1::REACHABILITY_UNREACHABLE);
}

TEST_F(ServerStatusTest, ClientSecretsAreNamedAndNeverShown) {
  const auto status = Gather(false);
  const auto& secrets = status.providers(0).client_secrets();
  ASSERT_EQ(secrets.size(), 3);
  EXPECT_EQ(secrets[0].reference(), "env GOOD");
  EXPECT_TRUE(secrets[0].readable());
  EXPECT_EQ(secrets[0].problem(), "");
  EXPECT_EQ(secrets[1].reference(), "env MISSING");
  EXPECT_FALSE(secrets[1].readable());
  EXPECT_THAT(secrets[1].problem(), HasSubstr("MISSING is not set"));
  EXPECT_EQ(secrets[2].reference(), "vault ops/acme");
  EXPECT_THAT(status.SerializeAsString(), Not(HasSubstr("canary")));
}

class ServerStatusOfRedis : public ServerStatusTest {
 protected:
  using Risks = absl::StatusOr<std::vector<std::string>>;
  static boost::asio::awaitable<Risks> Answer(Risks risks) { co_return risks; }

  ServerStatus::Rooms RedisRooms() {
    return {.store = store_,
            .catalogue = *rooms_.catalogue,
            .http = rooms_.http,
            .clock = rooms_.clock,
            .resolve_secret = &Resolve};
  }
  v1::GetServerStatusResponse GatherOf(ServerStatus::Rooms rooms) {
    ServerStatus status({.version = "1", .development = false, .store_kind = "redis"}, std::move(rooms));
    return End(rooms_.loop.Start(status.Gather(false, rooms_.clock.Steady() + seconds(30))));
  }
};

TEST_F(ServerStatusOfRedis, WhatTheStoreMayLoseIsNamed) {
  ServerStatus::Rooms rooms = RedisRooms();
  Risks risks = std::vector<std::string>{"appendonly is no", "evicts"};
  rooms.find_risks = [&risks](Tick) { return Answer(risks); };
  const auto got = GatherOf(rooms);
  EXPECT_EQ(got.store().kind(), "redis");
  EXPECT_TRUE(got.store().available());
  EXPECT_THAT(got.store().durability_risks(), ElementsAre("appendonly is no", "evicts"));
  EXPECT_FALSE(got.has_ephemeral_store());
  risks = Error(Reason::kStoreUnavailable, "down");
  EXPECT_THAT(GatherOf(rooms).store().durability_risks(), IsEmpty());
}

TEST_F(ServerStatusOfRedis, TheStoreOfTheFlowsIsAskedByAWriteOfAFlowOfWhichNothingStays) {
  ServerStatus::Rooms rooms = RedisRooms();
  rooms.has_ephemeral = true;
  const auto got = GatherOf(rooms);
  EXPECT_EQ(got.ephemeral_store().kind(), "redis");
  EXPECT_TRUE(got.ephemeral_store().available()) << got.ephemeral_store().problem();
  EXPECT_EQ(got.ephemeral_store().time().seconds(), got.server_time().seconds());
  ASSERT_EQ(store_.last_commit.size(), 2u);
  const auto* taken = std::get_if<TakeLease>(&store_.last_commit[0]);
  ASSERT_NE(taken, nullptr) << "the flow is asked for last";
  EXPECT_EQ(taken->key.kind, Kind::kFlow);
  std::vector<Write> another;
  another.emplace_back(TakeLease{taken->key, "another", seconds(1)});
  const auto free = rooms_.loop.Run(store_.Commit(std::move(another), rooms_.clock.Steady() + seconds(1)));
  EXPECT_EQ(free->outcome, CommitResult::Outcome::kDone);
}

}  // namespace
}  // namespace grantkeep::testing
