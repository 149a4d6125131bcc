// SPDX-License-Identifier: Apache-2.0
// The way out of each error.
#include <fmt/format.h>

#include <chrono>

#include "client/cli/callback_listener.h"
#include "client/cli/failure.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

using absl::StatusCode;

std::string Provider(const Attempt& attempt) {
  return attempt.provider.empty() ? "PROVIDER" : attempt.provider;
}

std::string Login(const Attempt& attempt) { return "run: grantkeep login " + Provider(attempt); }

std::string SignIn(const CallError&, const Attempt& attempt) {
  return attempt.grant.empty() ? Login(attempt) : "run: grantkeep login --grant " + attempt.grant;
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

// What of a provider's configuration does not fit is told by the message alone.
std::string Configuration(const CallError& error, const Attempt& attempt) {
  const auto says = [&error](std::string_view words) {
    return error.message.find(words) != std::string::npos;
  };
  if (says("client.client_secrets[")) {
    return "provide it where the daemon runs, or correct client.client_secrets; run: grantkeep doctor";
  }
  if (says("invalid_client") || says("unauthorized_client")) {
    return "check client_id, client_secrets and client_authentication of the provider in the daemon's "
           "configuration";
  }
  if (says("not configured any more")) {
    return fmt::format("put {} back into `providers` of the daemon's configuration", Provider(attempt));
  }
  if (says("than at the sign-in") || says("not those of the sign-in")) {
    return fmt::format("put the daemon's configuration back as it was, or sign in anew; {}", Login(attempt));
  }
  return "the provider's record in the daemon's configuration does not fit; its manual says what it wants";
}

// A part of the provider's URLs that was not given, or is another than it has to be.
std::string UrlPart(const CallError& error, const Attempt& attempt) {
  constexpr std::string_view kBegin = "url_parts[\"";
  constexpr std::string_view kEnd = "\"]";
  if (error.fields.empty() || attempt.provider.empty()) return "";
  std::string_view name = error.fields.front().name;
  const bool unknown = error.fields.front().description.find("is not a part") != std::string::npos;
  if (unknown || !name.starts_with(kBegin) || !name.ends_with(kEnd)) return "";
  name.remove_prefix(kBegin.size());
  name.remove_suffix(kEnd.size());
  return fmt::format("{} --url-part {}=HOST", Login(attempt), name);
}

struct Advice {
  std::string_view reason;
  std::string (*text)(const CallError&, const Attempt&);
};

constexpr Advice kAdvice[] = {
    {"INVALID_FIELD", UrlPart},
    {"NEEDS_REAUTH", SignIn},
    {"FLOW_NOT_FOUND", SignIn},
    {"CODE_REJECTED", SignIn},
    {"ACCESS_DENIED", SignIn},
    {"GRANT_NOT_FOUND",
     [](const CallError&, const Attempt& a) {
       return fmt::format(
           "grants belong to a tenant (now {}) and a subject (now {}); run: grantkeep grants list", a.tenant,
           a.subject);
     }},
    {"PROVIDER_NOT_FOUND",
     [](const CallError&, const Attempt&) -> std::string {
       return "run: grantkeep providers list --server";
     }},
    {"PROVIDER_IS_STATIC",
     [](const CallError&, const Attempt& a) {
       return fmt::format("it has a key, not a sign-in; run: grantkeep secret put NAME --provider {}",
                          a.provider);
     }},
    {"PROVIDER_NOT_STATIC", SignIn},
    {"SECRET_NOT_FOUND",
     [](const CallError&, const Attempt& a) {
       return fmt::format("look in tenant {}; run: grantkeep secret list", a.tenant);
     }},
    {"SECRET_VERSION_NOT_FOUND",
     [](const CallError&, const Attempt& a) {
       return fmt::format("for the latest, run: grantkeep secret get {}", a.secret);
     }},
    {"VERSION_MISMATCH",
     [](const CallError&, const Attempt&) -> std::string {
       return "for the latest version, run: grantkeep secret list";
     }},
    {"REDIRECT_URI_NOT_ALLOWED",
     [](const CallError&, const Attempt&) -> std::string {
       return "add http://127.0.0.1/callback to the provider's redirect_uris in the daemon's configuration";
     }},
    {"CLIENT_MISCONFIGURED", Configuration},
    {"KEY_UNAVAILABLE",
     [](const CallError&, const Attempt&) -> std::string {
       return "the daemon cannot use its root key or the tenant's keys; its log says why";
     }},
    {"STORE_CORRUPT",
     [](const CallError&, const Attempt&) -> std::string {
       return "a record of the store is damaged or was sealed with other keys; the daemon's log says more";
     }},
    {"STORE_NOT_ADOPTED",
     [](const CallError&, const Attempt&) -> std::string {
       return "the service's operator decides; run: grantkeep help admin adopt";
     }},
    {"PROVIDER_UNREACHABLE",
     [](const CallError&, const Attempt&) -> std::string { return "run: grantkeep doctor"; }},
};

}  // namespace

std::string AdviceFor(const CallError& error, const Attempt& attempt) {
  for (const Advice& advice : kAdvice) {
    if (advice.reason == error.reason) return advice.text(error, attempt);
  }
  // Without a reason it was not the service that answered.
  if (error.reason.empty() && !attempt.address.empty()) {
    if (error.code == StatusCode::kUnavailable) return WhereTheDaemonIs(attempt);
    if (error.code == StatusCode::kPermissionDenied) return kOnlyItsUser;
  }
  if (error.retry_after.has_value()) {
    return fmt::format("try again in {}",
                       Distance(std::chrono::ceil<std::chrono::seconds>(*error.retry_after)));
  }
  // Nobody came to sign in: that message has its own way out.
  if (error.code == StatusCode::kDeadlineExceeded && error.message != kNobodyCame) {
    return "try again, or give the call longer with --timeout 60s";
  }
  return "";
}

}  // namespace grantkeep::cli
