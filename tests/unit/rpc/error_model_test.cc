// SPDX-License-Identifier: Apache-2.0
#include "rpc/error_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/reason.h"
#include "grantkeep/details/status_details.pb.h"
#include "rpc/text.h"

namespace grantkeep::rpc {
namespace {

using details::BadRequest;
using details::ErrorInfo;
using details::RetryInfo;
using details::Status;
using ::testing::HasSubstr;
using ::testing::Not;

Status Details(const grpc::Status& status) {
  Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

template <typename Detail>
Detail Unpack(const Status& status, const std::string& type) {
  Detail detail;
  for (const auto& any : status.details()) {
    if (any.type_url() == "type.googleapis.com/google.rpc." + type) {
      EXPECT_TRUE(detail.ParseFromString(any.value()));
      return detail;
    }
  }
  ADD_FAILURE() << "no " << type;
  return detail;
}

TEST(ErrorModel, TheBytesAreThoseOfGoogleRpc) {
  const grpc::Status status = ToGrpcStatus(ToFailure(Error(Reason::kGrantNotFound, "no")), "");
  // google.rpc.Status{code: 5, message: "no", details: [Any{type_url, value: ErrorInfo{reason, domain}}]}
  const std::string info = std::string("\x0a\x0f") + "GRANT_NOT_FOUND" + "\x12\x09" + "grantkeep";
  const std::string url = "type.googleapis.com/google.rpc.ErrorInfo";
  const std::string any = std::string("\x0a\x28") + url + "\x12" + static_cast<char>(info.size()) + info;
  const std::string expected = std::string("\x08\x05\x12\x02no\x1a") + static_cast<char>(any.size()) + any;
  EXPECT_EQ(status.error_details(), expected);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no");
}

TEST(ErrorModel, EveryReasonHasItsCodeAndItsNameOnTheWire) {
  for (int i = 0; i <= static_cast<int>(Reason::kInternal); ++i) {
    const auto reason = static_cast<Reason>(i);
    const absl::Status status = Error(reason, "m");
    const grpc::Status sent = ToGrpcStatus(ToFailure(status), "r-1");
    EXPECT_EQ(static_cast<int>(sent.error_code()), status.raw_code());
    const auto info = Unpack<ErrorInfo>(Details(sent), "ErrorInfo");
    EXPECT_EQ(info.reason(), ReasonName(reason));
    EXPECT_EQ(info.domain(), "grantkeep");
    EXPECT_EQ(info.metadata().at("request_id"), "r-1");
  }
}

TEST(ErrorModel, AFieldErrorCarriesBadRequestWithFieldAndDescriptionApart) {
  const auto status =
      ToGrpcStatus(ToFailure(FieldError("scopes[3]", "must have at most 128 bytes, has 400")), "r");
  const auto bad_request = Unpack<BadRequest>(Details(status), "BadRequest");
  ASSERT_EQ(bad_request.field_violations_size(), 1);
  EXPECT_EQ(bad_request.field_violations(0).field(), "scopes[3]");
  EXPECT_EQ(bad_request.field_violations(0).description(), "must have at most 128 bytes, has 400");
  EXPECT_EQ(status.error_message(), "scopes[3]: must have at most 128 bytes, has 400");
}

TEST(ErrorModel, ARetryTimeBecomesRetryInfo) {
  const auto status = ToGrpcStatus(
      ToFailure(RetryableError(Reason::kProviderThrottled, "m", std::chrono::milliseconds(1500))), "r");
  const auto retry = Unpack<RetryInfo>(Details(status), "RetryInfo");
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(ErrorModel, AnAnnotatedStatusKeepsItsDetails) {
  const absl::Status annotated = Annotate(FieldError("tenant", "is required"), "reading a grant");
  const auto status = ToGrpcStatus(ToFailure(annotated), "r");
  EXPECT_EQ(Unpack<BadRequest>(Details(status), "BadRequest").field_violations(0).field(), "tenant");
}

TEST(ErrorModel, AStatusWithoutAReasonTellsTheCallerNothing) {
  const auto status = ToGrpcStatus(ToFailure(absl::UnavailableError("canary: /etc/secret")), "r-7");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), Not(HasSubstr("canary")));
  EXPECT_THAT(status.error_details(), Not(HasSubstr("canary")));
  EXPECT_EQ(Unpack<ErrorInfo>(Details(status), "ErrorInfo").reason(), "INTERNAL");
}

TEST(ErrorModel, WhateverTheTextTheDetailsStayDecodableAndFitIntoMetadata) {
  const std::string not_utf8 = "a\xff\xc0z";
  const auto broken = ToGrpcStatus(ToFailure(FieldError(not_utf8, not_utf8)), "r");
  EXPECT_EQ(broken.error_message(), "a??z: a??z");
  EXPECT_EQ(Unpack<BadRequest>(Details(broken), "BadRequest").field_violations(0).field(), "a??z");

  std::string long_text;
  for (int i = 0; i < 4000; ++i) long_text += "\xc3\xa4";
  const auto status = ToGrpcStatus(ToFailure(FieldError(long_text, long_text)), "r");
  // Every byte of the message is sent percent-encoded, the details in base64.
  EXPECT_LT(status.error_message().size() * 3 + status.error_details().size() * 4 / 3, 8000u);
  Details(status);
}

TEST(Presentable, KeepsWellFormedTextAndReplacesTheRest) {
  EXPECT_EQ(Presentable("plain", 100), "plain");
  EXPECT_EQ(Presentable("\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91", 100), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91");
  EXPECT_EQ(Presentable("\xc0\xaf", 100), "??") << "overlong";
  EXPECT_EQ(Presentable("\xed\xa0\x80", 100), "???") << "surrogate";
  EXPECT_EQ(Presentable("\xf4\x90\x80\x80", 100), "????") << "above U+10FFFF";
  EXPECT_EQ(Presentable("ab\xe2\x82", 100), "ab??") << "cut short";
}

TEST(Presentable, CutsBetweenCharactersAndSaysSo) {
  EXPECT_EQ(Presentable("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(Presentable("abcdefghi", 8), "abcde...");
  EXPECT_EQ(Presentable("abcd\xc3\xa4\xc3\xa4\xc3\xa4", 8), "abcd...");
}

}  // namespace
}  // namespace grantkeep::rpc
