// SPDX-License-Identifier: Apache-2.0
#include "client/cli/failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "client/cli/colours.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

using absl::StatusCode;

// Trying again does not help: something has to be put right where the service runs.
constexpr std::string_view kOperatorReasons[] = {"CLIENT_MISCONFIGURED", "ISSUER_UNPROTECTED",
                                                 "KEY_UNAVAILABLE", "STORE_CORRUPT", "STORE_NOT_ADOPTED"};

}  // namespace

ExitCode ExitCodeOf(const CallError& error) {
  if (error.NeedsSignIn()) return kSignIn;
  if (std::ranges::find(kOperatorReasons, error.reason) != std::end(kOperatorReasons)) return kOperator;
  switch (error.code) {
    case StatusCode::kOk:
      return kOk;
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange:
      return kUsage;
    case StatusCode::kNotFound:
      return kNotFound;
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kResourceExhausted:
      return kUnavailable;
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnauthenticated:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kAborted:
    case StatusCode::kAlreadyExists:
      return kRefused;
    default:
      return kFailed;
  }
}

std::string ErrorJson(const CallError& error, const std::string& next) {
  boost::json::object object;
  object["code"] = absl::StatusCodeToString(error.code);
  object["reason"] = error.reason;
  object["message"] = error.message;
  object["field"] = error.fields.empty() ? "" : error.fields.front().name;
  object["next"] = next;
  if (error.retry_after.has_value()) {
    object["retry_after_seconds"] = std::chrono::ceil<std::chrono::seconds>(*error.retry_after).count();
  }
  const boost::json::object document = {{"error", std::move(object)}};
  return TerminalSafeJson(boost::json::serialize(document));
}

ExitCode Fail(const Console& console, bool json, const CallError& error, const Attempt& attempt) {
  const std::string advice = AdviceFor(error, attempt);
  if (json) {
    console.Err(ErrorJson(error, advice) + "\n");
    return ExitCodeOf(error);
  }
  std::string what = fmt::format("cannot {}: {}", attempt.what, error.message);
  if (!error.reason.empty()) what += fmt::format(" ({})", error.reason);
  std::string text = fmt::format("{} {}\n", Colours(console.err).Bad("grantkeep:"), Printable(what));
  if (!advice.empty()) text += "  " + Printable(advice) + "\n";
  console.Err(text);
  return ExitCodeOf(error);
}

}  // namespace grantkeep::cli
