// SPDX-License-Identifier: Apache-2.0
#include "client/status_details.h"

#include <climits>

#include "absl/strings/cord.h"
#include "grantkeep/details/status_details.pb.h"

namespace grantkeep::client {

void AttachDetails(std::string_view serialized, absl::Status& status) {
  details::Status details;
  if (serialized.size() > INT_MAX ||
      !details.ParseFromArray(serialized.data(), static_cast<int>(serialized.size()))) {
    return;
  }
  for (const google::protobuf::Any& detail : details.details()) {
    for (const char* url : {kErrorInfoUrl, kBadRequestUrl, kRetryInfoUrl}) {
      if (detail.type_url() == url) status.SetPayload(url, absl::Cord(detail.value()));
    }
  }
}

}  // namespace grantkeep::client
