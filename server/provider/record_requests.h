// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_RECORD_REQUESTS_H_
#define GRANTKEEP_PROVIDER_RECORD_REQUESTS_H_

#include <vector>

#include "absl/status/status.h"
#include "grantkeep/config/v1/provider.pb.h"

namespace grantkeep {

// The part of ProblemsOf that is about what is sent to a provider and how its answers are read:
// client, headers, scopes, parameters, errors.
std::vector<absl::Status> RequestProblemsOf(const config::v1::Provider& record);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_RECORD_REQUESTS_H_
