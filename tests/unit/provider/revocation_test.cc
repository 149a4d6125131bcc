// SPDX-License-Identifier: Apache-2.0
#include "provider/revocation.h"

#include <gmock/gmock.h>

#include "provider/record_revocation.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using Kind = RevocationOutcome::Kind;

class Revocations : public ProviderFixture {
 protected:
  std::unique_ptr<Provider> Example(const std::string& more = "") {
    return Make(Record(kExampleYaml + more));
  }
  void Answer(int status, const std::string& body, const std::string& retry_after = "") {
    http_.OnRequest([=](const ScriptedHttp::Seen&) {
      HttpOutcome answer = ScriptedHttp::Json(status, body);
      if (!retry_after.empty()) answer.response->headers.emplace_back("retry-after", retry_after);
      return answer;
    });
  }
  RevocationOutcome Revoke(Provider& provider, std::string_view refresh = "RT-12345678",
                           std::string_view access = "AT-12345678",
                           std::string endpoint = "https://as.example/revoke") {
    RevocableTokens tokens{Secret(refresh), Secret(access)};
    return loop_.Run(provider.Revoke(std::move(endpoint), false, std::move(tokens), In(seconds(30))));
  }
};

// RFC 7009 section 2.1.
TEST_F(Revocations, PostTheRefreshTokenWithClientAuthentication) {
  Answer(200, "");
  const auto provider = Example();
  EXPECT_EQ(Revoke(*provider).kind, Kind::kRevoked);
  ASSERT_THAT(http_.seen(), SizeIs(1));
  EXPECT_EQ(http_.seen()[0].url, "https://as.example/revoke");
  EXPECT_THAT(http_.seen()[0].headers,
              ::testing::Contains(Pair("Authorization", "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW")));
  EXPECT_THAT(ParseForm(http_.seen()[0].body),
              ElementsAre(Pair("token", "RT-12345678"), Pair("token_type_hint", "refresh_token")));
}

TEST_F(Revocations, OfAGrantWithoutARefreshTokenPostTheAccessToken) {
  Answer(200, "");
  const auto provider = Example();
  EXPECT_TRUE(Revoke(*provider, "").confirmed());
  EXPECT_THAT(ParseForm(http_.seen()[0].body),
              ElementsAre(Pair("token", "AT-12345678"), Pair("token_type_hint", "access_token")));
}

TEST_F(Revocations, AreRefusedWithoutARequestWhenThereIsNobodyToAskOrNothingToShow) {
  const auto provider = Example("revocation: {token: access}\n");
  EXPECT_EQ(Revoke(*provider, "RT", "AT", "").kind, Kind::kRefused);
  EXPECT_EQ(Revoke(*provider, "RT", "").kind, Kind::kRefused);
  EXPECT_THAT(http_.seen(), IsEmpty());
}

struct Case {
  std::string name;
  std::string record;
  int status;
  std::string body;
  Kind kind;
};

TEST_F(Revocations, AreWhatTheAnswerSays) {
  const std::string already = "revocation: {already_revoked: [token_revoked, \"404\"]}\n";
  const std::string ok_false = already + "error_dialect: ok_false\n";
  const std::string in_200 = already + "error_dialect: error_in_200\n";
  const std::vector<Case> cases = {
      {"done", "", 200, "", Kind::kRevoked},
      {"done, with a body that means nothing", "", 200, "<html>", Kind::kRevoked},
      {"no content", "", 204, "", Kind::kRevoked},
      {"an error in 200 is none in the dialect of the RFC", "", 200, R"({"error":"x"})", Kind::kRevoked},
      {"an error in 200", in_200, 200, R"({"error":"x"})", Kind::kTryLater},
      {"a known error in 200", in_200, 200, R"({"error":"token_revoked"})", Kind::kAlready},
      {"ok", ok_false, 200, R"({"ok":true,"revoked":true})", Kind::kRevoked},
      {"not ok", ok_false, 200, R"({"ok":false,"error":"internal_error"})", Kind::kTryLater},
      {"not ok, without a reason", ok_false, 200, R"({"ok":false})", Kind::kTryLater},
      {"neither ok nor not", ok_false, 200, "<html>", Kind::kTryLater},
      {"ok, but not as a word", ok_false, 200, R"({"ok":"true"})", Kind::kTryLater},
      {"dead before", ok_false, 200, R"({"ok":false,"error":"token_revoked"})", Kind::kAlready},
      {"dead before, by status", already, 404, R"({"message":"Not Found"})", Kind::kAlready},
      {"dead before, by code", already, 400, R"({"error":"token_revoked"})", Kind::kAlready},
      {"a refusal by the rules", "", 400, R"({"error":"unsupported_token_type"})", Kind::kRefused},
      {"we are not known", "", 401, R"({"error":"invalid_client"})", Kind::kTryLater},
      {"a refusal for now", "", 400, R"({"error":"temporarily_unavailable"})", Kind::kTryLater},
      {"no such place", "", 404, "", Kind::kTryLater},
      {"a redirect", "", 302, "", Kind::kTryLater},
      {"too many", "", 429, R"({"error":"unsupported_token_type"})", Kind::kTryLater},
      {"broken", "", 500, R"({"error":"unsupported_token_type"})", Kind::kTryLater},
      {"away", "", 503, "", Kind::kTryLater},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Answer(c.status, c.body);
    const auto provider = Example(c.record);
    const RevocationOutcome outcome = Revoke(*provider);
    EXPECT_EQ(outcome.kind, c.kind);
    EXPECT_EQ(outcome.status.ok(), outcome.confirmed());
  }
}

