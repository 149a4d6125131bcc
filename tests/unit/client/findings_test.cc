// SPDX-License-Identifier: Apache-2.0
#include "client/cli/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::cli {
namespace {

using Level = Finding::Level;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr int64_t kNow = 1'800'000'000;

v1::GetServerStatusResponse Healthy() {
  v1::GetServerStatusResponse status;
  status.set_version("1.2.3");
  status.mutable_server_time()->set_seconds(kNow);
  status.mutable_start_time()->set_seconds(kNow - 600);
  status.mutable_store()->set_kind("sqlite");
  status.mutable_store()->set_available(true);
  status.mutable_store()->mutable_time()->set_seconds(kNow);
  v1::ProviderStatus& provider = *status.add_providers();
  provider.set_provider("acme");
  provider.set_kind(v1::PROVIDER_KIND_OAUTH);
  provider.set_reachability(v1::REACHABILITY_REACHABLE);
  provider.set_checked_host("login.acme.example:443");
  v1::ClientSecretStatus& secret = *provider.add_client_secrets();
  secret.set_reference("env ACME_SECRET");
  secret.set_readable(true);
  return status;
}

// What is found under `check`; fails the test when there is nothing.
Finding Found(const std::vector<Finding>& findings, const std::string& check) {
  for (const Finding& finding : findings) {
    if (finding.check == check) return finding;
  }
  ADD_FAILURE() << "no finding " << check;
  return {};
}

std::vector<Finding> Examine(const v1::GetServerStatusResponse& status, milliseconds ahead = {}) {
  return FindingsIn(status, "1.2.3", std::chrono::system_clock::from_time_t(kNow) - ahead);
}

TEST(FindingsTest, AHealthyDaemonIsOkThroughout) {
  for (const Finding& finding : Examine(Healthy())) {
    EXPECT_EQ(finding.level, Level::kOk) << finding.check;
    EXPECT_EQ(finding.next, "") << finding.check;
  }
}

TEST(FindingsTest, ClocksThatDifferAreMentionedAbove5SecondsAndFailAbove60) {
  struct Case {
    int ahead_ms;
    Level level;
    const char* text;
  };
  for (const Case& c :
       {Case{0, Level::kOk, "0.0 s"}, Case{5'000, Level::kOk, "5.0 s ahead of"},
        Case{5'001, Level::kWarn, "5.0 s ahead of"}, Case{-60'000, Level::kWarn, "60.0 s behind"},
        Case{60'001, Level::kFail, "60.0 s ahead of"}, Case{-90'500, Level::kFail, "90.5 s behind"}}) {
    const Finding clock = Found(Examine(Healthy(), milliseconds(c.ahead_ms)), "clock");
    EXPECT_EQ(clock.level, c.level) << c.ahead_ms;
    EXPECT_THAT(clock.message, HasSubstr(c.text));
    EXPECT_EQ(clock.next.empty(), c.level == Level::kOk);
  }
}

TEST(FindingsTest, EachProblemHasItsLevelAndANextStep) {
  struct Case {
    const char* check;
    Level level;
    const char* text;
    void (*spoil)(v1::GetServerStatusResponse&);
  };
  using Status = v1::GetServerStatusResponse;
  for (const Case& c : {
           Case{"version", Level::kWarn, "1.2.3, the daemon 9.9", [](Status& s) { s.set_version("9.9"); }},
           Case{"store", Level::kFail, "does not answer: disk I/O",
                [](Status& s) {
                  s.mutable_store()->set_available(false);
                  s.mutable_store()->set_problem("disk I/O");
                }},
           Case{"store", Level::kFail, "sqlite is only read: another store",
                [](Status& s) {
                  s.mutable_store()->set_adopted(false);
                  s.mutable_store()->set_adoption_problem("another store");
                }},
           Case{"store", Level::kFail, "120.0 s behind",
                [](Status& s) { s.mutable_store()->mutable_time()->set_seconds(kNow - 120); }},
           Case{"providers", Level::kWarn, "none are configured", [](Status& s) { s.clear_providers(); }},
           Case{"provider acme", Level::kFail, "login.acme.example:443: no route",
                [](Status& s) {
                  s.mutable_providers(0)->set_reachability(v1::REACHABILITY_UNREACHABLE);
                  s.mutable_providers(0)->set_problem("no route");
                }},
           Case{"provider acme", Level::kFail, "metadata: answered 404",
                [](Status& s) {
                  s.mutable_providers(0)->set_reachability(v1::REACHABILITY_UNREACHABLE);
                  s.mutable_providers(0)->set_problem("metadata: answered 404");
                }},
           Case{"secret of acme", Level::kFail, "env ACME_SECRET: not set",
                [](Status& s) {
                  s.mutable_providers(0)->mutable_client_secrets(0)->set_readable(false);
                  s.mutable_providers(0)->mutable_client_secrets(0)->set_problem("not set");
                }},
       }) {
    Status status = Healthy();
    c.spoil(status);
    const Finding finding = Found(Examine(status), c.check);
    EXPECT_EQ(finding.level, c.level) << c.text;
    EXPECT_THAT(finding.message, HasSubstr(c.text));
    EXPECT_NE(finding.next, "");
  }
}

TEST(FindingsTest, ADaemonThatSaysNothingOfAdoptionIsOlderAndNotWrong) {
  v1::GetServerStatusResponse status = Healthy();
  status.mutable_store()->set_adopted(false);
  EXPECT_EQ(Found(Examine(status), "store").level, Level::kOk);
}

TEST(FindingsTest, AStoreIsNamedAsTheConfigurationWantsIt) {
  v1::GetServerStatusResponse status = Healthy();
  status.mutable_store()->set_id(std::string(32, 'a'));
  status.mutable_store()->set_epoch(3);
  EXPECT_EQ(Found(Examine(status), "store").message,
            "sqlite answers; it is " + std::string(32, 'a') + " in epoch 3");
}

TEST(FindingsTest, TheAdviceForAStoreThatIsOnlyReadHasBothWays) {
  v1::GetServerStatusResponse status = Healthy();
  status.mutable_store()->set_adoption_problem("another store");
  EXPECT_THAT(Found(Examine(status), "store").next,
              ::testing::AllOf(HasSubstr("grantkeep admin adopt --as restore"),
                               HasSubstr("grantkeep admin adopt --as clone")));
}

TEST(FindingsTest, AProviderThatIsNotAskedSaysWhy) {
  v1::GetServerStatusResponse status = Healthy();
  status.mutable_providers(0)->set_reachability(v1::REACHABILITY_NOT_CHECKED);
  status.mutable_providers(0)->set_problem("not asked: its host differs from customer to customer");
  const Finding finding = Found(Examine(status), "provider acme");
  EXPECT_EQ(finding.level, Level::kOk);
  EXPECT_THAT(finding.message, HasSubstr("its host differs"));
}

TEST(FindingsTest, ASecretIsProvidedWhereItsReferenceSays) {
  struct Case {
    const char* reference;
    const char* next;
  };
  for (const Case& c :
       {Case{"env ACME_SECRET", "provide it where the daemon runs"},
        Case{"file /run/secret", "provide it where the daemon runs"},
        Case{"vault ops/acme-client", "run: grantkeep --tenant ops secret put acme-client"}}) {
    v1::GetServerStatusResponse status = Healthy();
    status.mutable_providers(0)->mutable_client_secrets(0)->set_reference(c.reference);
    status.mutable_providers(0)->mutable_client_secrets(0)->set_readable(false);
    EXPECT_THAT(Found(Examine(status), "secret of acme").next, HasSubstr(c.next));
  }
}

TEST(FindingsTest, AMissingSecretIsAWarningWhileAnotherCanBeRead) {
  v1::GetServerStatusResponse status = Healthy();
  status.mutable_providers(0)->add_client_secrets()->set_reference("env OLD");
  const std::vector<Finding> findings = Examine(status);
  EXPECT_EQ(findings.back().level, Level::kWarn);
  EXPECT_THAT(findings.back().message, HasSubstr("env OLD"));
}

TEST(TransportFindingsTest, LoopbackIsSaidToBeUnencryptedAndOpenToAll) {
  const std::vector<Finding> findings = TransportFindings("127.0.0.1:7450");
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].level, Level::kWarn);
  EXPECT_THAT(findings[0].message, HasSubstr("not encrypted"));
}

