// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "crypto/digest.h"
#include "tests/support/practice_provider/server_fixture.h"

namespace grantkeep::practice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AuthorizationTest : public PracticeServerTest {};

// --- The authorization endpoint

TEST_F(AuthorizationTest, SignInGivesATokenThatTheResourceAccepts) {
  const Tokens tokens = SignIn();
  EXPECT_THAT(tokens.access, StartsWith("practice-at-"));
  const ServerReply me = Get("/me", {}, "Bearer " + tokens.access);
  EXPECT_EQ(me.status, 200);
  EXPECT_THAT(me.body, HasSubstr("\"scope\":\"read write\""));
  EXPECT_EQ(StatusOfMe(tokens.access + "x"), 401);
  EXPECT_THAT(HeaderOf(Get("/me", {}, "Bearer nonsense"), "WWW-Authenticate"), HasSubstr("invalid_token"));
}

TEST_F(AuthorizationTest, CallbackCarriesCodeStateAndIssuer) {
  const Form callback = CallbackOf(Get("/authorize", AuthorizationRequest()));
  EXPECT_EQ(callback.Get("state"), "xyz");
  EXPECT_EQ(callback.Get("iss"), kIssuer);
}

TEST_F(AuthorizationTest, IssuerOfTheCallbackCanBeWrongOrAbsent) {
  server_->options().iss = IssMode::kWrong;
  EXPECT_NE(CallbackOf(Get("/authorize", AuthorizationRequest())).Get("iss"), kIssuer);
  server_->options().iss = IssMode::kAbsent;
  EXPECT_EQ(CallbackOf(Get("/authorize", AuthorizationRequest())).Get("iss"), std::nullopt);
}

TEST_F(AuthorizationTest, UnregisteredRedirectUriOrClientIsNeverRedirectedTo) {
  for (const char* redirect_uri : {"http://127.0.0.1:41000/other", "http://127.0.0.2:41000/callback",
                                   "http://localhost:41000/callback", "https://127.0.0.1:41000/callback",
                                   "http://127.0.0.1:x/callback", "http://127.0.0.1:80@evil.example/callback",
                                   "http://127.0.0.1:41000/callback?x=1", "https://evil.example/"}) {
    Form form;
    form.Add("response_type", "code");
    form.Add("client_id", "public");
    form.Add("redirect_uri", redirect_uri);
    const ServerReply reply = Get("/authorize", form);
    EXPECT_EQ(reply.status, 400) << redirect_uri;
    EXPECT_EQ(HeaderOf(reply, "Location"), "") << redirect_uri;
  }
  EXPECT_EQ(Get("/authorize", AuthorizationRequest("nobody")).status, 400);
}

TEST_F(AuthorizationTest, RegisteredPortOfAnOrdinaryUriIsCompared) {
  Form form;
  form.Add("client_id", "post");
  form.Add("redirect_uri", "https://app.example:444/cb");
  EXPECT_EQ(Get("/authorize", form).status, 400);
}

TEST_F(AuthorizationTest, PkceWithS256IsRequired) {
  Form without;
  without.Add("response_type", "code");
  without.Add("client_id", "public");
  without.Add("redirect_uri", kRedirectUri);
  EXPECT_EQ(CallbackOf(Get("/authorize", without)).Get("error"), "invalid_request");
  Form plain = without;
  plain.Add("code_challenge", kChallenge);
  plain.Add("code_challenge_method", "plain");
  EXPECT_EQ(CallbackOf(Get("/authorize", plain)).Get("error"), "invalid_request");
  Form short_challenge = without;
  short_challenge.Add("code_challenge", "abc");
  short_challenge.Add("code_challenge_method", "S256");
  EXPECT_EQ(CallbackOf(Get("/authorize", short_challenge)).Get("error"), "invalid_request");
}

TEST_F(AuthorizationTest, DuplicatedParameterIsRefused) {
  Form form = AuthorizationRequest();
  form.Add("scope", "more");
  EXPECT_EQ(CallbackOf(Get("/authorize", form)).Get("error"), "invalid_request");
}

