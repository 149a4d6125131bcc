// SPDX-License-Identifier: Apache-2.0
// Static secrets, and what is left on disk and in logs, with the real grantkeepd.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

using practice::Fault;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// --- Static secrets

class VaultTest : public PracticeOverStores {
 protected:
  Answer<v1::PutStaticSecretResponse> Put(const std::string& name, const std::string& value,
                                          std::optional<uint64_t> expected_version = std::nullopt) {
    v1::PutStaticSecretRequest request;
    request.set_tenant(World::kTenant);
    request.set_name(name);
    request.set_value(value);
    request.set_provider("bot");
    if (expected_version.has_value()) request.set_expected_version(*expected_version);
    return world_->caller().PutStaticSecret(request);
  }
  Answer<v1::GetStaticSecretResponse> Get(const std::string& name, uint64_t version = 0) {
    v1::GetStaticSecretRequest request;
    request.set_tenant(World::kTenant);
    request.set_name(name);
    request.set_version(version);
    return world_->caller().GetStaticSecret(request);
  }
  std::vector<std::string> Names() {
    v1::ListStaticSecretsRequest request;
    request.set_tenant(World::kTenant);
    const auto listed = world_->caller().ListStaticSecrets(request);
    EXPECT_TRUE(listed.ok()) << listed.status;
    std::vector<std::string> names;
    for (const v1::StaticSecret& secret : listed->static_secrets()) names.push_back(secret.name());
    return names;
  }
};

TEST_P(VaultTest, SecretIsReadBackByVersionWithItsHeader) {
  Start();
  const std::string binary("\0\xff\n bytes", 9);
  EXPECT_EQ(Put("bot-token", "first")->version(), 1u);
  EXPECT_EQ(Put("bot-token", binary)->version(), 2u);
  const auto latest = Get("bot-token");
  ASSERT_TRUE(latest.ok()) << latest.status;
  EXPECT_EQ(latest->value(), binary);
  EXPECT_EQ(latest->header_name(), "Authorization");
  EXPECT_EQ(latest->header_value_prefix(), "Bot ");
  EXPECT_EQ(Get("bot-token", 1)->value(), "first");
  EXPECT_EQ(Get("bot-token", 3).status.reason, "SECRET_VERSION_NOT_FOUND");
  EXPECT_EQ(Get("other").status.reason, "SECRET_NOT_FOUND");
}

TEST_P(VaultTest, ExpectedVersionIsCompared) {
  Start();
  EXPECT_TRUE(Put("name", "one", 0).ok());
  const auto conflict = Put("name", "two", 0);
  EXPECT_EQ(conflict.status.code, grpc::StatusCode::ABORTED) << conflict.status;
  EXPECT_EQ(conflict.status.reason, "VERSION_MISMATCH");
  EXPECT_TRUE(Put("name", "two", 1).ok());
}

TEST_P(VaultTest, DeletedSecretIsGone) {
  Start();
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("b", "2").ok());
  EXPECT_THAT(Names(), UnorderedElementsAre("a", "b"));
  v1::DeleteStaticSecretRequest request;
  request.set_tenant(World::kTenant);
  request.set_name("a");
  EXPECT_TRUE(world_->caller().DeleteStaticSecret(request).ok());
  EXPECT_THAT(Names(), ElementsAre("b"));
  EXPECT_EQ(Get("a").status.reason, "SECRET_NOT_FOUND");
  EXPECT_EQ(world_->caller().DeleteStaticSecret(request).status.reason, "SECRET_NOT_FOUND");
}

TEST_P(VaultTest, ProviderWithAFlowTakesNoStaticSecret) {
  Start();
  v1::PutStaticSecretRequest request;
  request.set_tenant(World::kTenant);
  request.set_name("name");
  request.set_value("value");
  request.set_provider("practice");
  EXPECT_EQ(world_->caller().PutStaticSecret(request).status.reason, "PROVIDER_NOT_STATIC");
}

// --- What is on disk

TEST_P(VaultTest, GrantsAndSecretsSurviveAnOrderlyRestart) {
  Start();
  const v1::Grant grant = SignIn();
  ASSERT_TRUE(Put("bot-token", "value").ok());
  const std::string token = world_->Refresh(grant.grant_id())->access_token();
  EXPECT_EQ(world_->daemon().Stop(), 0);
  ASSERT_TRUE(world_->Start().ok());
  EXPECT_EQ(world_->Refresh(grant.grant_id())->access_token(), token);
  EXPECT_EQ(Get("bot-token")->value(), "value");
  // The refresh token as well.
  EXPECT_EQ(world_->Refresh(grant.grant_id(), 1)->generation(), 2u);
}