TEST_F(Revocations, WithoutAnAnswerAreTriedLater) {
  const auto provider = Example();
  const RevocationOutcome unsent = Revoke(*provider);
  EXPECT_EQ(unsent.kind, Kind::kTryLater);
  EXPECT_TRUE(HasReason(unsent.status, Reason::kProviderUnreachable));
  http_.OnRequest([](const ScriptedHttp::Seen&) {
    HttpOutcome lost;
    lost.error = absl::UnavailableError("connection reset");
    return lost;
  });
  const RevocationOutcome lost = Revoke(*provider);
  EXPECT_EQ(lost.kind, Kind::kTryLater);
  EXPECT_TRUE(HasReason(lost.status, Reason::kProviderError));
  secrets_.clear();
  EXPECT_EQ(Revoke(*provider).kind, Kind::kTryLater) << "the secret may be there later";
}

// RFC 7009 section 2.2.1.
TEST_F(Revocations, ThatHaveToWaitSayHowLong) {
  const auto provider = Example();
  Answer(503, "", "120");
  EXPECT_EQ(Revoke(*provider).retry_after, seconds(120));
  Answer(429, "", "7");
  const RevocationOutcome throttled = Revoke(*provider);
  EXPECT_EQ(throttled.retry_after, seconds(7));
  EXPECT_TRUE(HasReason(throttled.status, Reason::kProviderThrottled));
  Answer(503, "");
  EXPECT_EQ(Revoke(*provider).retry_after, std::nullopt);
}

TEST_F(Revocations, OfBothTokensAreAsGoodAsTheWorseOne) {
  const auto provider = Example("revocation: {token: both, already_revoked: [gone]}\n");
  const std::vector<std::pair<std::vector<int>, Kind>> cases = {{{200, 200}, Kind::kRevoked},
                                                                {{200, 400}, Kind::kAlready},
                                                                {{400, 200}, Kind::kAlready},
                                                                {{200, 503}, Kind::kTryLater},
                                                                {{503, 200}, Kind::kTryLater}};
  for (const auto& [statuses, kind] : cases) {
    const size_t before = http_.seen().size();
    const std::vector<int> answers = statuses;
    http_.OnRequest([this, answers, before](const ScriptedHttp::Seen&) {
      return ScriptedHttp::Json(answers.at(http_.seen().size() - before - 1), R"({"error":"gone"})");
    });
    EXPECT_EQ(Revoke(*provider).kind, kind) << statuses[0] << " " << statuses[1];
  }
}

TEST_F(Revocations, ByADeadAccessTokenConfirmNothingOfARefreshToken) {
  const auto provider = Example("revocation: {token: access, already_revoked: [\"404\"]}\n");
  Answer(404, "");
  EXPECT_EQ(Revoke(*provider).kind, Kind::kRefused);
  EXPECT_EQ(Revoke(*provider, "").kind, Kind::kAlready);
  Answer(204, "");
  EXPECT_EQ(Revoke(*provider).kind, Kind::kRevoked) << "the record says that this ends the grant";
}

TEST_F(Revocations, NeverRepeatWhatTheProviderSays) {
  const auto provider = Example();
  Answer(400, R"({"error":"RT-12345678","error_description":"RT-12345678"})");
  EXPECT_THAT(MessageOf(Revoke(*provider).status), Not(HasSubstr("RT-")));
}

