// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_RECORD_H_
#define GRANTKEEP_PROVIDER_RECORD_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "grantkeep/config/v1/provider.pb.h"

namespace grantkeep {

// Puts the documented default into every field whose zero means "unset", so that the rest of the
// code meets concrete values only.
void FillDefaults(config::v1::Provider& record);

// All that is wrong with a record with its defaults filled in: of each group of fields (client,
// scopes, ...) the first problem. Each status is a FieldError with the path of what is missing or
// wrong, and repeats no value.
std::vector<absl::Status> ProblemsOf(const config::v1::Provider& record, bool development);

// The first of them, or OK.
absl::Status CheckRecord(const config::v1::Provider& record, bool development);

// Whether a parameter of the authorization request belongs to the protocol, and so neither to
// callers nor to authorization_parameters. Names are compared without regard to case, because
// some servers do that too.
bool IsProtocolParameter(std::string_view name);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_RECORD_H_
