// SPDX-License-Identifier: Apache-2.0
// The challenges of a resource that refuses a token: text of whoever answered.
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provider/www_authenticate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  const auto challenges = grantkeep::ParseChallenges(header);
  if (!challenges.ok()) return 0;
  if (size > grantkeep::kMaxChallengeHeader || challenges->size() > grantkeep::kMaxChallenges) abort();
  for (const grantkeep::Challenge& challenge : *challenges) {
    if (challenge.scheme.empty()) abort();
    if (!challenge.token68.empty() && !challenge.parameters.empty()) abort();
    if (challenge.parameters.size() > grantkeep::kMaxChallengeParameters) abort();
    for (const auto& [name, value] : challenge.parameters) {
      for (const unsigned char c : name) {
        if (std::isupper(c) != 0 || c <= ' ' || c >= 0x7F) abort();
      }
      // Nothing that would start another line somewhere.
      if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) abort();
    }
  }
  const grantkeep::Challenge* const chosen = grantkeep::FindOAuthChallenge(*challenges);
  if (chosen != nullptr && chosen->scheme != "bearer" && !chosen->resource_metadata().has_value()) abort();
  return 0;
}