TEST_F(Revocations, TryTheNextClientSecretOnInvalidClientOnly) {
  secrets_["OLD"] = "old-secret";
  const auto provider = Example("revocation: {authentication: client_secret_basic}\n");
  config::v1::Provider record = provider->record();
  record.mutable_client()->add_client_secrets()->set_env("OLD");
  const auto two = Make(std::move(record));
  Answer(401, R"({"error":"invalid_client"})");
  EXPECT_EQ(Revoke(*two).kind, Kind::kTryLater);
  EXPECT_THAT(http_.seen(), SizeIs(2));
  Answer(503, "");
  Revoke(*two);
  EXPECT_THAT(http_.seen(), SizeIs(3));
}

TEST_F(Revocations, PutTheClientIdIntoThePathPercentEncoded) {
  EXPECT_EQ(WithClientId("https://a/{client_id}/x/{client_id}", "a/b:c d%é"),
            "https://a/a%2Fb%3Ac%20d%25%C3%A9/x/a%2Fb%3Ac%20d%25%C3%A9");
  EXPECT_EQ(WithClientId("https://a/x", "b"), "https://a/x");
  // Not where somebody else has told us the URL.
  Answer(200, "");
  const auto provider = Example();
  RevocableTokens tokens{Secret("RT"), Secret()};
  loop_.Run(provider->Revoke("https://as.example/{client_id}", true, std::move(tokens), In(seconds(1))));
  EXPECT_EQ(http_.seen()[0].url, "https://as.example/{client_id}");
  EXPECT_TRUE(http_.seen()[0].untrusted_url);
}

TEST_F(Revocations, ThatCannotWorkAreRefusedByTheirField) {
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"revocation: {token_parameter: \"-\"}", "revocation.token_parameter: can be \"-\" with"},
      {"revocation: {token_parameter: \"a b\"}", "revocation.token_parameter: is not the name"},
      {"revocation: {token_parameter: client_secret}", "revocation.token_parameter: is not the name"},
      {"revocation: {already_revoked: [a, \"b c\"]}", "revocation.already_revoked[1]: is not an error code"},
      {"revocation: {already_revoked: [\"\"]}", "revocation.already_revoked[0]: is not an error code"},
      {"revocation: {already_revoked: [\"200\"]}", "revocation.already_revoked[0]: must be a status"},
      {"revocation: {already_revoked: [\"4040\"]}", "revocation.already_revoked[0]: must be a status"},
      {"revocation: {already_revoked: [\"429\"]}", "revocation.already_revoked[0]: says nothing"},
      {"revocation: {already_revoked: [invalid_client]}", "revocation.already_revoked[0]: says nothing"},
      {"revocation_endpoint: \"https://{client_id}.example/\"",
       "revocation_endpoint: can have {client_id} in its path only"},
      {"revocation_endpoint: \"https://as.example/{other}\"", "url_parts[\"other\"]: is missing"},
      {"token_endpoint: \"https://as.example/{client_id}\"", "url_parts[\"client_id\"]: is missing"},
      {"url_parts: {client_id: {allowed: [a]}}", "url_parts[\"client_id\"]: stands for client.client_id"},
  };
  for (const auto& [yaml, problem] : mistakes) {
    config::v1::Provider record = Record(kExampleYaml);
    record.MergeFrom(Record(yaml));
    const auto provider = Provider::Create(std::move(record), Dependencies());
    EXPECT_THAT(MessageOf(provider.status()), HasSubstr(problem)) << yaml;
  }
  config::v1::Provider nowhere = Record(kExampleYaml);
  nowhere.clear_revocation_endpoint();
  nowhere.mutable_revocation();
  EXPECT_THAT(MessageOf(Provider::Create(nowhere, Dependencies()).status()),
              HasSubstr("revocation_endpoint: is missing; revocation needs it"));
  config::v1::Provider secretless = Record(kExampleYaml);
  secretless.mutable_client()->clear_client_secrets();
  secretless.mutable_revocation()->set_authentication(
      config::v1::Revocation::AUTHENTICATION_CLIENT_SECRET_BASIC);
  EXPECT_THAT(MessageOf(Provider::Create(secretless, Dependencies()).status()),
              HasSubstr("revocation.authentication: cannot be client_secret_basic"));
}

}  // namespace
}  // namespace grantkeep::testing
