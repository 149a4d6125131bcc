// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_RECOVERED_TOKENS_H_
#define GRANTKEEP_REFRESH_RECOVERED_TOKENS_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "store/store.h"
#include "telemetry/redact.h"

namespace grantkeep {

// What is in a recovery file, and what becomes of it. Pure functions.
//
// A file is "grantkeep-recovery-1\n", then tenant, grant id, the generation that was presented, and the rest
// as vault/fields.h encodes them. The rest is sealed like a record of the kind kRecoveryFile whose id is the
// grant's and whose revision is that generation: put in the place of another file it does not open. Inside is
// a storage.v1.Grant with nothing but the token set that the answer makes.

// Of no record in a store: part of what a recovery file is sealed with.
inline constexpr Kind kRecoveryFile{0x40};

struct RecoveryFileParts {
  TenantId tenant;
  GrantId grant;
  Generation presented;
  std::string sealed;
};
std::string EncodeRecoveryFile(const RecoveryFileParts& parts);
// Nothing for anything else than that writes.
std::optional<RecoveryFileParts> ParseRecoveryFile(std::string_view content);
// A digest of what it is about: tells no more than that there is one.
std::string RecoveryFileName(const TenantId& tenant, const GrantId& grant, Generation presented);
Key RecoveryKey(const TenantId& tenant, const GrantId& grant);

// The token set of a grant in which new tokens were installed, and who has the lease. `epoch`: the store's.
Wiped<storage::v1::Grant> TokensOf(const storage::v1::Grant& installed, const std::string& lease_owner,
                                   uint64_t epoch);

enum class TokensFate {
  kInstall,    // the stored generation is the one that was presented, or an older one that a loss has left
  kDrop,       // there is a newer one; this one is never revoked, which would kill the family
  kToOutbox,   // the grant is revoked, and so must these be
  kNoGrant,    // there is nothing to put them in
  kOriginals,  // the store was cloned since: they belong to those who use the original
};
// The rule of step 7. `stored`: null when there is no such grant.
TokensFate JudgeTokens(const storage::v1::Grant* stored, const storage::v1::Grant& tokens,
                       const StoreIdentity& store);
// Whatever its state: a late success overrides IN_DOUBT and NEEDS_REAUTH.
void InstallTokenSet(storage::v1::Grant& stored, const storage::v1::Grant& tokens, Time now);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_RECOVERED_TOKENS_H_
