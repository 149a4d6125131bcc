// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>

#include <string>
#include <thread>

#include "tests/support/practice_provider/control.h"
#include "tests/support/practice_provider/provider.h"
#include "tests/support/practice_provider/server_fixture.h"

namespace grantkeep::practice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class ControlTest : public PracticeServerTest {};

// --- Statistics and switches

TEST_F(ControlTest, StatisticsTellGrantsAndGenerations) {
  const Tokens first = SignIn();
  const Tokens second = TokensOf(Refresh(first.refresh));
  Refresh(second.refresh);
  Refresh(second.refresh);
  const ProviderStats stats = Stats();
  EXPECT_EQ(stats.token_requests, 4u);
  EXPECT_EQ(stats.code_requests, 1u);
  EXPECT_EQ(stats.refresh_requests, 3u);
  EXPECT_EQ(stats.tokens_granted, 3u);
  ASSERT_EQ(stats.families.size(), 1u);
  EXPECT_THAT(stats.families[0].presented, ElementsAre(std::pair(1u, 1u), std::pair(2u, 2u)));
  ASSERT_EQ(stats.log.size(), 4u);
  EXPECT_EQ(stats.log[3].error, "invalid_grant");
  EXPECT_EQ(stats.log[3].generation, 2u);
}

TEST_F(ControlTest, StatisticsPageHoldsNoSecrets) {
  SignIn();
  const ServerReply page = Get("/stats", {});
  EXPECT_EQ(boost::json::parse(page.body).at("code_requests").as_int64(), 1);
  EXPECT_FALSE(server_->secrets_seen().empty());
  for (const std::string& secret : server_->secrets_seen()) EXPECT_THAT(page.body, Not(HasSubstr(secret)));
}

TEST_F(ControlTest, SecretsSeenHoldsBothDirections) {
  const std::string code = NewCode();
  const Tokens tokens = TokensOf(Post("/token", CodeRequest(code)));
  const auto& seen = server_->secrets_seen();
  EXPECT_THAT(std::vector<std::string>(seen.begin(), seen.end()),
              ::testing::IsSupersetOf({code, std::string(kVerifier), tokens.access, tokens.refresh}));
}

TEST_F(ControlTest, ControlChangesWhatTheProviderDoes) {
  const Tokens tokens = SignIn();
  EXPECT_EQ(PostControl(R"({"rotation":"grace:30","access_token_lifetime":5,"latency_ms":12,"consent":"deny",
                            "iss":"absent","expire_access_tokens":true,"fault":{"kind":"server_error"}})")
                .status,
            200);
  EXPECT_EQ(StatusOfMe(tokens.access), 401);
  EXPECT_EQ(Refresh(tokens.refresh).status, 500);
  const ServerReply refreshed = Refresh(tokens.refresh);
  EXPECT_THAT(refreshed.body, HasSubstr("\"expires_in\":5"));
  EXPECT_EQ(refreshed.delay, 12ms);
  EXPECT_EQ(server_->ledger().policy().rotation, Rotation::kGrace);
  EXPECT_EQ(server_->ledger().policy().grace, 30s);
  EXPECT_EQ(CallbackOf(Get("/authorize", AuthorizationRequest())).Get("error"), "access_denied");
  EXPECT_EQ(PostControl("{\"kill_family_of\":\"" + tokens.refresh + "\"}").status, 200);
  EXPECT_EQ(Stats().live_families, 0u);
}

TEST_F(ControlTest, ControlNamesWhatItDoesNotUnderstand) {
  EXPECT_THAT(PostControl(R"({"latency":1})").body, HasSubstr("latency"));
  EXPECT_THAT(PostControl(R"({"latency_ms":-1})").body, HasSubstr("latency_ms"));
  EXPECT_THAT(PostControl(R"({"rotation":"grace"})").body, HasSubstr("grace:SECONDS"));
  EXPECT_THAT(PostControl(R"({"fault":{"kind":"fire"}})").body, HasSubstr("fault.kind"));
  EXPECT_THAT(PostControl(R"({"fault":{"count":2}})").body, HasSubstr("fault.kind"));
  EXPECT_EQ(PostControl("[]").status, 400);
  EXPECT_EQ(server_->Handle({"POST", "/control", "", "", "text/plain", "{}"}, now_).status, 400);
}

