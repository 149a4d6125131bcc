// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_CONVERT_H_
#define GRANTKEEP_RPC_CONVERT_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ids.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "grantkeep/v1/grant.pb.h"

namespace grantkeep::rpc {

void SetTimestamp(Time time, google::protobuf::Timestamp& out);

// A grant as callers see it, without its tokens.
v1::Grant GrantToProto(const TenantId& tenant, const storage::v1::Grant& stored);

// The page size to use: 0 means 100; more than 1000 is kInvalidField "page_size".
absl::StatusOr<size_t> PageSize(uint32_t requested);

template <typename Repeated>
std::vector<std::string> ToStrings(const Repeated& values) {
  return {values.begin(), values.end()};
}

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_CONVERT_H_
