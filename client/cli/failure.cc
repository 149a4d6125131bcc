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

// Transport failures carry no reason of the service's.
bool ServiceDidNotAnswer(const CallError& error) {
  return error.code == StatusCode::kUnavailable && error.reason.empty();
}

// gRPC's text for a failed connection, from where it says why.
std::string_view Cause(std::string_view message) {
  for (const std::string_view before : {"last error: ", "UNKNOWN: "}) {
    if (const size_t at = message.find(before); at != std::string_view::npos) {
      message.remove_prefix(at + before.size());
    }
  }
  return message;
}

std::string LoginCommand(const Attempt& attempt) {
  return "run: grantkeep login " + (attempt.provider.empty() ? "PROVIDER" : attempt.provider);
}

std::string WhereTheDaemonIs(const Attempt& attempt) {
  if (!attempt.address_from.empty()) {
    return fmt::format(
        "is the daemon running there? {} says {}; `server.listen` in its configuration says "
        "where it listens",
        attempt.address_from, attempt.address);
  }
  return fmt::format(
      "is the daemon running at {}? Start it with: grantkeepd --dev, or say where it is with --address",
      attempt.address);
}

// Trying again does not help: something has to be put right where the service runs.
constexpr std::string_view kOperatorReasons[] = {"CLIENT_MISCONFIGURED", "ISSUER_UNPROTECTED",
                                                 "KEY_UNAVAILABLE", "STORE_CORRUPT"};

struct Advice {
  std::string_view reason;
  std::string (*text)(const Attempt&);
};

constexpr Advice kAdvice[] = {
    {"NEEDS_REAUTH", LoginCommand},
    {"FLOW_NOT_FOUND", LoginCommand},
    {"CODE_REJECTED", LoginCommand},
    {"ACCESS_DENIED", LoginCommand},
    {"GRANT_NOT_FOUND",
     [](const Attempt& a) {
       return fmt::format(
           "grants belong to a tenant (now {}) and a subject (now {}); run: grantkeep grants list", a.tenant,
           a.subject);
     }},
    {"PROVIDER_NOT_FOUND",
     [](const Attempt&) -> std::string { return "run: grantkeep providers list --server"; }},
    {"PROVIDER_IS_STATIC",
     [](const Attempt& a) {
       return fmt::format("it has a key, not a sign-in; run: grantkeep secret put NAME --provider {}",
                          a.provider);
     }},
    {"PROVIDER_NOT_STATIC", LoginCommand},
    {"SECRET_NOT_FOUND",
     [](const Attempt& a) { return fmt::format("look in tenant {}; run: grantkeep secret list", a.tenant); }},
    {"SECRET_VERSION_NOT_FOUND",
     [](const Attempt& a) { return fmt::format("for the latest, run: grantkeep secret get {}", a.secret); }},
    {"VERSION_MISMATCH",
     [](const Attempt&) -> std::string { return "for the latest version, run: grantkeep secret list"; }},
    {"REDIRECT_URI_NOT_ALLOWED",
     [](const Attempt&) -> std::string {
       return "add http://127.0.0.1/callback to the provider's redirect_uris in the daemon's configuration";
     }},
    {"CLIENT_MISCONFIGURED",
     [](const Attempt&) -> std::string {
       return "check the provider's client_id and client_secrets in the daemon's configuration; "
              "run: grantkeep doctor";
     }},
    {"KEY_UNAVAILABLE",
     [](const Attempt&) -> std::string {
       return "the daemon cannot use its root key or the tenant's keys; its log says why";
     }},
    {"STORE_CORRUPT",
     [](const Attempt&) -> std::string {
       return "a record of the store is damaged or was sealed with other keys; the daemon's log says more";
     }},
    {"PROVIDER_UNREACHABLE", [](const Attempt&) -> std::string { return "run: grantkeep doctor"; }},
};

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

std::string_view MessageOf(const CallError& error) {
  return ServiceDidNotAnswer(error) ? Cause(error.message) : std::string_view(error.message);
}

std::string AdviceFor(const CallError& error, const Attempt& attempt) {
  for (const Advice& advice : kAdvice) {
    if (advice.reason == error.reason) return advice.text(attempt);
  }
  if (ServiceDidNotAnswer(error)) return WhereTheDaemonIs(attempt);
  if (error.retry_after.has_value()) {
    return fmt::format("try again in {}",
                       Distance(std::chrono::ceil<std::chrono::seconds>(*error.retry_after)));
  }
  if (error.code == StatusCode::kDeadlineExceeded)
    return "try again, or give the call longer with --timeout 60s";
  return "";
}

std::string ErrorJson(const CallError& error) {
  boost::json::object object;
  object["code"] = absl::StatusCodeToString(error.code);
  object["reason"] = error.reason;
  object["message"] = error.message;
  object["field"] = error.fields.empty() ? "" : error.fields.front().name;
  if (error.retry_after.has_value()) {
    object["retry_after_seconds"] = std::chrono::ceil<std::chrono::seconds>(*error.retry_after).count();
  }
  const boost::json::object document = {{"error", std::move(object)}};
  return TerminalSafeJson(boost::json::serialize(document));
}

ExitCode Fail(const Console& console, bool json, const absl::Status& status, const Attempt& attempt) {
  const CallError error = CallError::From(status);
  if (json) {
    console.Err(ErrorJson(error) + "\n");
    return ExitCodeOf(error);
  }
  std::string what = fmt::format("cannot {}: {}", attempt.what, MessageOf(error));
  if (!error.reason.empty()) what += fmt::format(" ({})", error.reason);
  std::string text = fmt::format("{} {}\n", Colours(console.err).Bad("grantkeep:"), Printable(what));
  if (const std::string advice = AdviceFor(error, attempt); !advice.empty()) {
    text += "  " + Printable(advice) + "\n";
  }
  console.Err(text);
  return ExitCodeOf(error);
}

}  // namespace grantkeep::cli
