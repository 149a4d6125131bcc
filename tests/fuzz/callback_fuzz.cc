// SPDX-License-Identifier: Apache-2.0
// The callback URL comes from a browser: anything at all may stand in it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "flow/callback.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  grantkeep::CompleteAuthRequest request;
  request.callback = std::string(reinterpret_cast<const char*>(data), size);
  const auto callback = grantkeep::ParseCallback(request);
  if (!callback.ok()) return 0;
  const auto state = grantkeep::StateOf(*callback);
  if (state.ok() && state->empty()) abort();

  grantkeep::storage::v1::Flow flow;
  flow.set_provider("p");
  flow.set_issuer("https://as.example");
  flow.set_iss_advertised(true);
  flow.set_redirect_uri("https://app.example/cb");
  const auto code = grantkeep::CheckCallback(*callback, flow);
  // A code passes only beside the flow's own issuer, at the flow's own redirect URI.
  if (code.ok() && (code->empty() || callback->Find("iss") != "https://as.example" ||
                    callback->base_url != "https://app.example/cb" || callback->Find("error").has_value())) {
    abort();
  }
  return 0;
}
