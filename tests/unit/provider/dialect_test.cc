// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "tests/unit/provider/dialects.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;
using ::testing::SizeIs;
using Kind = TokenOutcome::Kind;

class DialectTest : public ProviderFixture, public ::testing::WithParamInterface<size_t> {
 protected:
  DialectTest() {
    secrets_["SECRET"] = kDialectClientSecret;
    config::v1::Provider record = Catalogue::BuiltIn().at(std::string(dialect_.catalogue));
    record.mutable_client()->set_client_id(kDialectClientId);
    record.mutable_client()->add_client_secrets()->set_env("SECRET");
    record.add_redirect_uris(kDialectRedirectUri);
    provider_ = Make(std::move(record));
  }

  TokenOutcome Send(TokenRequestKind request) {
    const std::string endpoint = loop_.Run(provider_->Metadata({}, In(seconds(1))))->token_endpoint;
    if (request == TokenRequestKind::kRefresh) {
      return loop_.Run(provider_->Refresh(endpoint, false, Secret(kDialectRefreshToken), kDialectRedirectUri,
                                          {}, In(seconds(60))));
    }
    return loop_.Run(provider_->ExchangeCode(endpoint, false, Secret(kDialectCode), Secret(kDialectVerifier),
                                             kDialectRedirectUri, {}, In(seconds(60))));
  }
  TokenOutcome Answered(TokenRequestKind request, int status, std::string body) {
    http_.OnRequest([&](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(status, body); });
    return Send(request);
  }
  std::string Message(std::string_view what) const {
    return what.empty() ? "" : fmt::format("provider '{}': token endpoint: {}", dialect_.catalogue, what);
  }

  const Dialect& dialect_ = Dialects()[GetParam()];
  std::unique_ptr<Provider> provider_;
};

std::string Shown(const TokenSet& tokens) {
  return fmt::format("{} {} {} {}", tokens.access_token.Expose(),
                     tokens.refresh_token.has_value() ? tokens.refresh_token->Expose() : "-",
                     tokens.expires_in.has_value() ? std::to_string(tokens.expires_in->count()) : "-",
                     tokens.scopes.has_value() ? fmt::format("[{}]", fmt::join(*tokens.scopes, " ")) : "-");
}

// "authed_user.scope" is the member scope of the member authed_user.
std::string Without(std::string_view body, const std::string& path) {
  boost::json::value whole = boost::json::parse({body.data(), body.size()});
  boost::json::object* object = &whole.as_object();
  const size_t dot = path.find('.');
  if (dot != std::string::npos) object = &object->at(path.substr(0, dot)).as_object();
  EXPECT_EQ(object->erase(path.substr(dot == std::string::npos ? 0 : dot + 1)), 1u) << path;
  return boost::json::serialize(whole);
}

// All members, and those of the object that holds the token set.
std::set<std::string> Paths(std::string_view body, const std::string& token_object) {
  std::set<std::string> paths;
  const boost::json::value whole = boost::json::parse({body.data(), body.size()});
  for (const auto& [name, value] : whole.as_object()) {
    paths.insert(std::string(name));
    if (token_object != name || !value.is_object()) continue;
    for (const auto& [inner, ignored] : value.as_object()) {
      paths.insert(fmt::format("{}.{}", token_object, std::string(inner)));
    }
  }
  return paths;
}

TEST(Dialects, AreThoseOfTheCatalogue) {
  std::set<std::string_view> in_table;
  for (const Dialect& dialect : Dialects()) in_table.insert(dialect.catalogue);
  for (const auto& [name, record] : Catalogue::BuiltIn()) {
    EXPECT_EQ(in_table.contains(name), record.kind() == config::v1::PROVIDER_KIND_OAUTH) << name;
  }
}

TEST_P(DialectTest, AuthorizationRequestIsThis) {
  AuthorizationRequest request;
  request.state = "st";
  request.code_challenge = "ch";
  request.redirect_uri = kDialectRedirectUri;
  request.scopes = {"a", "b"};
  const auto metadata = loop_.Run(provider_->Metadata({}, In(seconds(1))));
  EXPECT_EQ(provider_->AuthorizationUrl(*metadata, request), dialect_.authorization_url);
}

TEST_P(DialectTest, TokenRequestsAreTheseOnTheWire) {
  for (const TokenRequestKind request : {TokenRequestKind::kCodeExchange, TokenRequestKind::kRefresh}) {
    const bool refresh = request == TokenRequestKind::kRefresh;
    EXPECT_EQ(Send(request).kind, Kind::kNotSent) << "nobody answers";
    ASSERT_THAT(http_.seen(), SizeIs(refresh ? 2 : 1));
    const ScriptedHttp::Seen& seen = http_.seen().back();
    EXPECT_EQ(seen.method, HttpRequest::Method::kPost);
    EXPECT_EQ(seen.url, dialect_.token_endpoint);
    EXPECT_EQ(seen.headers, dialect_.headers);
    EXPECT_EQ(seen.body, refresh ? dialect_.refresh_body : dialect_.exchange_body);
  }
}

