// SPDX-License-Identifier: Apache-2.0
#include "grantkeep/call_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/status_details.h"
#include "grantkeep/details/status_details.pb.h"

namespace grantkeep {
namespace {

using client::AttachDetails;
using ::testing::IsEmpty;

absl::Status Unavailable() { return absl::UnavailableError("the provider does not answer"); }

template <typename Detail>
void Add(details::Status& details, const char* url, const Detail& detail) {
  google::protobuf::Any& any = *details.add_details();
  any.set_type_url(url);
  any.set_value(detail.SerializeAsString());
}

details::Status AllDetails() {
  details::Status details;
  details::ErrorInfo info;
  info.set_domain("grantkeep");
  info.set_reason("PROVIDER_THROTTLED");
  Add(details, client::kErrorInfoUrl, info);
  details::BadRequest bad;
  bad.add_field_violations()->set_field("scopes[2]");
  bad.mutable_field_violations(0)->set_description("too long");
  Add(details, client::kBadRequestUrl, bad);
  details::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(3);
  retry.mutable_retry_delay()->set_nanos(500'000'001);
  Add(details, client::kRetryInfoUrl, retry);
  return details;
}

TEST(CallErrorTest, TakesTheStandardDetailsApart) {
  absl::Status status = Unavailable();
  AttachDetails(AllDetails().SerializeAsString(), status);
  const CallError error = CallError::From(status);
  EXPECT_EQ(error.code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(error.reason, "PROVIDER_THROTTLED");
  EXPECT_EQ(error.message, "the provider does not answer");
  ASSERT_EQ(error.fields.size(), 1u);
  EXPECT_EQ(error.fields[0].name, "scopes[2]");
  EXPECT_EQ(error.fields[0].description, "too long");
  EXPECT_EQ(error.retry_after, std::chrono::milliseconds(3501)) << "rounded up";
  EXPECT_TRUE(error.Retryable());
}

TEST(CallErrorTest, ReadsTheBytesThatOtherLanguagesWrite) {
  // google.rpc.Status{14, details: ErrorInfo{reason: "NEEDS_REAUTH", domain: "grantkeep"}} as
  // googleapis serializes it.
  const std::string info = "\x0a\x0cNEEDS_REAUTH\x12\x09grantkeep";
  const std::string url = "type.googleapis.com/google.rpc.ErrorInfo";
  const std::string any = "\x0a" + std::string(1, static_cast<char>(url.size())) + url + "\x12" +
                          std::string(1, static_cast<char>(info.size())) + info;
  const std::string bytes = "\x08\x0e\x1a" + std::string(1, static_cast<char>(any.size())) + any;
  absl::Status status = Unavailable();
  AttachDetails(bytes, status);
  EXPECT_TRUE(CallError::From(status).NeedsSignIn());
}

TEST(CallErrorTest, AReasonOfAnotherDomainIsNotOurs) {
  details::Status details;
  details::ErrorInfo info;
  info.set_domain("googleapis.com");
  info.set_reason("NEEDS_REAUTH");
  Add(details, client::kErrorInfoUrl, info);
  absl::Status status = Unavailable();
  AttachDetails(details.SerializeAsString(), status);
  EXPECT_THAT(CallError::From(status).reason, IsEmpty());
}

TEST(CallErrorTest, AnyCutOfTheDetailsLeavesCodeAndMessage) {
  const std::string whole = AllDetails().SerializeAsString();
  for (size_t length = 0; length < whole.size(); ++length) {
    absl::Status status = Unavailable();
    AttachDetails(whole.substr(0, length), status);
    const CallError error = CallError::From(status);
    EXPECT_EQ(error.code, absl::StatusCode::kUnavailable);
    EXPECT_EQ(error.message, "the provider does not answer");
  }
}

TEST(CallErrorTest, ARetryTimeIsNeverNegativeOrEndless) {
  for (const int64_t seconds : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    details::Status details;
    details::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(seconds);
    Add(details, client::kRetryInfoUrl, retry);
    absl::Status status = Unavailable();
    AttachDetails(details.SerializeAsString(), status);
    const auto after = CallError::From(status).retry_after;
    ASSERT_TRUE(after.has_value());
    EXPECT_GE(*after, std::chrono::milliseconds(0));
    EXPECT_LE(*after, std::chrono::hours(24 * 366));
  }
}

}  // namespace
}  // namespace grantkeep
