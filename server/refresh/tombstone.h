// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_TOMBSTONE_H_
#define GRANTKEEP_REFRESH_TOMBSTONE_H_

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "provider/provider.h"

namespace grantkeep {

// What a revocation makes of a grant's record, and what becomes of the tokens that its outbox holds until
// the provider has revoked them, too. Pure functions; times are store time.
//
// Nothing follows a tombstone: whoever meets one hands new tokens to its outbox and writes nothing else.
// The outbox of a tombstone is absent when the provider has confirmed; it is there without tokens when
// nobody asks any more and the provider never confirmed.

inline constexpr char kRevokedReason[] = "REVOKE_GRANT";
// The newest token sets that an outbox holds; an older one of the family would revoke no more than they do.
inline constexpr int kMaxOutbox = 8;
// Failed tries after which the tokens are wiped.
inline constexpr uint32_t kMaxOutboxTries = 64;

// The grant is gone for callers. What is left is what it was, where its tokens can be revoked, and the
// tokens, in the outbox, whose next try is at `next_try`. A refresh that is under way may bring others until
// the intent's end, which is kept.
// The tokens of a grant that came with a clone of the store are another's, and are forgotten.
void MakeTombstone(storage::v1::Grant& grant, Time next_try, Time now);

// Tokens that were granted meanwhile (a flight, a recovery file, a sign-in). They are due at once, and no
// other refresh is under way any more. False when there is nothing new among them: nothing has changed.
bool AddToOutbox(storage::v1::Grant& tombstone, std::string_view refresh_token, std::string_view access_token,
                 Time now);
bool AddToOutbox(storage::v1::Grant& tombstone, const TokenSet& tokens, Time now);

// There are tokens that are to be revoked.
bool OwesRevocation(const storage::v1::Grant& tombstone);
// The provider has confirmed all of them.
bool IsRevokedAtProvider(const storage::v1::Grant& tombstone);

// The tokens are wiped; the provider never confirmed.
void GiveUpOutbox(storage::v1::Grant& tombstone);

enum class OutboxState { kConfirmed, kTryLater, kGivenUp };
// What the provider made of `asked`, one outcome for each of its token sets. Sets that arrived meanwhile stay
// and are due at once. Until a refresh that was under way has ended, a set stays, too: what it
// revoked may have been replaced. Otherwise what is to be tried again waits from 1 s to 1 h, doubling with
// every try, or as long as the provider says; after kMaxOutboxTries it is given up.
OutboxState SettleOutbox(storage::v1::Grant& tombstone, const storage::v1::Outbox& asked,
                         const std::vector<RevocationOutcome>& outcomes, double jitter, Time now);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_TOMBSTONE_H_
