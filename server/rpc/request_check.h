// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_REQUEST_CHECK_H_
#define GRANTKEEP_RPC_REQUEST_CHECK_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grantkeep/v1/options.pb.h"

namespace grantkeep::rpc {

// Holds messages of one type to the (grantkeep.v1.bounds) of their fields, submessages included.
// The descriptor is read once; a check reads fields and compares. Immutable and thread-safe.
//
// The first violation, in the order of the fields, is kInvalidField. Field paths are in proto
// spelling: "tenant", "scopes[3]" for the fourth element, "extra_params[\"prompt\"]" for the value
// under a key, "extra_params" for a bad key or too many entries, "grants[0].subject" within
// submessages. Messages say what is expected and the length received, never the value.
// A google.protobuf.Duration must be well-formed; which range is the method's to say.
class RequestCheck {
 public:
  explicit RequestCheck(const google::protobuf::Descriptor* type);
  RequestCheck(RequestCheck&&) noexcept;
  ~RequestCheck();

  absl::Status Check(const google::protobuf::Message& message) const;

 private:
  struct Rule;
  absl::Status CheckAt(const google::protobuf::Message& message, const std::string& path) const;
  absl::Status CheckSingular(const google::protobuf::Message& message, const Rule& rule,
                             const std::string& path) const;
  absl::Status CheckRepeated(const google::protobuf::Message& message, const Rule& rule,
                             const std::string& path) const;
  absl::Status CheckMap(const google::protobuf::Message& message, const Rule& rule,
                        const std::string& path) const;

  std::vector<Rule> rules_;
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_REQUEST_CHECK_H_
