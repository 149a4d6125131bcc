// SPDX-License-Identifier: Apache-2.0
// The table of dialects.h. Named like a test so that it is built with them.
#include "crypto/digest.h"
#include "tests/unit/provider/dialects.h"

namespace grantkeep::testing {
namespace {

constexpr char kForm[] = "application/x-www-form-urlencoded";
constexpr char kJson[] = "application/json";
constexpr TokenRequestKind kRefresh = TokenRequestKind::kRefresh;

// RFC 6749 section 2.3.1: both are form-urlencoded before they are joined.
std::string Basic() { return "Basic " + Base64Encode("client%3A1:s3cr%25t%2F%2B"); }

constexpr char kPostExchange[] =
    "grant_type=authorization_code&code=co+de%2F1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
    "&code_verifier=verifier-~&client_id=client%3A1&client_secret=s3cr%25t%2F%2B";
constexpr char kPostRefresh[] =
    "grant_type=refresh_token&refresh_token=re%22fresh%2F1&client_id=client%3A1&client_secret=s3cr%25t%2F%2B";

Dialect Google() {
  return {
      .catalogue = "google",
      .authorization_url =
          "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=client%3A1"
          "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=a+b&state=st&code_challenge=ch"
          "&code_challenge_method=S256&access_type=offline&prompt=consent",
      .headers = {{"Content-Type", kForm}, {"Accept", kJson}},
      .token_endpoint = "https://oauth2.googleapis.com/token",
      .exchange_body = kPostExchange,
      .refresh_body = kPostRefresh,
      .revocation_endpoint = "https://oauth2.googleapis.com/revoke",
      .revocations = {{.url = "https://oauth2.googleapis.com/revoke",
                       .headers = {{"Content-Type", kForm}, {"Accept", kJson}},
                       .body = "token=re%22fresh%2F1&token_type_hint=refresh_token&client_id=client%3A1"
                               "&client_secret=s3cr%25t%2F%2B"}},
      .already_status = 400,
      .already_body = R"({"error":"invalid_token","error_description":"Token expired or revoked"})",
      .successes =
          {{.name = "code",
            .body =
                R"({"access_token":"ya29.a","expires_in":3599,"refresh_token":"1//r","scope":"openid email",)"
                R"("token_type":"Bearer","id_token":"e.y.J"})",
            .tokens = "ya29.a 1//r 3599 [openid email]",
            .optional = {"expires_in", "refresh_token", "scope", "id_token"}},
           // No rotation: the old refresh token is kept (RFC 6749 section 6).
           {.name = "refresh",
            .body = R"({"access_token":"ya29.b","expires_in":3599,"scope":"openid","token_type":"Bearer"})",
            .tokens = "ya29.b - 3599 [openid]",
            .optional = {"expires_in", "scope"},
            .request = kRefresh}},
      .failures = {{"dead", 400,
                    R"({"error":"invalid_grant","error_description":"Token has been expired or revoked."})",
                    "invalid_grant", "answered 400 without an OAuth error"},
                   {"bad secret", 401, R"({"error":"invalid_client"})", "invalid_client",
                    "answered 401 without an OAuth error"}},
  };
}

Dialect GitHub() {
  return {
      .catalogue = "github",
      .authorization_url =
          "https://github.com/login/oauth/authorize?response_type=code&client_id=client%3A1"
          "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=a+b&state=st&code_challenge=ch"
          "&code_challenge_method=S256",
      .headers = {{"Content-Type", kForm}, {"Accept", kJson}},
      .token_endpoint = "https://github.com/login/oauth/access_token",
      .exchange_body = kPostExchange,
      .refresh_body = kPostRefresh,
      .revocation_endpoint = "https://api.github.com/applications/{client_id}/grant",
      .revocations = {{.method = HttpRequest::Method::kDelete,
                       .url = "https://api.github.com/applications/client%3A1/grant",
                       .headers = {{"Authorization", Basic()}, {"Content-Type", kJson}, {"Accept", kJson}},
                       .body = R"({"access_token":"ac+cess/1"})"}},
      .already_status = 404,
      .already_body = R"({"message":"Not Found"})",
      .successes =
          {{.name = "OAuth app",
            .body = R"({"access_token":"gho_a","scope":"repo,gist","token_type":"bearer"})",
            .tokens = "gho_a - - [repo gist]",
            .optional = {"scope"}},
           // Its permissions are set in the app: it was granted no scope, which is not "as requested".
           {.name = "GitHub App",
            .body = R"({"access_token":"ghu_a","expires_in":28800,"refresh_token":"ghr_a",)"
                    R"("refresh_token_expires_in":15897600,"scope":"","token_type":"bearer"})",
            .tokens = "ghu_a ghr_a 28800 []",
            .optional = {"expires_in", "refresh_token", "refresh_token_expires_in", "scope"}},
           {.name = "refresh",
            .body = R"({"access_token":"ghu_b","expires_in":28800,"refresh_token":"ghr_b","scope":"",)"
                    R"("token_type":"bearer"})",
            .tokens = "ghu_b ghr_b 28800 []",
            .optional = {"expires_in", "refresh_token", "scope"},
            .request = kRefresh}},
      .failures = {{"bad code", 200,
                    R"({"error":"bad_verification_code","error_description":"x","error_uri":"https://d"})",
                    "invalid_grant", "access_token is missing"},
                   {"dead", 200, R"({"error":"bad_refresh_token"})", "invalid_grant",
                    "access_token is missing"},
                   {"bad secret", 200, R"({"error":"incorrect_client_credentials"})", "invalid_client",
                    "access_token is missing"},
                   {"its own", 200, R"({"error":"unverified_user_email"})", "unverified_user_email",
                    "access_token is missing"}},
  };
}

constexpr char kSlackExchange[] =
    "grant_type=authorization_code&code=co+de%2F1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb";
constexpr char kSlackRefresh[] = "grant_type=refresh_token&refresh_token=re%22fresh%2F1";

std::vector<FailureAnswer> SlackFailures(std::string_view missing) {
  return {{"bad secret", 200, R"({"ok":false,"error":"bad_client_secret"})", "invalid_client", missing},
          {"unknown client", 200, R"({"ok":false,"error":"invalid_client_id"})", "invalid_client", missing},
          {"bad code", 200, R"({"ok":false,"error":"invalid_code"})", "invalid_grant", missing},
          {"dead", 200, R"({"ok":false,"error":"invalid_refresh_token","warning":"w"})", "invalid_grant",
           missing},
          {"its own", 200, R"({"ok":false,"error":"bad_redirect_uri"})", "bad_redirect_uri", missing},
          {"as in RFC 6749", 400, R"({"error":"invalid_grant","error_description":"x"})", "invalid_grant",
           "answered 400 without an OAuth error"},
          {"ok false with 400", 400, R"({"ok":false,"error":"invalid_code"})", "invalid_grant",
           "answered 400 without an OAuth error"}};
}

// The token itself authenticates, and there is no body.
std::vector<Dialect::RevocationRequest> SlackRevocations() {
  return {{.url = "https://slack.com/api/auth.revoke",
           .headers = {{"Authorization", "Bearer re\"fresh/1"}, {"Accept", kJson}},
           .body = ""},
          {.url = "https://slack.com/api/auth.revoke",
           .headers = {{"Authorization", "Bearer ac+cess/1"}, {"Accept", kJson}},
           .body = ""}};
}

constexpr char kSlackBoth[] =
    R"({"ok":true,"app_id":"A1","access_token":"xoxb-1","token_type":"bot","scope":"chat:write,users:read",)"
    R"("expires_in":43200,"refresh_token":"xoxe-1-b","authed_user":{"id":"U1","scope":"search:read,files:read",)"
    R"("access_token":"xoxp-1","token_type":"user","expires_in":43100,"refresh_token":"xoxe-1-u"}})";

Dialect SlackBot() {
  return {
      .catalogue = "slack",
      .authorization_url =
          "https://slack.com/oauth/v2/authorize?response_type=code&client_id=client%3A1"
          "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=a%2Cb&state=st",
      .headers = {{"Authorization", Basic()}, {"Content-Type", kForm}, {"Accept", kJson}},
      .token_endpoint = "https://slack.com/api/oauth.v2.access",
      .exchange_body = kSlackExchange,
      .refresh_body = kSlackRefresh,
      .revocation_endpoint = "https://slack.com/api/auth.revoke",
      .revocations = SlackRevocations(),
      .revoked = R"({"ok":true,"revoked":true})",
      .already_status = 200,
      .already_body = R"({"ok":false,"error":"token_revoked"})",
      .successes =
          {{.name = "without rotation",
            .body =
                R"({"ok":true,"access_token":"xoxb-1","token_type":"bot","scope":"chat:write,users:read",)"
                R"("bot_user_id":"U0","team":{"id":"T1"},"enterprise":null,"authed_user":{"id":"U1"}})",
            .tokens = "xoxb-1 - - [chat:write users:read]",
            .optional = {"ok", "scope", "bot_user_id", "team", "enterprise", "authed_user"}},
           {.name = "both kinds",
            .body = kSlackBoth,
            .tokens = "xoxb-1 xoxe-1-b 43200 [chat:write users:read]",
            .optional = {"ok", "app_id", "scope", "expires_in", "refresh_token", "authed_user"},
            .remark = "a second token set, in another object, is not kept"},
           {.name = "refresh",
            .body = R"({"ok":true,"access_token":"xoxe.xoxb-1-2","token_type":"bot","expires_in":43200,)"
                    R"("refresh_token":"xoxe-1-2","scope":"chat:write"})",
            .tokens = "xoxe.xoxb-1-2 xoxe-1-2 43200 [chat:write]",
            .optional = {"ok", "expires_in", "refresh_token", "scope"},
            .request = kRefresh}},
      .failures = SlackFailures("access_token is missing"),
  };
}

Dialect SlackUser() {
  return {
      .catalogue = "slack-user",
      .authorization_url =
          "https://slack.com/oauth/v2/authorize?response_type=code&client_id=client%3A1"
          "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&user_scope=a%2Cb&state=st",
      .headers = {{"Authorization", Basic()}, {"Content-Type", kForm}, {"Accept", kJson}},
      .token_endpoint = "https://slack.com/api/oauth.v2.access",
      .exchange_body = kSlackExchange,
      .refresh_body = kSlackRefresh,
      .revocation_endpoint = "https://slack.com/api/auth.revoke",
      .revocations = SlackRevocations(),
      .revoked = R"({"ok":true,"revoked":true})",
      .already_status = 200,
      .already_body = R"({"ok":false,"error":"token_revoked"})",
      .successes =
          {{.name = "user scopes alone",
            .body = R"({"ok":true,"authed_user":{"id":"U1","scope":"search:read","access_token":"xoxp-1",)"
                    R"("token_type":"user"},"team":{"id":"T1"}})",
            .tokens = "xoxp-1 - - [search:read]",
            .needed = {"authed_user", "authed_user.access_token", "authed_user.token_type"},
            .optional = {"ok", "team", "authed_user.id", "authed_user.scope"}},
           {.name = "both kinds",
            .body = kSlackBoth,
            .tokens = "xoxp-1 xoxe-1-u 43100 [search:read files:read]",
            .needed = {"authed_user", "authed_user.access_token", "authed_user.token_type"},
            .optional = {"ok", "app_id", "access_token", "token_type", "scope", "expires_in", "refresh_token",
                         "authed_user.id", "authed_user.scope", "authed_user.expires_in",
                         "authed_user.refresh_token"},
            .remark = "a second token set, at the top level, is not kept"},
           // At the top level.
           {.name = "refresh",
            .body = R"({"ok":true,"access_token":"xoxe.xoxp-1-2","token_type":"user","expires_in":43200,)"
                    R"("refresh_token":"xoxe-1-2","scope":"search:read","authed_user":{"id":"U1"}})",
            .tokens = "xoxe.xoxp-1-2 xoxe-1-2 43200 [search:read]",
            .optional = {"ok", "expires_in", "refresh_token", "scope", "authed_user", "authed_user.id"},
            .request = kRefresh}},
      .failures = SlackFailures("authed_user is missing"),
  };
}

Dialect Notion() {
  return {
      .catalogue = "notion",
      .authorization_url =
          "https://api.notion.com/v1/oauth/authorize?response_type=code&client_id=client%3A1"
          "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=st&code_challenge=ch"
          "&code_challenge_method=S256&owner=user",
      .headers = {{"Authorization", Basic()}, {"Content-Type", kJson}, {"Accept", kJson}},
      .token_endpoint = "https://api.notion.com/v1/oauth/token",
      .exchange_body = R"({"grant_type":"authorization_code","code":"co de/1",)"
                       R"("redirect_uri":"https://app.example/cb","code_verifier":"verifier-~"})",
      .refresh_body = R"({"grant_type":"refresh_token","refresh_token":"re\"fresh/1"})",
      .revocation_endpoint = "https://api.notion.com/v1/oauth/revoke",
      .revocations = {{.url = "https://api.notion.com/v1/oauth/revoke",
                       .headers = {{"Authorization", Basic()}, {"Content-Type", kJson}, {"Accept", kJson}},
                       .body = R"({"token":"re\"fresh/1"})"}},
      .successes =
          {{.name = "no refresh token",
            .body = R"({"access_token":"ntn_1","token_type":"bearer","refresh_token":null,"bot_id":"b",)"
                    R"("workspace_id":"w","owner":{"type":"user","user":{"id":"u"}},)"
                    R"("duplicated_template_id":null,"request_id":"r"})",
            .tokens = "ntn_1 - - -",
            .optional = {"refresh_token", "bot_id", "workspace_id", "owner", "duplicated_template_id",
                         "request_id"}},
           {.name = "refresh",
            .body = R"({"access_token":"ntn_2","token_type":"bearer","refresh_token":"nrt_2","bot_id":"b"})",
            .tokens = "ntn_2 nrt_2 - -",
            .optional = {"refresh_token", "bot_id"},
            .request = kRefresh}},
      .failures = {{"dead", 400, R"({"error":"invalid_grant","request_id":"r"})", "invalid_grant",
                    "answered 400 without an OAuth error"},
                   {"bad secret", 401, R"({"error":"invalid_client"})", "invalid_client",
                    "answered 401 without an OAuth error"}},
  };
}

