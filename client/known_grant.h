// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_KNOWN_GRANT_H_
#define GRANTKEEP_CLIENT_KNOWN_GRANT_H_

#include <chrono>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "grantkeep/token_source.h"
#include "grantkeep/v1/auth.pb.h"

namespace grantkeep::client {

using Micros = std::chrono::microseconds;

// Microseconds of the Unix epoch, as tokens expire by.
int64_t WallMicros();

// What is known of a grant: one reading of it. Immutable.
struct KnownGrant {
  std::shared_ptr<const Token> token;  // null: none that was valid
  // Until then the token is handed out without asking anybody (wall clock).
  int64_t serve_until_us = 0;
  absl::Status refusal;  // not OK: there is no use in asking
};

// The token has not expired.
bool IsValid(const Token& token);

// What a stream has told; takes the token out of `news`.
KnownGrant KnownFrom(v1::WatchGrantsResponse& news, Micros min_ttl);
// What Refresh has answered; takes the token out of `answer`. A token that falls short of `min_ttl` is the
// best there is: it is handed out for a moment before anybody asks again.
KnownGrant KnownFrom(v1::RefreshResponse& answer, Micros min_ttl);

}  // namespace grantkeep::client

#endif  // GRANTKEEP_CLIENT_KNOWN_GRANT_H_
