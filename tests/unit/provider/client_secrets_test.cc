// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = TokenOutcome::Kind;

constexpr char kTokens[] = R"({"access_token":"AT","token_type":"bearer","refresh_token":"RT2"})";

class ClientSecrets : public ProviderFixture {
 protected:
  ClientSecrets() {
    secrets_ = {{"FIRST", "first-secret"}, {"SECOND", "second-secret"}, {"THIRD", "third-secret"}};
    provider_ = WithSecrets(Record(kExampleYaml));
  }
  // The record with these three secrets, sent in the body.
  std::unique_ptr<Provider> WithSecrets(config::v1::Provider record) {
    record.set_client_authentication(config::v1::CLIENT_AUTHENTICATION_CLIENT_SECRET_POST);
    record.mutable_client()->set_client_id("s6BhdRkqt3");
    record.mutable_client()->clear_client_secrets();
    for (const char* name : {"FIRST", "SECOND", "THIRD"})
      record.mutable_client()->add_client_secrets()->set_env(name);
    return Make(std::move(record));
  }
  TokenOutcome Refresh(Provider& provider) { return loop_.Run(Refreshing(provider)); }
  boost::asio::awaitable<TokenOutcome> Refreshing(Provider& provider) {
    return provider.Refresh("https://as.example/token", false, Secret("RT"), "", {}, In(seconds(60)));
  }
  // The provider knows these secrets; to others it says invalid_client.
  void Accept(std::vector<std::string> accepted, std::string then = kTokens, int status = 200) {
    http_.OnRequest([accepted = std::move(accepted), then = std::move(then),
                     status](const ScriptedHttp::Seen& seen) {
      for (const auto& [name, value] : ParseForm(seen.body)) {
        if (name == "client_secret" && std::find(accepted.begin(), accepted.end(), value) != accepted.end()) {
          return ScriptedHttp::Json(status, then);
        }
      }
      return ScriptedHttp::Json(401, R"({"error":"invalid_client"})");
    });
  }
  // The secrets of all requests since the last call.
  std::vector<std::string> Tried() {
    std::vector<std::string> tried;
    for (; counted_ < http_.seen().size(); ++counted_) {
      for (const auto& [name, value] : ParseForm(http_.seen()[counted_].body)) {
        if (name == "client_secret") tried.push_back(value);
      }
    }
    return tried;
  }

  std::unique_ptr<Provider> provider_;
  size_t counted_ = 0;
};

TEST_F(ClientSecrets, AreTriedInOrderAndTheOneThatWorksIsRemembered) {
  Accept({"second-secret"});
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("first-secret", "second-secret"));
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("second-secret"));
  Accept({"third-secret"});
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("second-secret", "first-secret", "third-secret"));
}

TEST_F(ClientSecrets, AreEachSentAtMostOnce) {
  Accept({});
  const TokenOutcome outcome = Refresh(*provider_);
  EXPECT_EQ(outcome.kind, Kind::kRefused);
  EXPECT_EQ(outcome.error, "invalid_client");
  EXPECT_TRUE(HasReason(outcome.status, Reason::kClientMisconfigured));
  EXPECT_THAT(Tried(), ElementsAre("first-secret", "second-secret", "third-secret"));
}

TEST_F(ClientSecrets, AreNotTriedAfterAnyOtherAnswer) {
  for (const int status : {200, 400, 401, 403, 429, 500, 503}) {
    for (const char* body : {"", R"({"error":"invalid_grant"})", R"({"error":"unauthorized_client"})",
                             R"({"error":"invalid_client_metadata"})"}) {
      http_.OnRequest([=](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(status, body); });
      EXPECT_NE(Refresh(*provider_).kind, Kind::kGranted);
      EXPECT_THAT(Tried(), ElementsAre("first-secret")) << status << body;
    }
  }
  http_.OnRequest(
      [](const ScriptedHttp::Seen&) { return HttpOutcome{{}, absl::UnavailableError("reset"), false}; });
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kInDoubt);
  EXPECT_THAT(Tried(), ElementsAre("first-secret"));
}