TEST_P(DialectTest, SuccessIsReadFieldByField) {
  for (const SuccessAnswer& answer : dialect_.successes) {
    SCOPED_TRACE(answer.name);
    const TokenOutcome outcome = Answered(answer.request, 200, std::string(answer.body));
    EXPECT_EQ(outcome.kind, Kind::kGranted);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(Shown(outcome.tokens), answer.tokens);
    // Whatever the provider calls it ("bot", "user"): it goes behind this word.
    EXPECT_THAT(outcome.tokens.token_type, ::testing::AnyOf("Bearer", "bearer"));
    EXPECT_EQ(outcome.remark, Message(answer.remark));
  }
}

TEST_P(DialectTest, AnAnswerWithoutOneOfItsFieldsNamesItOrDoesWithoutIt) {
  for (const SuccessAnswer& answer : dialect_.successes) {
    std::set<std::string> paths = Paths(answer.body, provider_->record().token_object());
    for (const std::string& path : answer.needed) {
      SCOPED_TRACE(fmt::format("{} without {}", answer.name, path));
      EXPECT_EQ(paths.erase(path), 1u);
      const TokenOutcome outcome = Answered(answer.request, 200, Without(answer.body, path));
      EXPECT_EQ(MessageOf(outcome.status), Message(path + " is missing"));
      EXPECT_TRUE(HasReason(outcome.status, Reason::kProviderError));
      EXPECT_TRUE(outcome.tokens.access_token.empty());
    }
    for (const std::string& path : answer.optional) {
      SCOPED_TRACE(fmt::format("{} without {}", answer.name, path));
      EXPECT_EQ(paths.erase(path), 1u);
      const TokenOutcome outcome = Answered(answer.request, 200, Without(answer.body, path));
      EXPECT_EQ(outcome.kind, Kind::kGranted);
      EXPECT_TRUE(outcome.status.ok()) << outcome.status;
      const std::string place = answer.needed.size() == 3 ? "authed_user." : "";
      const std::string fields = Shown(outcome.tokens);
      // The field is absent, and the others are what they were.
      TokenOutcome whole = Answered(answer.request, 200, std::string(answer.body));
      if (path == place + "refresh_token") whole.tokens.refresh_token.reset();
      if (path == place + "expires_in") whole.tokens.expires_in.reset();
      if (path == place + "scope") whole.tokens.scopes.reset();
      EXPECT_EQ(fields, Shown(whole.tokens));
    }
    EXPECT_TRUE(paths.empty()) << answer.name << ": neither needed nor optional: " << *paths.begin();
  }
}

TEST_P(DialectTest, FailureIsARefusalOfTheRfc) {
  for (const FailureAnswer& answer : dialect_.failures) {
    for (const TokenRequestKind request : {TokenRequestKind::kCodeExchange, TokenRequestKind::kRefresh}) {
      SCOPED_TRACE(answer.name);
      const TokenOutcome outcome = Answered(request, answer.status, std::string(answer.body));
      EXPECT_EQ(outcome.kind, Kind::kRefused);
      EXPECT_EQ(outcome.error, answer.error);
      EXPECT_EQ(MessageOf(outcome.status), Message(fmt::format("refused: {}", answer.error)));
      EXPECT_EQ(outcome.remark, "");
    }
    for (const std::string& path : Paths(answer.body, "")) {
      SCOPED_TRACE(fmt::format("{} without {}", answer.name, path));
      const TokenOutcome outcome =
          Answered(TokenRequestKind::kCodeExchange, answer.status, Without(answer.body, path));
      EXPECT_EQ(outcome.kind, path == "error" ? Kind::kInDoubt : Kind::kRefused);
      if (path == "error") {
        EXPECT_EQ(MessageOf(outcome.status), Message(answer.without_error));
      } else {
        EXPECT_EQ(outcome.error, answer.error);
      }
    }
  }
}

TEST_P(DialectTest, RevocationIsThis) {
  const std::string endpoint = loop_.Run(provider_->Metadata({}, In(seconds(1))))->revocation_endpoint;
  EXPECT_EQ(endpoint, dialect_.revocation_endpoint);
  const auto revoked = [&](int status, std::string_view body, bool with_refresh_token = true) {
    http_.OnRequest([=](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(status, body); });
    RevocableTokens tokens{Secret(with_refresh_token ? kDialectRefreshToken : ""),
                           Secret(kDialectAccessToken)};
    return loop_.Run(provider_->Revoke(endpoint, false, std::move(tokens), In(seconds(60)))).kind;
  };
  EXPECT_EQ(revoked(200, dialect_.revoked), RevocationOutcome::Kind::kRevoked);
  ASSERT_THAT(http_.seen(), SizeIs(dialect_.revocations.size()));
  for (size_t i = 0; i < dialect_.revocations.size(); ++i) {
    EXPECT_EQ(http_.seen()[i].method, dialect_.revocations[i].method);
    EXPECT_EQ(http_.seen()[i].url, dialect_.revocations[i].url);
    EXPECT_EQ(http_.seen()[i].headers, dialect_.revocations[i].headers);
    EXPECT_EQ(http_.seen()[i].body, dialect_.revocations[i].body);
  }
  if (dialect_.already_status != 0) {
    EXPECT_EQ(revoked(dialect_.already_status, dialect_.already_body, false),
              RevocationOutcome::Kind::kAlready);
  }
  EXPECT_EQ(revoked(503, ""), RevocationOutcome::Kind::kTryLater);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, DialectTest, ::testing::Range(size_t{0}, Dialects().size()),
                         [](const ::testing::TestParamInfo<size_t>& dialect) {
                           std::string name(Dialects()[dialect.param].catalogue);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace grantkeep::testing
