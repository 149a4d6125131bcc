// SPDX-License-Identifier: Apache-2.0
// Nobody is sent to sign in for a code that cannot be exchanged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/reason.h"
#include "tests/unit/flow/flow_fixture.h"

namespace grantkeep {
namespace {

using ::testing::HasSubstr;
using testing::Rooms;

constexpr char kProviders[] = R"(
providers:
  - id: p
    issuer: https://as.example
    redirect_uris: [https://app.example/cb]
    client:
      client_id: me
      client_secrets: [{env: FIRST}, {vault: {tenant: ops, name: second}}]
  - id: public
    issuer: https://public.example
    redirect_uris: [https://app.example/public]
    client: {client_id: me}
)";

constexpr char kMetadata[] = R"({"issuer":"https://as.example","response_types_supported":["code"],
  "authorization_endpoint":"https://as.example/a","token_endpoint":"https://as.example/t"})";

struct Row {
  const char* name;
  std::optional<Reason> first;   // why it cannot be read
  std::optional<Reason> second;  // likewise
  std::optional<Reason> answer;  // nothing: the flow begins
  const char* names;             // in the message
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

const Row kRows[] = {
    {"BothCanBeRead", {}, {}, {}, ""},
    {"TheSecondIsEnough", Reason::kClientMisconfigured, {}, {}, ""},
    {"NeitherIsThere", Reason::kClientMisconfigured, Reason::kClientMisconfigured,
     Reason::kClientMisconfigured, "provider 'p': client.client_secrets[1]: the reason"},
    {"TheVaultCannotBeAsked", Reason::kClientMisconfigured, Reason::kStoreUnavailable,
     Reason::kStoreUnavailable, "client.client_secrets[1]: the reason"},
    {"WhatMayComeLaterCountsInAnyOrder", Reason::kStoreUnavailable, Reason::kClientMisconfigured,
     Reason::kStoreUnavailable, "client.client_secrets[0]: the reason"},
    {"TheRootKeyIsAway", Reason::kClientMisconfigured, Reason::kKeyUnavailable, Reason::kKeyUnavailable,
     "the reason"},
    {"TimeIsUp", Reason::kClientMisconfigured, Reason::kDeadline, Reason::kDeadline, "the reason"},
    {"TheRecordIsDamaged", Reason::kClientMisconfigured, Reason::kStoreCorrupt, Reason::kStoreCorrupt,
     "client.client_secrets[1]: the reason"},
};

class StartSecrets : public ::testing::TestWithParam<Row> {
 protected:
  absl::StatusOr<StartedFlow> Start(const char* provider, const char* redirect_uri) {
    StartAuthRequest request;
    request.tenant = TenantId("t");
    request.provider = ProviderId(provider);
    request.subject = SubjectId("u");
    request.redirect_uri = redirect_uri;
    request.session_binding = Secret("0123456789abcdef");
    return rooms_.loop.Run(flow_.Start(rooms_.NewCall(std::chrono::seconds(7)), std::move(request)));
  }

  Rooms rooms_{kProviders};
  AuthFlow flow_{*rooms_.flows, *rooms_.grants, *rooms_.store,           *rooms_.catalogue,
                 rooms_.clock,  rooms_.random,  std::chrono::minutes(10)};
};

TEST_P(StartSecrets, AreReadBeforeTheUserIsSentAnywhere) {
  const Row& row = GetParam();
  rooms_.secret_failure = [&](const config::v1::SecretReference& reference) {
    const auto& reason = reference.has_env() ? row.first : row.second;
    return reason.has_value() ? Error(*reason, "the reason") : absl::OkStatus();
  };
  rooms_.http.OnRequest([](const auto&) { return testing::ScriptedHttp::Json(200, kMetadata); });
  const Tick deadline = rooms_.clock.Steady() + std::chrono::seconds(7);
  const auto started = Start("p", "https://app.example/cb");
  for (const Rooms::SecretRead& read : rooms_.secret_reads) EXPECT_EQ(read.deadline, deadline);
  EXPECT_EQ(rooms_.secret_reads.size(), row.first.has_value() ? 2u : 1u) << "as few as it takes";
  if (!row.answer.has_value()) {
    EXPECT_TRUE(started.ok()) << started.status();
    return;
  }
  EXPECT_EQ(ReasonOf(started.status()), row.answer) << started.status();
  EXPECT_THAT(std::string(started.status().message()), HasSubstr(row.names));
  EXPECT_TRUE(rooms_.http.seen().empty()) << "not even the metadata are asked for";
  EXPECT_TRUE(rooms_.store->last_commit.empty()) << "no flow is stored";
}

INSTANTIATE_TEST_SUITE_P(Causes, StartSecrets, ::testing::ValuesIn(kRows),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(StartSecrets, OfAPublicClientAreNotAskedFor) {
  rooms_.secret_failure = [](const auto&) { return Error(Reason::kClientMisconfigured, "none"); };
  const auto started = Start("public", "https://app.example/public");
  EXPECT_TRUE(HasReason(started.status(), Reason::kProviderUnreachable)) << "it got to the metadata";
  EXPECT_TRUE(rooms_.secret_reads.empty());
}

}  // namespace
}  // namespace grantkeep
