// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_REFRESH_STEP_H_
#define GRANTKEEP_REFRESH_REFRESH_STEP_H_

#include <functional>

namespace grantkeep {

// How far a refresh transaction has come: the places between which a crash makes a difference.
enum class RefreshStep {
  kBegun,            // the intent is stored; nothing was sent
  kSending,          // the request is about to be sent
  kAnswered,         // the provider has answered, or the call has failed; nothing is stored
  kStored,           // the outcome is stored; nobody was told
  kUnsaved,          // the store has refused new tokens, which are in memory only
  kRecoveryWritten,  // such tokens are on disk
};

// Told of each step of each transaction, on the loop, but for kRecoveryWritten: that comes from the thread
// that writes recovery files. For tests.
using OnRefreshStep = std::function<void(RefreshStep)>;

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_REFRESH_STEP_H_
