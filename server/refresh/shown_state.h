// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_SHOWN_STATE_H_
#define GRANTKEEP_REFRESH_SHOWN_STATE_H_

#include "base/clock.h"
#include "grantkeep/storage/v1/records.pb.h"

namespace grantkeep {

// Makes of a grant that was read what callers are to see of it at `now`: nobody writes into the store that a
// grant without refresh token has come to its end, so such a grant is shown as NEEDS_REAUTH, reason
// NO_REFRESH_TOKEN, since its access token has expired. A pure function; times are store time.
void ShowState(storage::v1::Grant& grant, Time now);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_SHOWN_STATE_H_
