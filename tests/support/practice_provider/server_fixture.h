// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_SERVER_FIXTURE_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_SERVER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/practice_provider/authorization_server.h"

namespace grantkeep::practice {

// RFC 7636 appendix B.
inline constexpr char kVerifier[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
inline constexpr char kChallenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
inline constexpr char kIssuer[] = "http://127.0.0.1:1234";
inline constexpr char kRedirectUri[] = "http://127.0.0.1:41000/callback";

inline ProviderOptions TestOptions() {
  ProviderOptions options;
  options.consent = Consent::kAllow;
  options.clients = {
      {"basic", "s&cret", ClientAuth::kBasic, {"http://127.0.0.1/callback"}},
      {"post", "secret", ClientAuth::kPost, {"http://127.0.0.1/callback", "https://app.example/cb"}},
      {"public", "", ClientAuth::kNone, {"http://127.0.0.1/callback"}}};
  return options;
}

inline std::string HeaderOf(const ServerReply& reply, std::string_view name) {
  for (const auto& [header, value] : reply.headers) {
    if (header == name) return value;
  }
  return "";
}

// The server's rules without a socket, at a time of the test's choosing.
class PracticeServerTest : public ::testing::Test {
 protected:
  void Restart(ProviderOptions options) {
    server_ = std::make_unique<AuthorizationServer>(std::move(options));
    server_->set_issuer(kIssuer);
  }
  void SetUp() override { Restart(TestOptions()); }

  ServerReply Get(std::string path, const Form& query, std::string authorization = "") {
    return server_->Handle({"GET", std::move(path), query.Encode(), std::move(authorization), "", ""}, now_);
  }
  ServerReply Post(std::string path, const Form& body, std::string authorization = "") {
    return server_->Handle({"POST", std::move(path), "", std::move(authorization),
                            "application/x-www-form-urlencoded", body.Encode()},
                           now_);
  }
  ServerReply PostControl(std::string body) {
    return server_->Handle({"POST", "/control", "", "", "application/json", std::move(body)}, now_);
  }

  static Form AuthorizationRequest(std::string client_id = "public") {
    Form form;
    form.Add("response_type", "code");
    form.Add("client_id", std::move(client_id));
    form.Add("redirect_uri", kRedirectUri);
    form.Add("state", "xyz");
    form.Add("scope", "read write");
    form.Add("code_challenge", kChallenge);
    form.Add("code_challenge_method", "S256");
    return form;
  }

  // The parameters with which a 303 goes back to the client.
  static Form CallbackOf(const ServerReply& reply) {
    EXPECT_EQ(reply.status, 303);
    const std::string location = HeaderOf(reply, "Location");
    EXPECT_THAT(location, ::testing::StartsWith(std::string(kRedirectUri) + "?"));
    return Form::Parse(location.substr(location.find('?') + 1)).value();
  }

  std::string NewCode(std::string client_id = "public") {
    return CallbackOf(Get("/authorize", AuthorizationRequest(std::move(client_id)))).Get("code").value();
  }

  static Form CodeRequest(std::string code, std::string verifier = kVerifier) {
    Form form;
    form.Add("grant_type", "authorization_code");
    form.Add("client_id", "public");
    form.Add("code", std::move(code));
    form.Add("redirect_uri", kRedirectUri);
    form.Add("code_verifier", std::move(verifier));
    return form;
  }

  ServerReply Refresh(std::string refresh_token) {
    Form form;
    form.Add("grant_type", "refresh_token");
    form.Add("client_id", "public");
    form.Add("refresh_token", std::move(refresh_token));
    return Post("/token", form);
  }

  struct Tokens {
    std::string access;
    std::string refresh;  // empty: none
  };
  static Tokens TokensOf(const ServerReply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    const auto body = boost::json::parse(reply.body).as_object();
    const auto text = [&](const char* name) {
      return body.contains(name) ? std::string(body.at(name).as_string().c_str()) : std::string();
    };
    return {text("access_token"), text("refresh_token")};
  }
  static std::string ErrorOf(const ServerReply& reply) {
    EXPECT_GE(reply.status, 400) << reply.body;
    return boost::json::parse(reply.body).at("error").as_string().c_str();
  }

  Tokens SignIn() { return TokensOf(Post("/token", CodeRequest(NewCode()))); }
  int StatusOfMe(const std::string& access_token) { return Get("/me", {}, "Bearer " + access_token).status; }
  void SetRotation(Rotation rotation, std::chrono::seconds grace = std::chrono::seconds(0)) {
    server_->ledger().set_policy({rotation, grace, std::chrono::seconds(3600)});
  }
  ProviderStats Stats() { return server_->Stats(); }

  std::unique_ptr<AuthorizationServer> server_;
  Tick now_ = Tick(std::chrono::hours(1));
};

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_SERVER_FIXTURE_H_
