// SPDX-License-Identifier: Apache-2.0
// What spends a flow and what does not: a callback that proves nothing about who sent it must not
// cost the user a sign-in, and one that has been looked at must not be tried twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "flow/flow.h"
#include "tests/support/rooms.h"

namespace grantkeep {
namespace {

using testing::Rooms;
using testing::ScriptedHttp;

constexpr char kYaml[] = R"(
providers:
  - id: p
    issuer: https://as.example
    authorization_endpoint: https://as.example/authorize
    token_endpoint: https://as.example/token
    iss_parameter_supported: true
    redirect_uris: [https://app.example/cb]
    client_authentication: none
    client: {client_id: me}
)";

constexpr char kBinding[] = "0123456789abcdef";

// A callback that fails: STATE in it stands for the flow's state.
struct Attempt {
  const char* callback;
  Reason reason;
  bool burns;
  const char* tenant = "t";
  const char* caller = "caller";
  const char* binding = kBinding;
};

void PrintTo(const Attempt& row, std::ostream* out) { *out << row.callback; }

#define ISS "&iss=https://as.example"

const Attempt kAttempts[] = {
    // Whose flow it is cannot be told, or it is not the sender's: it stays.
    {"", Reason::kCallbackMalformed, false},
    {"https://app.example/cb", Reason::kCallbackMalformed, false},
    {"https://app.example/cb?code=c" ISS, Reason::kCallbackMalformed, false},
    {"https://app.example/cb?state=STATE&state=STATE&code=c" ISS, Reason::kCallbackMalformed, false},
    {"https://app.example/cb?state=STATE&code=%" ISS, Reason::kCallbackMalformed, false},
    {"code=c&state=STATE" ISS, Reason::kCallbackMalformed, false},
    {"https://app.example/cb?code=c&state=STATEx" ISS, Reason::kFlowNotFound, false},
    {"https://app.example/cb?code=c&state=x" ISS, Reason::kFlowNotFound, false},
    {"https://app.example/cb?code=c&state=STATE" ISS, Reason::kFlowNotFound, false, "T"},
    {"https://app.example/cb?code=c&state=STATE" ISS, Reason::kFlowNotFound, false, "t", "another"},
    {"https://app.example/cb?code=c&state=STATE" ISS, Reason::kFlowNotFound, false, "t", "caller",
     "0123456789abcdeF"},
    // The rightful sender brought what cannot be completed: it is spent.
    {"https://app.example/cb?code=c&code=c&state=STATE" ISS, Reason::kCallbackMalformed, true},
    {"https://app.example/cb?state=STATE" ISS, Reason::kCallbackMalformed, true},
    {"https://app.example/cb?code=%0a&state=STATE" ISS, Reason::kCallbackMalformed, true},
    {"https://evil.example/cb?code=c&state=STATE" ISS, Reason::kCallbackMalformed, true},
    {"https://app.example/cb?code=c&state=STATE", Reason::kIssuerMismatch, true},
    {"https://app.example/cb?code=c&state=STATE&iss=https://evil.example", Reason::kIssuerMismatch, true},
    {"https://app.example/cb?error=access_denied&state=STATE", Reason::kIssuerMismatch, true},
    {"https://app.example/cb?error=access_denied&state=STATE" ISS, Reason::kAccessDenied, true},
    {"https://app.example/cb?error=server_error&state=STATE" ISS, Reason::kProviderError, true},
};

class Burning : public ::testing::TestWithParam<Attempt> {
 protected:
  StartedFlow Start() {
    StartAuthRequest request;
    request.tenant = TenantId("t");
    request.provider = ProviderId("p");
    request.subject = SubjectId("u");
    request.redirect_uri = "https://app.example/cb";
    request.session_binding = Secret(kBinding);
    return rooms_.loop.Run(flow_.Start(rooms_.NewCall(), std::move(request))).value();
  }
  absl::Status Complete(const StartedFlow& started, const Attempt& attempt) {
    std::string url = attempt.callback;
    for (size_t at = url.find("STATE"); at != std::string::npos; at = url.find("STATE")) {
      url.replace(at, 5, started.state);
    }
    CompleteAuthRequest request;
    request.tenant = TenantId(attempt.tenant);
    request.callback = std::move(url);
    request.session_binding = Secret(attempt.binding);
    Call call = rooms_.NewCall();
    call.caller.identity = attempt.caller;
    return rooms_.loop.Run(flow_.Complete(std::move(call), std::move(request))).status();
  }

  Rooms rooms_{kYaml};
  AuthFlow flow_{*rooms_.flows, *rooms_.grants, *rooms_.store,           *rooms_.catalogue,
                 rooms_.clock,  rooms_.random,  std::chrono::minutes(10)};
};

TEST_P(Burning, IsAsTheTableSays) {
  rooms_.http.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(200, R"({"access_token":"at","token_type":"Bearer","expires_in":3600})");
  });
  const StartedFlow started = Start();
  EXPECT_EQ(ReasonOf(Complete(started, GetParam())), GetParam().reason);
  EXPECT_TRUE(rooms_.http.seen().empty()) << "the code went nowhere";
  const absl::Status rightful =
      Complete(started, {"https://app.example/cb?code=c&state=STATE" ISS, Reason::kFlowNotFound, false});
  if (GetParam().burns) {
    EXPECT_TRUE(HasReason(rightful, Reason::kFlowNotFound)) << rightful;
    EXPECT_TRUE(rooms_.http.seen().empty());
  } else {
    EXPECT_TRUE(rightful.ok()) << rightful;
  }
}

INSTANTIATE_TEST_SUITE_P(Callbacks, Burning, ::testing::ValuesIn(kAttempts),
                         [](const auto& info) { return "Row" + std::to_string(info.index); });

}  // namespace
}  // namespace grantkeep
