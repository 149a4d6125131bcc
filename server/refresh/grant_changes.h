// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_GRANT_CHANGES_H_
#define GRANTKEEP_REFRESH_GRANT_CHANGES_H_

#include <string>

#include "base/clock.h"
#include "grantkeep/config/v1/provider.pb.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "provider/provider.h"

namespace grantkeep {

// What a refresh does to the grant's record. Pure functions; times are store time.

// Using a replaced refresh token again does no harm.
bool RepeatIsHarmless(const config::v1::Provider& provider);
// A refresh token is never presented again while the outcome of its last presentation is not known, whatever
// the rotation would allow.
bool NeverRepeats(const config::v1::Provider& provider);

// Whether a refresh token may be presented, given that an earlier presentation of the same token
// may have reached the provider (the record carries its intent).
enum class Presentation {
  kAllowed,        // first presentation, or the rotation makes a repeat harmless
  kLast,           // once more, and never again: if the first arrived, the family is lost anyway
  kNotWhileValid,  // not as long as the access token can still be served
  kNever,          // the last attempt is spent, or there is none at this provider
};
// `forced`: the API refuses the access token, so it no longer counts as valid.
Presentation MayPresent(const storage::v1::Grant& grant, const config::v1::Provider& provider,
                        Duration call_limit, bool forced, Time now);

// Writes the intent to present the refresh token, before it is sent.
void RecordIntent(storage::v1::Grant& grant, const std::string& owner, Duration call_limit, bool last_attempt,
                  bool forced, Time now);

// Writes what a provider granted: the tokens, what they may do and how long, the next generation;
// also of a grant that is new. Requires a usable access token. What the answer leaves out stays: the
// refresh token (RFC 6749 section 6), the scopes (section 5.1).
void WriteTokens(storage::v1::Grant& grant, const TokenOutcome& outcome,
                 const config::v1::Provider& provider);

// GRANTED: installs generation g+1: refresh token, access token and expiry together. A token set
// without a usable access token keeps the old one, and its new refresh token is not lost.
void InstallTokens(storage::v1::Grant& grant, const TokenOutcome& outcome,
                   const config::v1::Provider& provider, Time now);

// Any other outcome. `before` is the record as it was before the intent: NOT_SENT and REFUSED put
// its intent back, because this presentation consumed nothing. Returns the state entered.
storage::v1::Grant::State RecordFailure(storage::v1::Grant& grant, const storage::v1::Grant& before,
                                        const TokenOutcome& outcome, const config::v1::Provider& provider,
                                        double jitter, Time now);

// Marks the grant; tokens are kept.
void EnterState(storage::v1::Grant& grant, storage::v1::Grant::State state, const std::string& reason,
                Time now);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_GRANT_CHANGES_H_
