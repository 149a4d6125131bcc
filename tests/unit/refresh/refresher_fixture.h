// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_REFRESH_REFRESHER_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_REFRESH_REFRESHER_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "refresh/refresh.h"
#include "tests/support/rooms.h"

namespace grantkeep::testing {

inline std::string Yaml(const std::string& rotation) {
  return fmt::format(R"(
providers:
  - id: p
    kind: oauth
    authorization_endpoint: https://as.example/authorize
    token_endpoint: https://as.example/token
    client_authentication: client_secret_post
    rotation: {}
    request_timeout: 20s
    redirect_uris: [https://app.example/cb]
    client:
      client_id: me
      client_secrets: [{{env: CLIENT_SECRET}}]
)",
                     rotation);
}
inline const std::string kStrict = Yaml("strict");
inline const std::string kGrace = Yaml("grace\n    rotation_grace: 60s");
inline const std::string kNone = Yaml("none");

// A Refresher with the real vault and store; time and the provider's answers are the test's own.
class RefresherTest : public ::testing::Test {
 protected:
  void Start(const std::string& yaml) {
    rooms_ = std::make_unique<Rooms>(yaml);
    refresher_ = std::make_unique<Refresher>(*rooms_->grants, *rooms_->store, *rooms_->catalogue,
                                             rooms_->clock, rooms_->random, rooms_->loop.context());
  }

  static RefreshRequest Request(Duration min_ttl = std::chrono::seconds(10)) {
    RefreshRequest request;
    request.tenant = TenantId("t");
    request.subject = SubjectId("u");
    request.grant = GrantId("g");
    request.min_ttl = min_ttl;
    return request;
  }

  absl::StatusOr<AccessToken> Refresh(RefreshRequest request = Request()) {
    return rooms_->loop.Run(refresher_->Refresh(rooms_->NewCall(), std::move(request)));
  }

  // Answers every token request with generation after generation.
  void ProviderGrants(int lifetime = 3600) {
    rooms_->http.OnRequest([this, lifetime](const ScriptedHttp::Seen&) {
      const int n = static_cast<int>(rooms_->http.seen().size());
      return ScriptedHttp::Json(
          200,
          fmt::format(
              R"({{"access_token":"at-new-{0}","token_type":"Bearer","refresh_token":"rt-new-{0}","expires_in":{1}}})",
              n, lifetime));
    });
  }
  void ProviderAnswers(int status, const std::string& body) {
    rooms_->http.OnRequest(
        [status, body](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(status, body); });
  }
  void ProviderLosesTheAnswer() {
    rooms_->http.OnRequest([](const ScriptedHttp::Seen&) {
      HttpOutcome lost;
      lost.error = absl::UnavailableError("connection reset");
      return lost;
    });
  }
  size_t Requests() const { return rooms_->http.seen().size(); }
  // Moves time on in steps, so that whoever sleeps wakes in order, until `done`.
  void AdvanceUntil(const std::function<bool()>& done, Duration step = std::chrono::milliseconds(500)) {
    rooms_->loop.RunUntil([&] {
      if (done()) return true;
      rooms_->clock.Advance(step);
      return false;
    });
  }

  std::unique_ptr<Rooms> rooms_;
  std::unique_ptr<Refresher> refresher_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_REFRESH_REFRESHER_FIXTURE_H_
