// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_SCRIPTED_HTTP_H_
#define GRANTKEEP_TESTS_SUPPORT_SCRIPTED_HTTP_H_

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "net/event.h"
#include "net/http_client.h"

namespace grantkeep::testing {

// An HttpClient that answers from a script and remembers what it was asked.
class ScriptedHttp final : public HttpClient {
 public:
  struct Seen {
    HttpRequest::Method method;
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool untrusted_url;
  };

  explicit ScriptedHttp(Clock& clock) : clock_(clock) {}

  // The next request without a scripted answer is answered by `responder`.
  void OnRequest(std::function<HttpOutcome(const Seen&)> responder) { responder_ = std::move(responder); }
  // Requests wait until Release(), or until their deadline (then: in doubt).
  void Hold() {
    gate_ = Event();
    held_ = true;
  }
  void Release() {
    held_ = false;
    gate_.Set();
  }

  boost::asio::awaitable<HttpOutcome> Send(HttpRequest request) override {
    Seen seen{request.method, request.url, {}, std::string(request.body.Expose()), request.untrusted_url};
    for (const HttpHeader& header : request.headers) {
      seen.headers.emplace_back(header.name, std::string(header.value.Expose()));
    }
    seen_.push_back(seen);
    if (held_) {
      Event gate = gate_;
      const bool released = co_await gate.Wait(clock_, request.deadline);
      if (!released) {
        HttpOutcome timeout;
        timeout.error = absl::DeadlineExceededError("scripted timeout");
        co_return timeout;
      }
    }
    if (!responder_) {
      HttpOutcome refused;
      refused.error = absl::UnavailableError("scripted: no server");
      refused.not_sent = true;
      co_return refused;
    }
    co_return responder_(seen);
  }

  const std::vector<Seen>& seen() const { return seen_; }

  static HttpOutcome Json(int status, std::string_view body) {
    HttpResponse response;
    response.status = status;
    response.headers.emplace_back("content-type", "application/json");
    response.body = Secret(body);
    HttpOutcome outcome;
    outcome.response = std::move(response);
    return outcome;
  }

 private:
  Clock& clock_;
  std::function<HttpOutcome(const Seen&)> responder_;
  std::vector<Seen> seen_;
  Event gate_;
  bool held_ = false;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_SCRIPTED_HTTP_H_
