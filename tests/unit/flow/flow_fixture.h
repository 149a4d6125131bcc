// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_FLOW_FLOW_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_FLOW_FLOW_FIXTURE_H_

#include <gtest/gtest.h>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "flow/flow.h"
#include "tests/support/rooms.h"

namespace grantkeep::testing {

inline constexpr char kFlowProviders[] = R"(
providers:
  - id: p
    kind: oauth
    issuer: https://as.example
    authorization_endpoint: https://as.example/authorize?keep=me
    token_endpoint: https://as.example/token
    revocation_endpoint: https://as.example/revoke
    iss_parameter_supported: true
    client_authentication: client_secret_post
    rotation: strict
    default_scopes: [basic]
    authorization_parameters: {access_type: offline}
    optional_authorization_parameters: [hd]
    redirect_uris: [https://app.example/cb]
    client:
      client_id: me
      client_secrets: [{env: CLIENT_SECRET}]
  - id: bot
    kind: static
    static_credential: {header_name: Authorization, value_prefix: "Bot "}
  - id: found
    kind: oauth
    issuer: https://found.example
    redirect_uris: [https://app.example/found, https://app.example/cb]
    client: {client_id: me}
    client_authentication: none
)";

// Flows with the real vault and store; time and the provider's answers are the test's own.
class FlowTest : public ::testing::Test {
 protected:
  FlowTest()
      : rooms_(kFlowProviders),
        flow_(*rooms_.flows, *rooms_.grants, *rooms_.store, *rooms_.catalogue, rooms_.clock, rooms_.random,
              std::chrono::minutes(10)) {}

  static StartAuthRequest StartRequest() {
    StartAuthRequest request;
    request.tenant = TenantId("t");
    request.provider = ProviderId("p");
    request.subject = SubjectId("u");
    request.redirect_uri = "https://app.example/cb";
    request.session_binding = Secret("0123456789abcdef");
    return request;
  }
  absl::StatusOr<StartedFlow> Start(StartAuthRequest request = StartRequest()) {
    return rooms_.loop.Run(flow_.Start(rooms_.NewCall(), std::move(request)));
  }
  absl::StatusOr<StoredGrant> Complete(std::string url, const std::string& binding = "0123456789abcdef",
                                       std::string caller = "caller") {
    CompleteAuthRequest request;
    request.tenant = TenantId("t");
    request.callback = std::move(url);
    request.session_binding = Secret(binding);
    Call call = rooms_.NewCall();
    call.caller.identity = std::move(caller);
    return rooms_.loop.Run(flow_.Complete(std::move(call), std::move(request)));
  }
  static std::string CallbackOf(const StartedFlow& started, const std::string& more = "&code=the-code") {
    return "https://app.example/cb?iss=https://as.example&state=" + started.state + more;
  }
  void ProviderGrants(const std::string& scope = "") {
    rooms_.http.OnRequest([scope](const ScriptedHttp::Seen&) {
      return ScriptedHttp::Json(
          200, R"({"access_token":"at","token_type":"Bearer","refresh_token":"rt","expires_in":3600)" +
                   (scope.empty() ? "}" : R"(,"scope":")" + scope + "\"}"));
    });
  }
  static std::map<std::string, std::vector<std::string>> QueryOf(const std::string& url) {
    std::map<std::string, std::vector<std::string>> query;
    for (const auto& param : boost::urls::parse_uri(url)->params()) query[param.key].push_back(param.value);
    return query;
  }
  size_t Requests() const { return rooms_.http.seen().size(); }

  Rooms rooms_;
  AuthFlow flow_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_FLOW_FLOW_FIXTURE_H_