TEST(ParseRotation, AcceptsExactlyTheDocumentedForms) {
  EXPECT_EQ(ParseRotation("grace:90")->grace, 90s);
  EXPECT_EQ(ParseRotation("keeps_old")->rotation, Rotation::kKeepsOld);
  for (const char* wrong : {"", "grace", "grace:", "grace:x", "grace:-1", "strict:", "strict:5", "Strict"}) {
    EXPECT_FALSE(ParseRotation(wrong).ok()) << wrong;
  }
}

// --- Over a real socket

struct Answer {
  CURLcode result;
  long status;
  std::string body;
};

Answer Fetch(const std::string& url, const std::string& form = "") {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  Answer answer{};
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, 2000L);
  if (!form.empty()) curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, form.c_str());
  using Sink = size_t (*)(char*, size_t, size_t, void*);
  const Sink sink = [](char* data, size_t, size_t size, void* body) {
    static_cast<std::string*>(body)->append(data, size);
    return size;
  };
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, sink);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  answer.result = curl_easy_perform(curl.get());
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

TEST(PracticeProviderSocket, MetadataNamesThePortItListensOn) {
  const auto provider = PracticeProvider::Start(TestOptions());
  ASSERT_TRUE(provider.ok());
  const Answer answer = Fetch((*provider)->issuer() + "/.well-known/oauth-authorization-server");
  EXPECT_EQ(answer.status, 200);
  const auto metadata = boost::json::parse(answer.body);
  EXPECT_EQ(std::string(metadata.at("issuer").as_string()), (*provider)->issuer());
  EXPECT_EQ(std::string(metadata.at("token_endpoint").as_string()), (*provider)->token_endpoint());
}

TEST(PracticeProviderSocket, FaultsShowOnTheWire) {
  const auto provider = PracticeProvider::Start(TestOptions());
  ASSERT_TRUE(provider.ok());
  const std::string form = "grant_type=refresh_token&client_id=public&refresh_token=none";
  const auto with = [&](Fault::Kind kind) {
    (*provider)->InjectFault({.kind = kind});
    return Fetch((*provider)->token_endpoint(), form);
  };
  EXPECT_EQ(with(Fault::Kind::kReset).result, CURLE_RECV_ERROR);
  EXPECT_EQ(with(Fault::Kind::kTruncated).result, CURLE_PARTIAL_FILE);
  EXPECT_EQ(with(Fault::Kind::kServerError).status, 500);
  EXPECT_EQ(Fetch((*provider)->token_endpoint(), form).status, 400);
  EXPECT_EQ((*provider)->Stats().token_requests, 4u);
}

TEST(PracticeProviderSocket, ProviderStopsWhileARequestHangs) {
  auto provider = PracticeProvider::Start(TestOptions());
  ASSERT_TRUE(provider.ok());
  (*provider)->InjectFault({.kind = Fault::Kind::kHang});
  std::thread client([url = (*provider)->token_endpoint()] {
    EXPECT_NE(Fetch(url, "grant_type=refresh_token").result, CURLE_OK);
  });
  while ((*provider)->Stats().token_requests == 0) std::this_thread::yield();
  provider->reset();
  client.join();
}

TEST(PracticeProviderSocket, NobodyListensOnceItHasStopped) {
  auto provider = PracticeProvider::Start(TestOptions());
  ASSERT_TRUE(provider.ok());
  const std::string url = (*provider)->resource_endpoint();
  EXPECT_EQ(Fetch(url).status, 401);
  provider->reset();
  EXPECT_EQ(Fetch(url).result, CURLE_COULDNT_CONNECT);
}

TEST(PracticeProviderSocket, TakenPortIsAnError) {
  const auto first = PracticeProvider::Start(TestOptions());
  ASSERT_TRUE(first.ok());
  ProviderOptions options = TestOptions();
  options.port = (*first)->port();
  EXPECT_EQ(PracticeProvider::Start(options).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace grantkeep::practice
