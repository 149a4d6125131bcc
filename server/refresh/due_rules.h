// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_DUE_RULES_H_
#define GRANTKEEP_REFRESH_DUE_RULES_H_

#include "base/clock.h"
#include "grantkeep/config/v1/provider.pb.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "refresh/refresh.h"

namespace grantkeep {

// A grant whose provider, or its server, is not configured (any more) is looked at again after this.
inline constexpr Duration kUnknownProviderPause = std::chrono::hours(1);

// What is to be done with a grant whose entry in the due-index was claimed.
struct DueStep {
  enum class Kind {
    kRenew,       // the refresh transaction, whose rules decide what is presented
    kRevoke,      // a tombstone: its outbox
    kForget,      // its refresh token, which is of no use any more
    kReschedule,  // nothing before `due`
    kLeave,       // nothing; somebody who is at it has set the entry, or will
  };
  Kind kind = Kind::kLeave;
  Time due = Time::max();  // kReschedule; Time::max(): no entry
};

// Pure; times are store time. `provider` is null when the grant's server is not configured. `jitter` from 0
// to 1. An ACTIVE grant is renewed ahead while it is in use (RefreshOptions::active_window), and otherwise
// before its provider lets it die of inactivity.
DueStep NextDueStep(const storage::v1::Grant& grant, const config::v1::Provider* provider,
                    const RefreshOptions& options, double jitter, Time now);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_DUE_RULES_H_
