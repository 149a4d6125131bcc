// SPDX-License-Identifier: Apache-2.0
// Callbacks of every shape, as browsers, proxies and attackers may bring them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/reason.h"
#include "flow/callback.h"

namespace grantkeep {
namespace {

// What a flow was begun with.
enum class Provider {
  kSendsIss,  // issuer https://as.example, always sent on callbacks
  kSilent,    // the same issuer, not known to be sent
  kNoIssuer,  // none configured
};

storage::v1::Flow FlowAt(Provider provider, const std::string& redirect_uri = "https://app.example/cb") {
  storage::v1::Flow flow;
  flow.set_provider("acme");
  if (provider != Provider::kNoIssuer) flow.set_issuer("https://as.example");
  flow.set_iss_advertised(provider == Provider::kSendsIss);
  flow.set_redirect_uri(redirect_uri);
  return flow;
}

struct Seen {
  std::optional<Reason> reason;  // nothing: accepted
  std::string detail;            // the code, or the field of the error
};

// As CompleteAuth does it, without the store between StateOf and CheckCallback.
Seen Complete(CompleteAuthRequest request, const storage::v1::Flow& flow) {
  const auto failed = [](const absl::Status& status) {
    return Seen{ReasonOf(status), FieldOf(status).value_or("")};
  };
  const auto callback = ParseCallback(request);
  if (!callback.ok()) return failed(callback.status());
  if (const auto state = StateOf(*callback); !state.ok()) return failed(state.status());
  const auto code = CheckCallback(*callback, flow);
  return code.ok() ? Seen{std::nullopt, *code} : failed(code.status());
}

Seen CompleteUrl(std::string url, const storage::v1::Flow& flow) {
  CompleteAuthRequest request;
  request.callback = std::move(url);
  return Complete(std::move(request), flow);
}

constexpr std::optional<Reason> kAccepted = std::nullopt;
constexpr Reason kMalformed = Reason::kCallbackMalformed;
constexpr Reason kMismatch = Reason::kIssuerMismatch;

// --- The query, at the flow's redirect URI

struct Query {
  const char* query;
  Provider provider;
  std::optional<Reason> reason;
  const char* detail;
};

#define GOOD_ISS "iss=https%3A%2F%2Fas.example"

const Query kQueries[] = {
    {"code=c&state=s&" GOOD_ISS, Provider::kSendsIss, kAccepted, "c"},
    {"code=c&state=s&iss=https://as.example", Provider::kSendsIss, kAccepted, "c"},
    {GOOD_ISS "&state=s&code=c", Provider::kSendsIss, kAccepted, "c"},
    {"code=c&state=s&" GOOD_ISS "&future=1&session_state=x.y", Provider::kSendsIss, kAccepted, "c"},
    {"&&code=c&&state=s&" GOOD_ISS "&", Provider::kSendsIss, kAccepted, "c"},
    {"c%6fde=c&st%61te=s&%69ss=https://as.example", Provider::kSendsIss, kAccepted, "c"},
    {"code=4%2F0A+b%2Bc&state=s&" GOOD_ISS, Provider::kSendsIss, kAccepted, "4/0A b+c"},
    {"code=a=b==&state=s&" GOOD_ISS, Provider::kSendsIss, kAccepted, "a=b=="},
    {"code=a?b/c&state=s&" GOOD_ISS, Provider::kSendsIss, kAccepted, "a?b/c"},
    {"code=%25%34%31&state=s&" GOOD_ISS, Provider::kSendsIss, kAccepted, "%41"},  // decoded once
    {"code=a;b&state=s&" GOOD_ISS, Provider::kSendsIss, kAccepted, "a;b"},        // ';' is no '&'
    {"code=c&state=s&" GOOD_ISS "#_=_", Provider::kSendsIss, kAccepted, "c"},     // browsers keep fragments
    {"code=c&state=s&" GOOD_ISS "#&code=forged&state=s", Provider::kSendsIss, kAccepted, "c"},
    {"code=c&state=s&" GOOD_ISS "&=x", Provider::kSendsIss, kAccepted, "c"},
    {"code=c&state=s&" GOOD_ISS "&error=", Provider::kSendsIss, kAccepted, "c"},  // empty is absent
    {"Code=x&code=c&state=s&" GOOD_ISS, Provider::kSendsIss, kAccepted, "c"},     // names have case

    // Parameters that are not there, or there twice.
    {"", Provider::kSendsIss, kMalformed, "state"},
    {"code=c&" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"code=c&state&" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"code=c&state=&" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"code=c&STATE=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"code=c&state=s&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"code=c&state=s&state=&" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"code=c&state=s&st%61te=t&" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"code=c;state=s;" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=c&code=c&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=c&code=&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=c&c%6Fde=d&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=c&state=s&" GOOD_ISS "&" GOOD_ISS, Provider::kSendsIss, kMalformed, "iss"},
    {"code=c&state=s&" GOOD_ISS "&iss=", Provider::kSendsIss, kMalformed, "iss"},
    {"code=c&state=s&" GOOD_ISS "&iss=https://evil.example", Provider::kSendsIss, kMalformed, "iss"},
    {"error=access_denied&error=server_error&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "error"},
    {"code=c&state=s&x=1&x=2&" GOOD_ISS, Provider::kSendsIss, kMalformed, "x"},
    {"code=c&state=s&=1&=2&" GOOD_ISS, Provider::kSendsIss, kMalformed, "callback"},
    {"code=c&state=s&%0d%0a=1&%0d%0a=2&" GOOD_ISS, Provider::kSendsIss, kMalformed, "??"},

    // Bytes.
    {"code=%&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "callback_url"},
    {"code=%4&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "callback_url"},
    {"code=%4g&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "callback_url"},
    {"code=c&state=s&" GOOD_ISS "&x=%", Provider::kSendsIss, kMalformed, "callback_url"},
    {"code=c d&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "callback_url"},
    {"code=c\td&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "callback_url"},
    {"code=c\xc3\xa4&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "callback_url"},
    {"code=c%00&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=c%0a&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=c%7f&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=c%c3%a4&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"code=%ff%fe&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},

    // The issuer, compared character by character (RFC 9207 section 2.4).
    {"code=c&state=s", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&ISS=https://as.example", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https://as.example/", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https://AS.example", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=HTTPS://as.example", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https://as.example:443", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https%253A%252F%252Fas.example", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https://as.example%00", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=+https://as.example", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https://as.example%20", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https://as.exampl%D0%B5", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https://as.example.evil.example", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s&iss=https://as.exampl", Provider::kSendsIss, kMismatch, ""},
    {"code=c&state=s", Provider::kSilent, kAccepted, "c"},
    {"code=c&state=s&iss=", Provider::kSilent, kAccepted, "c"},
    {"code=c&state=s&" GOOD_ISS, Provider::kSilent, kAccepted, "c"},
    {"code=c&state=s&iss=https://evil.example", Provider::kSilent, kMismatch, ""},
    {"code=c&state=s", Provider::kNoIssuer, kAccepted, "c"},
    {"code=c&state=s&" GOOD_ISS, Provider::kNoIssuer, kMismatch, ""},

    // Errors of the provider, believed only beside the right issuer.
    {"error=access_denied&state=s&" GOOD_ISS, Provider::kSendsIss, Reason::kAccessDenied, ""},
    {"error=access_denied&state=s", Provider::kSendsIss, kMismatch, ""},
    {"error=access_denied&state=s&iss=https://evil.example", Provider::kSendsIss, kMismatch, ""},
    {"error=access_denied&state=s", Provider::kSilent, Reason::kAccessDenied, ""},
    {"error=access_denied&" GOOD_ISS, Provider::kSendsIss, kMalformed, "state"},
    {"error=access_denied&code=c&state=s&" GOOD_ISS, Provider::kSendsIss, Reason::kAccessDenied, ""},
    {"error=server_error&state=s&" GOOD_ISS, Provider::kSendsIss, Reason::kProviderError, ""},
    {"error=temporarily_unavailable&state=s&" GOOD_ISS, Provider::kSendsIss, Reason::kProviderError, ""},
    {"error=invalid_scope&state=s&" GOOD_ISS, Provider::kSendsIss, Reason::kClientMisconfigured, ""},
    {"error=ACCESS_DENIED&state=s&" GOOD_ISS, Provider::kSendsIss, Reason::kClientMisconfigured, ""},
    {"error=%00%ff%0a&state=s&" GOOD_ISS, Provider::kSendsIss, Reason::kClientMisconfigured, ""},
    {"error=&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
    {"error_description=x&state=s&" GOOD_ISS, Provider::kSendsIss, kMalformed, "code"},
};

TEST(CallbackTable, QueriesEndAsTheTableSays) {
  for (const Query& row : kQueries) {
    SCOPED_TRACE(row.query);
    const Seen seen = CompleteUrl("https://app.example/cb?" + std::string(row.query), FlowAt(row.provider));
    EXPECT_EQ(seen.reason, row.reason);
    EXPECT_EQ(seen.detail, row.detail);
  }
}

// --- Where the callback arrived

struct Place {
  const char* url;  // without its query
  const char* redirect_uri;
  bool accepted;
};

const Place kPlaces[] = {
    {"https://app.example/cb", "https://app.example/cb", true},
    {"HTTPS://App.Example/cb", "https://app.example/cb", true},
    {"https://app.example:443/cb", "https://app.example/cb", true},
    {"https://app.example/cb", "https://app.example:443/cb", true},
    {"https://app.example", "https://app.example/", true},
    {"http://127.0.0.1:40999/cb", "http://127.0.0.1:40999/cb", true},
    {"http://127.0.0.1/cb", "http://127.0.0.1:80/cb", true},
    {"http://[::1]:8080/cb", "http://[::1]:8080/cb", true},
    {"http://[::1]/cb", "http://[::1]:80/cb", true},
    {"https://[2001:DB8::1]/cb", "https://[2001:db8::1]/cb", true},
    {"https://[2001:db8:0::1]/cb", "https://[2001:db8::1]/cb", false},  // browsers shorten alike
    {"https://app.example/CB", "https://app.example/cb", false},
    {"https://app.example/cb/", "https://app.example/cb", false},
    {"https://app.example//cb", "https://app.example/cb", false},
    {"https://app.example/./cb", "https://app.example/cb", false},
    {"https://app.example/x/../cb", "https://app.example/cb", false},
    {"https://app.example/x/%2e%2e/cb", "https://app.example/cb", false},
    {"https://app.example/%63b", "https://app.example/cb", false},
    {"https://app.example/c%62", "https://app.example/c%62", true},
    {"https://app.example/cb;x", "https://app.example/cb", false},
    {"https://app.example\\cb", "https://app.example/cb", false},
    {"https://app.example:8443/cb", "https://app.example/cb", false},
    {"https://app.example:/cb", "https://app.example/cb", false},
    {"https://app.example:80/cb", "https://app.example/cb", false},
    {"https://app.example:443:443/cb", "https://app.example/cb", false},
    {"http://app.example/cb", "https://app.example/cb", false},
    {"http://app.example:443/cb", "https://app.example/cb", false},
    {"https://user@app.example/cb", "https://app.example/cb", false},
    {"https://app.example@evil.example/cb", "https://app.example/cb", false},
    {"https://user:pass@app.example:443/cb", "https://app.example/cb", false},
    {"https://app.example./cb", "https://app.example/cb", false},
    {"https://evil.example/cb", "https://app.example/cb", false},
    {"https://app.example.evil.example/cb", "https://app.example/cb", false},
    {"https://%61pp.example/cb", "https://app.example/cb", false},
    {"http://127.0.0.1:40998/cb", "http://127.0.0.1:40999/cb", false},
    {"http://127.1:40999/cb", "http://127.0.0.1:40999/cb", false},
    {"http://localhost:40999/cb", "http://127.0.0.1:40999/cb", false},
    {"//app.example/cb", "https://app.example/cb", false},
    {"/cb", "https://app.example/cb", false},
    {"https:/app.example/cb", "https://app.example/cb", false},
    {"https:///cb", "https://app.example/cb", false},
    {"1https://app.example/cb", "https://app.example/cb", false},
    {"javascript:https://app.example/cb", "https://app.example/cb", false},
    {"data:text/html,cb", "https://app.example/cb", false},
    {"", "https://app.example/cb", false},
};

TEST(CallbackTable, OnlyTheRedirectUriAsBrowsersWriteItIsAccepted) {
  for (const Place& row : kPlaces) {
    SCOPED_TRACE(row.url);
    const Seen seen =
        CompleteUrl(std::string(row.url) + "?code=c&state=s", FlowAt(Provider::kSilent, row.redirect_uri));
    EXPECT_EQ(seen.reason, row.accepted ? kAccepted : kMalformed);
    EXPECT_EQ(seen.detail, row.accepted ? "c" : "callback_url");
  }
}

TEST(CallbackTable, SizeDoesNotMatter) {
  const std::string base = "https://app.example/cb?state=s&code=c&x=";
  EXPECT_EQ(CompleteUrl(base + std::string(65'536, 'x'), FlowAt(Provider::kSilent)).detail, "c");
  std::string many = base;
  for (int i = 0; i < 10'000; ++i) many += "&p" + std::to_string(i) + "=%41";
  EXPECT_EQ(CompleteUrl(many, FlowAt(Provider::kSilent)).detail, "c");
  EXPECT_EQ(CompleteUrl(base + std::string(65'536, '&'), FlowAt(Provider::kSilent)).detail, "c");
  EXPECT_EQ(CompleteUrl(base + std::string(65'536, '%'), FlowAt(Provider::kSilent)).reason, kMalformed);
  EXPECT_EQ(CompleteUrl("https://app.example/" + std::string(65'536, '/') + "?state=s&code=c",
                        FlowAt(Provider::kSilent))
                .reason,
            kMalformed);
}

// --- Parameters of a form_post, which come decoded and without a place

struct Posted {
  CallbackParameters parameters;
  std::optional<Reason> reason;
  const char* detail;
};

TEST(CallbackTable, PostedParametersEndAsTheTableSays) {
  const std::pair<std::string, std::string> iss{"iss", "https://as.example"};
  const Posted rows[] = {
      {{{"code", "c"}, {"state", "s"}, iss}, kAccepted, "c"},
      {{{"code", "%41+"}, {"state", "s"}, iss}, kAccepted, "%41+"},  // decoded already
      {{}, kMalformed, "state"},
      {{{"code", "c"}, {"state", ""}, iss}, kMalformed, "state"},
      {{{"code", "c"}, {"state", "s"}, {"state", "s"}, iss}, kMalformed, "state"},
      {{{"code", "c"}, {"code", "c"}, {"state", "s"}, iss}, kMalformed, "code"},
      {{{"state", "s"}, iss}, kMalformed, "code"},
      {{{"code", std::string("c\0", 2)}, {"state", "s"}, iss}, kMalformed, "code"},
      {{{"code", "c"}, {"state", "s"}}, kMismatch, ""},
      {{{"code", "c"}, {"state", "s"}, {"iss", "https%3A%2F%2Fas.example"}}, kMismatch, ""},
      {{{"code", "c"}, {"state", "s"}, {"iss", "https://as.example\n"}}, kMismatch, ""},
      {{{"error", "access_denied"}, {"code", "c"}, {"state", "s"}, iss}, Reason::kAccessDenied, ""},
      {{{"", "1"}, {"", "2"}, {"code", "c"}, {"state", "s"}, iss}, kMalformed, "callback"},
  };
  for (const Posted& row : rows) {
    SCOPED_TRACE(::testing::PrintToString(row.parameters));
    CompleteAuthRequest request;
    request.callback = row.parameters;
    const Seen seen = Complete(std::move(request), FlowAt(Provider::kSendsIss));
    EXPECT_EQ(seen.reason, row.reason);
    EXPECT_EQ(seen.detail, row.detail);
  }
}

}  // namespace
}  // namespace grantkeep