TEST(TransportFindingsTest, ASocketIsJudgedByItsModeAndItsFolder) {
  const grantkeep::testing::TempDir dir;
  const std::string path = (dir / "s").string();
  EXPECT_EQ(Found(TransportFindings("unix:" + path), "socket").level, Level::kFail) << "not there";
  std::ofstream(path) << "a file";
  EXPECT_THAT(Found(TransportFindings("unix:" + path), "socket").message, HasSubstr("is not a socket"));

  const grantkeep::testing::FakeService service;
  const std::string socket = service.address().substr(5);
  chmod(socket.c_str(), 0600);
  EXPECT_EQ(Found(TransportFindings(service.address()), "socket").level, Level::kOk);
  EXPECT_EQ(Found(TransportFindings(service.address()), "folder").level, Level::kOk);
  chmod(socket.c_str(), 0666);
  EXPECT_EQ(Found(TransportFindings("unix://" + socket), "socket").level, Level::kWarn);
  const std::string folder = std::filesystem::path(socket).parent_path();
  chmod(folder.c_str(), 0777);
  EXPECT_EQ(Found(TransportFindings(service.address()), "folder").level, Level::kFail);
  chmod(folder.c_str(), 01777);
  EXPECT_EQ(Found(TransportFindings(service.address()), "folder").level, Level::kOk) << "sticky";
}

TEST(FindingsTest, WhatTheStoreMayLoseIsAWarningForEach) {
  auto status = Healthy();
  status.mutable_store()->set_kind("redis");
  status.mutable_store()->add_durability_risks("appendonly is no");
  status.mutable_store()->add_durability_risks("maxmemory-policy is allkeys-lru");
  int warnings = 0;
  for (const Finding& finding : Examine(status)) {
    if (finding.level == Level::kOk) continue;
    EXPECT_EQ(finding.level, Level::kWarn);
    EXPECT_EQ(finding.check, "store");
    EXPECT_THAT(finding.next, HasSubstr("require_durable"));
    ++warnings;
  }
  EXPECT_EQ(warnings, 2);
}

TEST(FindingsTest, TheStoreOfTheFlowsIsACheckOfItsOwn) {
  auto status = Healthy();
  *status.mutable_ephemeral_store() = status.store();
  EXPECT_EQ(Found(Examine(status), "ephemeral store").level, Level::kOk);
  status.mutable_ephemeral_store()->set_available(false);
  status.mutable_ephemeral_store()->set_problem("connection refused");
  EXPECT_EQ(Found(Examine(status), "ephemeral store").level, Level::kFail);
  EXPECT_THAT(Found(Examine(status), "ephemeral store").message, HasSubstr("connection refused"));
  EXPECT_EQ(Found(Examine(status), "store").level, Level::kOk);
}

}  // namespace
}  // namespace grantkeep::cli