TEST_F(ClientSecrets, InvalidClientWith5xxIsInDoubtAndEndsIt) {
  http_.OnRequest(
      [](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(500, R"({"error":"invalid_client"})"); });
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kInDoubt);
  EXPECT_THAT(Tried(), ElementsAre("first-secret"));
}

TEST_F(ClientSecrets, ARefusedTokenProvesTheSecretToo) {
  Accept({"second-secret"}, R"({"error":"invalid_grant"})", 400);
  EXPECT_TRUE(Refresh(*provider_).invalid_grant());
  EXPECT_TRUE(Refresh(*provider_).invalid_grant());
  EXPECT_THAT(Tried(), ElementsAre("first-secret", "second-secret", "second-secret"));
}

TEST_F(ClientSecrets, ThatCannotBeReadAreLeftOut) {
  secrets_.erase("FIRST");
  secrets_["SECOND"] = "";
  Accept({"third-secret"});
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("third-secret"));
}

TEST_F(ClientSecrets, WithoutAnyNothingIsSent) {
  secrets_.clear();
  Accept({});
  const TokenOutcome outcome = Refresh(*provider_);
  EXPECT_EQ(outcome.kind, Kind::kNotSent);
  EXPECT_TRUE(HasReason(outcome.status, Reason::kClientMisconfigured));
  EXPECT_THAT(MessageOf(outcome.status), HasSubstr("provider 'example': client.client_secrets["));
  EXPECT_THAT(http_.seen(), IsEmpty());
}

TEST_F(ClientSecrets, AVaultThatDoesNotAnswerIsNotAMistakeOfOurs) {
  Provider::Dependencies dependencies = Dependencies();
  dependencies.resolve_secret = [](config::v1::SecretReference,
                                   Tick) -> boost::asio::awaitable<absl::StatusOr<Secret>> {
    co_return Error(Reason::kStoreUnavailable, "no store");
  };
  const auto provider = Provider::Create(Record(kExampleYaml), dependencies);
  ASSERT_TRUE(provider.ok());
  const TokenOutcome outcome = Refresh(**provider);
  EXPECT_EQ(outcome.kind, Kind::kNotSent);
  EXPECT_TRUE(HasReason(outcome.status, Reason::kStoreUnavailable));
}

// invalid_client as each dialect says it, each with the next secret; all else ends the request.
TEST_F(ClientSecrets, AreTriedInEveryDialectsOwnWayToSayInvalidClient) {
  struct Case {
    const char* catalogue;
    int status;
    const char* body;
    size_t requests;
  };
  constexpr char kRfc[] = R"({"error":"invalid_client"})";
  const Case kCases[] = {
      {"google", 400, kRfc, 3},
      {"google", 401, kRfc, 3},
      {"google", 403, kRfc, 3},
      {"google", 200, kRfc, 1},
      {"google", 302, kRfc, 1},
      {"google", 429, kRfc, 1},
      {"google", 500, kRfc, 1},
      {"google", 401, "", 1},
      {"google", 401, R"({"error":"invalid_client","error":"invalid_client"})", 1},
      {"google", 400, R"({"error":"bad_client_secret"})", 1},
      {"github", 200, kRfc, 3},
      {"github", 401, kRfc, 3},
      {"github", 200, R"({"error":"incorrect_client_credentials"})", 3},
      {"github", 201, kRfc, 1},
      {"github", 200, R"({"error":"bad_verification_code"})", 1},
      // What was issued was issued, and must not be asked for a second time.
      {"github", 200, R"({"error":"invalid_client","access_token":"AT","token_type":"bearer"})", 1},
      {"github", 200, R"({"error":"invalid_client","refresh_token":"RT"})", 1},
      {"slack", 200, R"({"ok":false,"error":"bad_client_secret"})", 3},
      {"slack", 200, R"({"ok":false,"error":"invalid_client"})", 3},
      {"slack", 401, kRfc, 3},
      {"slack", 200, R"({"ok":true,"error":"bad_client_secret"})", 1},
      {"slack", 200, R"({"ok":false,"error":"invalid_refresh_token"})", 1},
      {"slack", 200,
       R"({"ok":false,"error":"bad_client_secret","authed_user":{"access_token":"AT","token_type":"user"}})",
       1},
      {"slack", 429, R"({"ok":false,"error":"bad_client_secret"})", 1},
      {"notion", 401, kRfc, 3},
      {"linear", 400, kRfc, 3},
      {"linear", 400, R"({"error":"Error"})", 1},
  };
  for (const Case& each : kCases) {
    const auto provider = WithSecrets(Catalogue::BuiltIn().at(each.catalogue));
    http_.OnRequest([&](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(each.status, each.body); });
    const size_t before = http_.seen().size();
    const TokenOutcome outcome = Refresh(*provider);
    EXPECT_EQ(http_.seen().size() - before, each.requests)
        << each.catalogue << " " << each.status << " " << each.body;
    if (each.requests == 3) {
      EXPECT_EQ(outcome.error, "invalid_client") << each.catalogue << " " << each.status << " " << each.body;
      EXPECT_TRUE(HasReason(outcome.status, Reason::kClientMisconfigured));
    }
  }
}

