// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_NET_HTTP_CLIENT_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_NET_HTTP_CLIENT_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "net/http_client.h"
#include "tests/support/http_fixture.h"
#include "tests/support/test_ca.h"
#include "tests/support/test_loop.h"

namespace grantkeep::testing {

// A client and real servers on one loop, which runs while the test says so.
class HttpClientTest : public ::testing::Test {
 protected:
  static constexpr auto kLong = std::chrono::seconds(15);
  // For what is supposed to end at its deadline.
  static constexpr auto kShort = std::chrono::milliseconds(60);

  // Trusts `ca_`, and may connect to loopback.
  HttpClientOptions Development() const {
    HttpClientOptions options;
    options.ca_file = ca_.file();
    options.allow_plaintext_loopback = true;
    return options;
  }

  std::unique_ptr<HttpClient> NewClient(HttpClientOptions options) {
    absl::StatusOr<std::unique_ptr<HttpClient>> client =
        CreateHttpClient(loop_.context(), std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  std::unique_ptr<HttpClient> NewClient() { return NewClient(Development()); }

  std::unique_ptr<HttpFixture> NewServer(bool http2 = false) {
    HttpFixture::Options options;
    options.ca = &ca_;
    options.http2 = http2;
    return std::make_unique<HttpFixture>(loop_.context(), options);
  }

  static HttpRequest Get(std::string url, Duration limit = kLong) {
    HttpRequest request;
    request.url = std::move(url);
    request.deadline = std::chrono::steady_clock::now() + limit;
    return request;
  }
  static HttpRequest Post(std::string url, std::string_view body, Duration limit = kLong) {
    HttpRequest request = Get(std::move(url), limit);
    request.method = HttpRequest::Method::kPost;
    request.headers.push_back({"Content-Type", Secret("text/plain")});
    request.body = Secret(body);
    return request;
  }

  HttpOutcome Run(HttpClient& client, HttpRequest request) {
    return loop_.Run(client.Send(std::move(request)));
  }

  TestCa ca_;
  TestLoop loop_;
};

inline std::string Message(const HttpOutcome& outcome) { return std::string(outcome.error.message()); }

// An answer arrived, with this status.
MATCHER_P(Answered, status, "") {
  if (!arg.response) *result_listener << "failed: " << Message(arg);
  return arg.response.has_value() && arg.response->status == status && arg.error.ok();
}
// No answer; certain that the server has seen nothing.
MATCHER_P(NotSent, text, "") {
  *result_listener << Message(arg);
  return !arg.response && !arg.error.ok() && arg.not_sent && Message(arg).find(text) != std::string::npos;
}
// No answer; the server may have acted.
MATCHER_P(InDoubt, text, "") {
  *result_listener << Message(arg);
  return !arg.response && !arg.error.ok() && !arg.not_sent && Message(arg).find(text) != std::string::npos;
}

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_NET_HTTP_CLIENT_FIXTURE_H_
