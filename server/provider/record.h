// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_RECORD_H_
#define GRANTKEEP_PROVIDER_RECORD_H_

#include <string_view>

#include "absl/status/status.h"
#include "grantkeep/config/v1/provider.pb.h"

namespace grantkeep {

// Puts the documented default into every field whose zero means "unset", so that the rest of the
// code meets concrete values only.
void FillDefaults(config::v1::Provider& record);

// Checks a record with its defaults filled in. The status names the first field that is missing or
// wrong, by its path ("client.client_secrets[1].env"), and repeats no value.
absl::Status CheckRecord(const config::v1::Provider& record, bool development);

// Whether a parameter of the authorization request belongs to the protocol, and so neither to
// callers nor to authorization_parameters. Names are compared without regard to case, because
// some servers do that too.
bool IsProtocolParameter(std::string_view name);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_RECORD_H_