TEST_F(AuthorizationTest, DenialIsToldToTheClientWithIssuer) {
  server_->options().consent = Consent::kDeny;
  const Form callback = CallbackOf(Get("/authorize", AuthorizationRequest()));
  EXPECT_EQ(callback.Get("error"), "access_denied");
  EXPECT_EQ(callback.Get("iss"), kIssuer);
  EXPECT_EQ(callback.Get("code"), std::nullopt);
}

TEST_F(AuthorizationTest, ConsentPageDecidesOnce) {
  server_->options().consent = Consent::kPage;
  const auto ticket = [&] {
    const ServerReply page = Get("/authorize", AuthorizationRequest());
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(HeaderOf(page, "X-Frame-Options"), "DENY");
    const std::string mark = "name=\"ticket\" value=\"";
    const size_t start = page.body.find(mark) + mark.size();
    return page.body.substr(start, page.body.find('"', start) - start);
  };
  Form allow;
  allow.Add("ticket", ticket());
  allow.Add("decision", "allow");
  EXPECT_TRUE(CallbackOf(Post("/authorize", allow)).Get("code").has_value());
  EXPECT_EQ(Post("/authorize", allow).status, 400);
  Form deny;
  deny.Add("ticket", ticket());
  deny.Add("decision", "deny");
  EXPECT_EQ(CallbackOf(Post("/authorize", deny)).Get("error"), "access_denied");
}

TEST_F(AuthorizationTest, ConsentPageShowsRequestAsTextOnly) {
  server_->options().consent = Consent::kPage;
  Form form;
  form.Add("response_type", "code");
  form.Add("client_id", "public");
  form.Add("redirect_uri", kRedirectUri);
  form.Add("code_challenge", kChallenge);
  form.Add("code_challenge_method", "S256");
  form.Add("scope", "<script>alert(1)</script>");
  const ServerReply page = Get("/authorize", form);
  EXPECT_THAT(page.body, Not(HasSubstr("<script>")));
  EXPECT_THAT(page.body, HasSubstr("&lt;script&gt;"));
}

// --- Codes

TEST_F(AuthorizationTest, CodeNeedsItsVerifierClientAndRedirectUri) {
  const std::string code = NewCode();
  EXPECT_EQ(ErrorOf(Post("/token", CodeRequest(code, std::string(43, 'a')))), "invalid_grant");
  EXPECT_EQ(ErrorOf(Post("/token", CodeRequest(code, ""))), "invalid_grant");
  Form other_uri;
  other_uri.Add("grant_type", "authorization_code");
  other_uri.Add("client_id", "public");
  other_uri.Add("code", code);
  other_uri.Add("redirect_uri", "http://127.0.0.1:41001/callback");
  other_uri.Add("code_verifier", kVerifier);
  EXPECT_EQ(ErrorOf(Post("/token", other_uri)), "invalid_grant");
  EXPECT_EQ(ErrorOf(Post("/token", CodeRequest(NewCode("basic")))), "invalid_grant");
  EXPECT_EQ(ErrorOf(Post("/token", CodeRequest("practice-code-unknown"))), "invalid_grant");
  // None of these spent it.
  EXPECT_EQ(Post("/token", CodeRequest(code)).status, 200);
}

TEST_F(AuthorizationTest, CodeUsedTwiceRevokesWhatItGave) {
  const std::string code = NewCode();
  const Tokens tokens = TokensOf(Post("/token", CodeRequest(code)));
  EXPECT_EQ(ErrorOf(Post("/token", CodeRequest(code))), "invalid_grant");
  EXPECT_EQ(StatusOfMe(tokens.access), 401);
  EXPECT_EQ(ErrorOf(Refresh(tokens.refresh)), "invalid_grant");
  EXPECT_EQ(Stats().code_replays, 1u);
  EXPECT_EQ(Stats().live_families, 0u);
}

TEST_F(AuthorizationTest, ReplayWithAnotherVerifierRevokesNothing) {
  const std::string code = NewCode();
  const Tokens tokens = TokensOf(Post("/token", CodeRequest(code)));
  EXPECT_EQ(ErrorOf(Post("/token", CodeRequest(code, std::string(43, 'a')))), "invalid_grant");
  EXPECT_EQ(StatusOfMe(tokens.access), 200);
}

