// SPDX-License-Identifier: Apache-2.0
#include "grantkeep/call_error.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "client/status_details.h"
#include "grantkeep/details/status_details.pb.h"

namespace grantkeep {
namespace {

// More than any request of ours has fields; the rest would be noise.
constexpr int kMaxFields = 32;

template <typename Detail>
std::optional<Detail> DetailOf(const absl::Status& status, const char* url) {
  const auto payload = status.GetPayload(url);
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

// Rounded up, so that nobody retries too early.
std::chrono::milliseconds ToMillis(const google::protobuf::Duration& duration) {
  constexpr int64_t kMaxSeconds = int64_t{365} * 24 * 3600;
  const int64_t seconds = std::clamp<int64_t>(duration.seconds(), 0, kMaxSeconds);
  const int64_t nanos = std::clamp<int64_t>(duration.nanos(), 0, 999'999'999);
  return std::chrono::milliseconds(seconds * 1000 + (nanos + 999'999) / 1'000'000);
}

}  // namespace

CallError CallError::From(const absl::Status& status) {
  CallError error{.code = status.code(),
                  .reason = {},
                  .message = std::string(status.message().data(), status.message().size()),
                  .fields = {},
                  .retry_after = std::nullopt};
  if (auto info = DetailOf<details::ErrorInfo>(status, client::kErrorInfoUrl);
      info.has_value() && info->domain() == "grantkeep") {
    error.reason = info->reason();
  }
  if (auto bad = DetailOf<details::BadRequest>(status, client::kBadRequestUrl)) {
    for (int i = 0; i < std::min(bad->field_violations_size(), kMaxFields); ++i) {
      const auto& violation = bad->field_violations(i);
      error.fields.push_back({.name = violation.field(), .description = violation.description()});
    }
  }
  if (auto retry = DetailOf<details::RetryInfo>(status, client::kRetryInfoUrl)) {
    error.retry_after = ToMillis(retry->retry_delay());
  }
  return error;
}

}  // namespace grantkeep