TEST_F(ClientSecrets, AreRememberedForEachProviderByItself) {
  config::v1::Provider record = Record(kExampleYaml);
  record.set_id("other");
  const auto other = WithSecrets(std::move(record));
  Accept({"second-secret"});
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("first-secret", "second-secret"));
  EXPECT_EQ(Refresh(*other).kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("first-secret", "second-secret"));
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("second-secret"));
}

// Requests that were begun with the old secret do not undo what another has learned.
TEST_F(ClientSecrets, AreLearnedByRequestsThatRunAtOnce) {
  Accept({"second-secret"});
  http_.Hold();
  const auto one = loop_.Start(Refreshing(*provider_));
  const auto two = loop_.Start(Refreshing(*provider_));
  loop_.RunReady();
  EXPECT_THAT(Tried(), ElementsAre("first-secret", "first-secret"));
  http_.Release();
  loop_.RunUntil([&] { return one->has_value() && two->has_value(); });
  EXPECT_EQ((*one)->kind, Kind::kGranted);
  EXPECT_EQ((*two)->kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("second-secret", "second-secret"));
  EXPECT_EQ(Refresh(*provider_).kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("second-secret"));
}

// The refusal that there is says more than "no time is left".
TEST_F(ClientSecrets, AreNotTriedBeyondTheDeadline) {
  http_.OnRequest([this](const ScriptedHttp::Seen&) {
    clock_.Advance(seconds(40));
    return ScriptedHttp::Json(401, R"({"error":"invalid_client"})");
  });
  const TokenOutcome outcome = Refresh(*provider_);
  EXPECT_EQ(outcome.kind, Kind::kRefused);
  EXPECT_EQ(outcome.error, "invalid_client");
  EXPECT_THAT(Tried(), ElementsAre("first-secret", "second-secret"));
}

// The code is not consumed by a refused client either (RFC 6749 section 5.2).
TEST_F(ClientSecrets, AreTriedForACodeToo) {
  Accept({"third-secret"});
  const TokenOutcome outcome =
      loop_.Run(provider_->ExchangeCode("https://as.example/token", false, Secret("CODE"), Secret("verifier"),
                                        "https://app.example/callback", {}, In(seconds(60))));
  EXPECT_EQ(outcome.kind, Kind::kGranted);
  EXPECT_THAT(Tried(), ElementsAre("first-secret", "second-secret", "third-secret"));
}

}  // namespace
}  // namespace grantkeep::testing