TEST_P(VaultTest, GrantsAndSecretsSurviveASuddenDeath) {
  Start();
  const v1::Grant grant = SignIn();
  ASSERT_TRUE(Put("bot-token", "value").ok());
  const auto forced = world_->Refresh(grant.grant_id(), 1);
  ASSERT_TRUE(forced.ok()) << forced.status;
  world_->daemon().Kill();
  ASSERT_TRUE(world_->Start().ok());
  const auto token = world_->Refresh(grant.grant_id());
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->access_token(), forced->access_token());
  EXPECT_EQ(Get("bot-token")->value(), "value");
  v1::ListGrantsRequest list;
  list.set_tenant(World::kTenant);
  list.set_subject(World::kSubject);
  EXPECT_EQ(world_->caller().ListGrants(list)->grants_size(), 1);
}

TEST_P(VaultTest, FlowBegunBeforeARestartCanBeCompletedAfterIt) {
  Start();
  const PendingSignIn pending = world_->Begin("practice");
  world_->daemon().Kill();
  ASSERT_TRUE(world_->Start().ok());
  const auto completed = world_->Complete(pending, Visit(pending));
  EXPECT_TRUE(completed.ok()) << completed.status;
}

TEST_P(VaultTest, DeathDuringAThousandWritesLosesNothingThatWasAcknowledged) {
  Start();
  constexpr int kWriters = 4;
  constexpr int kWritesEach = 250;
  std::atomic<int> acknowledged_count = 0;
  std::vector<std::vector<std::string>> acknowledged(kWriters);
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kWritesEach; ++i) {
        const std::string name = fmt::format("secret-{}-{}", writer, i);
        if (!Put(name, "value of " + name).ok()) return;
        acknowledged[writer].push_back(name);
        ++acknowledged_count;
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return acknowledged_count >= kWriters * kWritesEach / 2; }));
  world_->daemon().Kill();
  for (std::thread& writer : writers) writer.join();
  ASSERT_TRUE(world_->Start().ok());
  for (const auto& names : acknowledged) {
    for (const std::string& name : names) {
      const auto secret = Get(name);
      ASSERT_TRUE(secret.ok()) << name << secret.status;
      EXPECT_EQ(secret->value(), "value of " + name);
    }
  }
}

TEST_P(VaultTest, NoSecretIsInAnyFileOrLogOrStatus) {
  Start();
  ASSERT_TRUE(Put("bot-token", "canary-static-secret").ok());
  std::vector<CallStatus> failures;
  std::vector<std::string> secrets = {"canary-static-secret", kPracticeClientSecret};

  // One flow that succeeds and is refreshed, one that stays open, and one that fails at every step.
  const PendingSignIn completed = world_->Begin("practice");
  const v1::Grant grant = world_->Complete(completed, Visit(completed))->grant();
  EXPECT_TRUE(world_->Refresh(grant.grant_id(), 1).ok());
  const PendingSignIn open = world_->Begin("practice");
  Visit(open);
  const PendingSignIn failed = world_->Begin("practice");
  practice_->InjectFault({.kind = Fault::Kind::kOAuthError, .error = "invalid_grant"});
  failures.push_back(world_->Complete(failed, Visit(failed)).status);
  failures.push_back(world_->Complete(failed, Visit(failed)).status);
  failures.push_back(world_->Complete(completed, Visit(completed) + "&code=again").status);
  practice_->KillAllFamilies();
  failures.push_back(world_->Refresh(grant.grant_id(), 2).status);
  for (const PendingSignIn& pending : {completed, open, failed}) {
    secrets.push_back(pending.state);
    secrets.push_back(pending.session_binding);
  }
  for (std::string& secret : practice_->SecretsSeen()) secrets.push_back(std::move(secret));
  ASSERT_GE(secrets.size(), 15u);

  const auto is_in_a_file = [&](const std::string& text) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(StoreFiles())) {
      if (entry.is_regular_file() && ReadFile(entry.path()).find(text) != std::string::npos) return true;
    }
    return false;
  };
  // The search finds what is there.
  EXPECT_TRUE(is_in_a_file(GetParam() == StoreKind::kSqlite ? "SQLite format 3" : "grantkeep:g:{p"));
  for (const std::string& secret : secrets) EXPECT_FALSE(is_in_a_file(secret)) << secret;
  EXPECT_EQ(world_->daemon().Stop(), 0);
  for (const std::string& secret : secrets) EXPECT_FALSE(is_in_a_file(secret)) << secret;

  const std::string output = world_->daemon().Output();
  EXPECT_THAT(output, HasSubstr("ready"));
  for (const std::string& secret : secrets) {
    EXPECT_EQ(output.find(secret), std::string::npos) << secret << " is in the log";
    for (const CallStatus& failure : failures) {
      EXPECT_EQ(failure.message.find(secret), std::string::npos) << secret << " is in " << failure;
    }
  }
  for (const CallStatus& failure : failures) EXPECT_FALSE(failure.ok());
}

INSTANTIATE_TEST_SUITE_P(Stores, VaultTest, kStoreKinds, StoreKindName);

}  // namespace
}  // namespace grantkeep::testing
