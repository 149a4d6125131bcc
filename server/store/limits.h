// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_LIMITS_H_
#define GRANTKEEP_STORE_LIMITS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "store/store.h"

namespace grantkeep {

// The limits of the Store contract, the same for every store. Each answers kInvalidField and
// names the argument that breaks one ("writes[2].value").

absl::Status CheckGet(const Key& key);
absl::Status CheckCommit(const std::vector<Write>& writes);
absl::Status CheckTake(const Key& key, std::string_view guard, uint32_t burn_after);
absl::Status CheckClaimDue(Partition partition, size_t limit, Duration lease);
absl::Status CheckScan(Partition partition, Kind kind, const TenantId& tenant, std::string_view after,
                       size_t limit);

// The key that a write is about.
const Key& KeyOf(const Write& write);

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_LIMITS_H_