TEST_F(AuthorizationTest, CodeExpires) {
  const std::string code = NewCode();
  now_ += TokenLedger::kCodeLifetime;
  EXPECT_EQ(ErrorOf(Post("/token", CodeRequest(code))), "invalid_grant");
}

TEST_F(AuthorizationTest, ResourceMustHaveBeenAuthorized) {
  Form request = AuthorizationRequest();
  request.Add("resource", "https://a.example");
  request.Add("resource", "https://b.example");
  const std::string code = CallbackOf(Get("/authorize", request)).Get("code").value();
  Form wrong = CodeRequest(code);
  wrong.Add("resource", "https://c.example");
  EXPECT_EQ(ErrorOf(Post("/token", wrong)), "invalid_target");
  Form right = CodeRequest(code);
  right.Add("resource", "https://b.example");
  EXPECT_EQ(Post("/token", right).status, 200);
}

// --- Client authentication

TEST_F(AuthorizationTest, ClientAuthenticatesByItsRegisteredMethodOnly) {
  const auto exchange = [&](std::string client, std::string secret_in_body, std::string authorization) {
    Form form;
    form.Add("grant_type", "authorization_code");
    form.Add("client_id", client);
    if (!secret_in_body.empty()) form.Add("client_secret", secret_in_body);
    form.Add("code", NewCode(client));
    form.Add("redirect_uri", kRedirectUri);
    form.Add("code_verifier", kVerifier);
    return Post("/token", form, authorization);
  };
  const std::string basic = "Basic " + Base64Encode("basic:s%26cret");
  EXPECT_EQ(exchange("basic", "", basic).status, 200);
  EXPECT_EQ(exchange("post", "secret", "").status, 200);
  EXPECT_EQ(exchange("public", "", "").status, 200);

  EXPECT_EQ(exchange("basic", "s&cret", "").status, 401);
  EXPECT_EQ(exchange("basic", "", "Basic " + Base64Encode("basic:wrong")).status, 401);
  EXPECT_EQ(exchange("basic", "", "Basic !").status, 401);
  EXPECT_EQ(exchange("post", "wrong", "").status, 401);
  EXPECT_EQ(exchange("post", "", "").status, 401);
  EXPECT_EQ(exchange("post", "", "Basic " + Base64Encode("post:secret")).status, 401);
  EXPECT_EQ(ErrorOf(exchange("basic", "s&cret", basic)), "invalid_request");
}

TEST_F(AuthorizationTest, SecretsOfAClientCanBeReplaced) {
  const auto authenticates = [&](const std::string& encoded_secret) {
    Form form;
    form.Add("grant_type", "refresh_token");
    form.Add("refresh_token", "unknown");
    const ServerReply reply = Post("/token", form, "Basic " + Base64Encode("basic:" + encoded_secret));
    EXPECT_EQ(ErrorOf(reply), reply.status == 401 ? "invalid_client" : "invalid_grant");
    return reply.status != 401;
  };
  EXPECT_EQ(PostControl(R"({"client_secrets":{"basic":["s&cret","next"]}})").status, 200);
  EXPECT_TRUE(authenticates("s%26cret"));
  EXPECT_TRUE(authenticates("next"));
  EXPECT_EQ(PostControl(R"({"client_secrets":{"basic":["next"]}})").status, 200);
  EXPECT_FALSE(authenticates("s%26cret"));
  EXPECT_TRUE(authenticates("next"));
  for (const char* wrong : {R"({"basic":[]})", R"({"public":["x"]})", R"({"nobody":["x"]})",
                            R"({"basic":[""]})", R"({"basic":"x"})", R"(["basic"])"}) {
    EXPECT_THAT(PostControl(std::string(R"({"client_secrets":)") + wrong + "}").body,
                ::testing::HasSubstr("client_secrets"))
        << wrong;
  }
  EXPECT_TRUE(authenticates("next"));
}

TEST_F(AuthorizationTest, TokenEndpointTakesFormsOnly) {
  const ServerReply reply = server_->Handle({"POST", "/token", "", "", "application/json", "{}"}, now_);
  EXPECT_EQ(ErrorOf(reply), "invalid_request");
  EXPECT_EQ(server_->Handle({"GET", "/token", "", "", "", ""}, now_).status, 404);
}

}  // namespace
}  // namespace grantkeep::practice
