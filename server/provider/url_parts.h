// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_URL_PARTS_H_
#define GRANTKEEP_PROVIDER_URL_PARTS_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grantkeep/config/v1/provider.pb.h"

namespace grantkeep {

// The parts of a provider's URLs that differ from connection to connection, by name. In a record
// they stand in braces, in the host or the path: https://{domain}/oauth2/v1/token.
//
// A caller chooses among values that the record allows and nothing else: our client secret goes to
// whatever host comes out.
using UrlParts = std::map<std::string, std::string>;

// A host name (RFC 1123 section 2.1): labels of letters, digits and inner hyphens, at most 253 bytes,
// and not a number in the place of the last label, which would make an IPv4 address of it.
bool IsHostName(std::string_view text);

// Whether the record's URLs and its url_parts go together: every part that is used is described and
// every described part is used; one of which any label is allowed stands before a fixed domain. The
// status names the field.
absl::Status CheckUrlPartRules(const config::v1::Provider& record);

// `given` with the defaults filled in, in lower case (in the path, too). Fails with the field
// url_parts["NAME"] when a part is missing, not a host name or not allowed, and with url_parts when
// there is no such part.
absl::StatusOr<UrlParts> ChooseUrlParts(const config::v1::Provider& record, const UrlParts& given);

// `url` with each part in its place. A part that is not there stays as it is written.
std::string ExpandUrl(std::string_view url, const UrlParts& parts);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_URL_PARTS_H_
