// SPDX-License-Identifier: Apache-2.0
#include "rpc/error_model.h"

#include "base/reason.h"
#include "grantkeep/details/status_details.pb.h"
#include "rpc/text.h"

namespace grantkeep::rpc {
namespace {

using details::BadRequest;
using details::ErrorInfo;
using details::RetryInfo;
using details::Status;

// Texts appear up to three times, once percent-encoded and twice in base64.
constexpr size_t kMaxMessage = 1024;
constexpr size_t kMaxField = 256;

void Pack(std::string_view type, const google::protobuf::Message& detail, Status& status) {
  google::protobuf::Any& any = *status.add_details();
  any.set_type_url(std::string("type.googleapis.com/google.rpc.").append(type));
  detail.SerializeToString(any.mutable_value());
}

void PackErrorInfo(const Failure& failure, std::string_view request_id, Status& status) {
  ErrorInfo info;
  info.set_reason(failure.reason);
  info.set_domain(std::string(kErrorDomain));
  if (!request_id.empty()) (*info.mutable_metadata())["request_id"] = std::string(request_id);
  Pack("ErrorInfo", info, status);
}

void PackBadRequest(const std::string& field, std::string_view message, Status& status) {
  // FieldError writes "field: what is wrong"; the detail has the two apart.
  if (message.starts_with(field) && message.substr(field.size()).starts_with(": ")) {
    message.remove_prefix(field.size() + 2);
  }
  BadRequest bad_request;
  BadRequest::FieldViolation& violation = *bad_request.add_field_violations();
  violation.set_field(Presentable(field, kMaxField));
  violation.set_description(Presentable(message, kMaxMessage));
  Pack("BadRequest", bad_request, status);
}

void PackRetryInfo(Duration retry_after, Status& status) {
  const int64_t micros = retry_after.count() < 0 ? 0 : retry_after.count();
  RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(micros / 1'000'000);
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
  Pack("RetryInfo", retry, status);
}

}  // namespace

Failure ToFailure(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  const std::string_view message(status.message().data(), status.message().size());
  if (!reason.has_value()) {
    return {.code = grpc::StatusCode::INTERNAL,
            .reason = std::string(ReasonName(Reason::kInternal)),
            .message = "internal error; the daemon's log has more under this request id",
            .field = {},
            .retry_after = {}};
  }
  // The canonical codes have the same numbers in Abseil and gRPC.
  return {.code = static_cast<grpc::StatusCode>(status.raw_code()),
          .reason = std::string(ReasonName(*reason)),
          .message = std::string(message),
          .field = FieldOf(status).value_or(""),
          .retry_after = RetryAfterOf(status)};
}

grpc::Status ToGrpcStatus(const Failure& failure, std::string_view request_id) {
  const std::string message = Presentable(failure.message, kMaxMessage);
  Status details;
  details.set_code(failure.code);
  details.set_message(message);
  PackErrorInfo(failure, request_id, details);
  if (!failure.field.empty()) PackBadRequest(failure.field, failure.message, details);
  if (failure.retry_after.has_value()) PackRetryInfo(*failure.retry_after, details);
  return grpc::Status(failure.code, message, details.SerializeAsString());
}

}  // namespace grantkeep::rpc
