// SPDX-License-Identifier: Apache-2.0
#include "base/reason.h"

#include <gtest/gtest.h>

#include "base/status_macros.h"

namespace grantkeep {
namespace {

TEST(Reason, CarriesCodeReasonFieldAndRetryTime) {
  const absl::Status plain = Error(Reason::kGrantNotFound, "no such grant");
  EXPECT_EQ(plain.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(plain), Reason::kGrantNotFound);
  EXPECT_EQ(FieldOf(plain), std::nullopt);

  const absl::Status field = FieldError("scopes[2]", "too long");
  EXPECT_EQ(field.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(field), "scopes[2]");
  EXPECT_EQ(field.message(), "scopes[2]: too long");

  const absl::Status retry = RetryableError(Reason::kProviderThrottled, "slow down", std::chrono::seconds(7));
  EXPECT_EQ(RetryAfterOf(retry), Duration(std::chrono::seconds(7)));
}

TEST(Reason, AStoreThatIsUnavailableAlwaysComesWithARetryTime) {
  const absl::Status plain = Error(Reason::kStoreUnavailable, "away");
  EXPECT_EQ(RetryAfterOf(plain), Duration(std::chrono::seconds(1)));
  EXPECT_EQ(RetryAfterOf(Annotate(plain, "reading a grant")), Duration(std::chrono::seconds(1)));
  const absl::Status known = RetryableError(Reason::kStoreUnavailable, "away", std::chrono::seconds(7));
  EXPECT_EQ(RetryAfterOf(known), Duration(std::chrono::seconds(7)));
  EXPECT_EQ(RetryAfterOf(Error(Reason::kGrantNotFound, "no such grant")), std::nullopt);
}

TEST(Reason, AnnotateKeepsEverythingAndAddsContext) {
  const absl::Status status = Annotate(FieldError("tenant", "missing"), "provider 'x'");
  EXPECT_EQ(status.message(), "provider 'x': tenant: missing");
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidField);
  EXPECT_EQ(FieldOf(status), "tenant");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "context").ok());
}

TEST(Reason, AStatusMadeElsewhereHasNone) { EXPECT_EQ(ReasonOf(absl::InternalError("x")), std::nullopt); }

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return absl::InvalidArgumentError("odd");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  RETURN_IF_ERROR(Half(half).status());
  return half / 2;
}

TEST(StatusMacros, LeaveAtTheFirstError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_FALSE(Quarter(6).ok());
  EXPECT_FALSE(Quarter(7).ok());
}

}  // namespace
}  // namespace grantkeep
