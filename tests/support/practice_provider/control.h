// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_CONTROL_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_CONTROL_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "tests/support/practice_provider/provider.h"
#include "tests/support/practice_provider/token_ledger.h"

namespace grantkeep::practice {

// POST /control takes a JSON object; its members are carried out in order:
//   consent                "page", "allow", "deny"
//   iss                    "correct", "wrong", "absent"
//   latency_ms             before each answer of the token endpoint
//   rotation               "none", "keeps_old", "strict", "grace:SECONDS"
//   access_token_lifetime  seconds
//   fault                  {"kind", "count", "after_processing", "retry_after", "error"}: see fault.h
//   revocation_fault       the same, of the revocation endpoint
//   clear_faults, expire_access_tokens, kill_families   true
//   kill_family_of         an access or refresh token
// GET /stats answers ProviderStats as JSON.

// "page", "allow" or "deny".
std::optional<Consent> ParseConsent(std::string_view text);
// "none", "keeps_old", "strict" or "grace:SECONDS", as a policy with the default lifetime.
absl::StatusOr<TokenPolicy> ParseRotation(std::string_view text);

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_CONTROL_H_