Dialect Linear() {
  return {
      .catalogue = "linear",
      .authorization_url =
          "https://linear.app/oauth/authorize?response_type=code&client_id=client%3A1"
          "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=a%2Cb&state=st"
          "&code_challenge=ch&code_challenge_method=S256",
      .headers = {{"Content-Type", kForm}, {"Accept", kJson}},
      .token_endpoint = "https://api.linear.app/oauth/token",
      .exchange_body = kPostExchange,
      .refresh_body = kPostRefresh,
      .revocation_endpoint = "https://api.linear.app/oauth/revoke",
      .revocations = {{.url = "https://api.linear.app/oauth/revoke",
                       .headers = {{"Content-Type", kForm}, {"Accept", kJson}},
                       .body = "refresh_token=re%22fresh%2F1"}},
      .already_status = 400,
      .successes =
          {{.name = "scope as string",
            .body =
                R"({"access_token":"lin_1","token_type":"Bearer","expires_in":86399,"scope":"read write",)"
                R"("refresh_token":"lin_r"})",
            .tokens = "lin_1 lin_r 86399 [read write]",
            .optional = {"expires_in", "scope", "refresh_token"}},
           {.name = "app of before December 2023",
            .body = R"({"access_token":"lin_1","token_type":"Bearer","expires_in":315705599,)"
                    R"("scope":["read","write"]})",
            .tokens = "lin_1 - 315360000 [read write]",
            .optional = {"expires_in", "scope"}},
           {.name = "refresh",
            .body = R"({"access_token":"lin_2","token_type":"Bearer","expires_in":86399,"scope":"read",)"
                    R"("refresh_token":"lin_r2"})",
            .tokens = "lin_2 lin_r2 86399 [read]",
            .optional = {"expires_in", "scope", "refresh_token"},
            .request = kRefresh}},
      .failures = {{"dead", 400, R"({"error":"invalid_grant","error_description":"Invalid refresh token"})",
                    "invalid_grant", "answered 400 without an OAuth error"},
                   {"its own", 400, R"({"error":"Error","error_description":"Client does not support"})",
                    "Error", "answered 400 without an OAuth error"}},
  };
}

}  // namespace

const std::vector<Dialect>& Dialects() {
  static const auto* const dialects =
      new std::vector<Dialect>{Google(), GitHub(), SlackBot(), SlackUser(), Notion(), Linear()};
  return *dialects;
}

}  // namespace grantkeep::testing
