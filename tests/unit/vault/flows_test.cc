// SPDX-License-Identifier: Apache-2.0
#include "vault/flows.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/reason.h"
#include "crypto/digest.h"
#include "tests/unit/vault/vault_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kBinding[] = "binding-of-the-browser";

class FlowsInTheVault : public VaultFixture {
 protected:
  FlowsInTheVault() : flows_(*store_, *records_) {}

  absl::Status Begin(const std::string& state, const std::string& caller = "backend") {
    Wiped<storage::v1::Flow> flow;
    flow->set_provider("google");
    flow->set_caller(caller);
    flow->set_code_verifier("planted-verifier");
    return Run(flows_.Put(acme_, state, kBinding, std::move(flow), std::chrono::minutes(10), Soon()));
  }
  absl::StatusOr<Wiped<storage::v1::Flow>> Take(const std::string& state,
                                                const std::string& caller = "backend",
                                                const std::string& binding = kBinding) {
    return Run(flows_.Take(acme_, state, caller, binding, Soon()));
  }
  void ExpectNotFound(const absl::Status& status) {
    EXPECT_TRUE(HasReason(status, Reason::kFlowNotFound)) << status;
    EXPECT_EQ(status, Take("never there").status()) << "the answer is the same for every cause";
  }

  Flows flows_;
};

TEST_F(FlowsInTheVault, ComeBackOnce) {
  ASSERT_TRUE(Begin("state-1").ok());
  const auto flow = Take("state-1");
  ASSERT_TRUE(flow.ok()) << flow.status();
  EXPECT_EQ((*flow)->provider(), "google");
  EXPECT_EQ((*flow)->caller(), "backend");
  EXPECT_EQ((*flow)->code_verifier(), "planted-verifier");
  ExpectNotFound(Take("state-1").status());
}

TEST_F(FlowsInTheVault, GoToOneOfManyWhoTakeThemAtOnce) {
  ASSERT_TRUE(Begin("state-1").ok());
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<Wiped<storage::v1::Flow>>>>> takes;
  takes.reserve(16);
  for (int i = 0; i < 16; ++i)
    takes.push_back(loop_.Start(flows_.Take(acme_, "state-1", "backend", kBinding, Soon())));
  loop_.RunUntil(
      [&] { return std::ranges::all_of(takes, [](const auto& take) { return take->has_value(); }); });
  EXPECT_EQ(std::ranges::count_if(takes, [](const auto& take) { return (*take)->ok(); }), 1);
}

TEST_F(FlowsInTheVault, AreOnlyForTheirCallerAndBrowserSession) {
  ASSERT_TRUE(Begin("state-1").ok());
  ExpectNotFound(Take("state-1", "other").status());
  ExpectNotFound(Take("state-1", "backend", "another binding").status());
  ExpectNotFound(Take("state-1", "backendb", std::string(kBinding).substr(1)).status());
  ExpectNotFound(Run(flows_.Take(TenantId("other"), "state-1", "backend", kBinding, Soon())).status());
  EXPECT_TRUE(Take("state-1").ok()) << "the rightful caller has lost nothing";
}

TEST_F(FlowsInTheVault, AreBurntByTheFifthMismatch) {
  ASSERT_TRUE(Begin("state-1").ok());
  for (uint32_t i = 0; i < Flows::kBurnAfter; ++i) ExpectNotFound(Take("state-1", "other").status());
  ExpectNotFound(Take("state-1").status());
}

TEST_F(FlowsInTheVault, EndWithTheirLifetime) {
  ASSERT_TRUE(Begin("state-1").ok());
  ASSERT_TRUE(Begin("state-2").ok());
  clock_.Advance(std::chrono::minutes(10) - std::chrono::milliseconds(1));
  EXPECT_TRUE(Take("state-1").ok());
  clock_.Advance(std::chrono::milliseconds(1));
  ExpectNotFound(Take("state-2").status());
}

TEST_F(FlowsInTheVault, WithTheSameStateAreRefused) {
  ASSERT_TRUE(Begin("state-1").ok());
  EXPECT_TRUE(HasReason(Begin("state-1"), Reason::kInternal));
}

TEST_F(FlowsInTheVault, AreKeptUnderADigestOfTheState) {
  ASSERT_TRUE(Begin("state-1").ok());
  const std::string id =
      Sha256(std::string("\0\0\0\x04"
                         "acme"
                         "\0\0\0\x07"
                         "state-1",
                         19));
  const auto record = Stored(Key::Of(Kind::kFlow, acme_, id));
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->value.find("planted-verifier"), std::string::npos);
}

TEST_F(FlowsInTheVault, ThatWereAlteredAreCorrupt) {
  ASSERT_TRUE(Begin("state-1").ok());
  // Put under another state, by somebody who can write the store.
  const std::string sealed = std::get<Put>(store_->last_commit.at(0)).value;
  const auto guard = std::get<Put>(store_->last_commit.at(0)).guard;
  const std::string id =
      Sha256(std::string("\0\0\0\x04"
                         "acme"
                         "\0\0\0\x07"
                         "state-2",
                         19));
  std::vector<Write> writes;
  writes.emplace_back(Put{Key::Of(Kind::kFlow, acme_, id), 0, sealed, std::nullopt, guard});
  ASSERT_TRUE(Run(sqlite_->Commit(std::move(writes), Soon())).ok());
  EXPECT_TRUE(HasReason(Take("state-2").status(), Reason::kStoreCorrupt));
}

TEST_F(FlowsInTheVault, StoreErrorsComeUpWithContext) {
  ASSERT_TRUE(Begin("state-1").ok());
  store_->failure = Error(Reason::kStoreUnavailable, "disk on fire");
  for (const absl::Status& status : {Begin("state-2"), Take("state-1").status()}) {
    EXPECT_TRUE(HasReason(status, Reason::kStoreUnavailable)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("a flow: disk on fire"));
  }
}

}  // namespace
}  // namespace grantkeep::testing
