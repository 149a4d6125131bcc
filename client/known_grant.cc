// SPDX-License-Identifier: Apache-2.0
#include "client/known_grant.h"

#include <fmt/format.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "client/status_details.h"
#include "grantkeep/details/status_details.pb.h"

namespace grantkeep::client {
namespace {

using std::chrono::system_clock;

constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();
// How long a token that falls short is handed out before it is asked again for a better one.
constexpr Micros kBestThereIs{1'000'000};

system_clock::time_point ToTime(const google::protobuf::Timestamp& timestamp) {
  const Micros since(timestamp.seconds() * 1'000'000 + timestamp.nanos() / 1000);
  return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(since));
}

int64_t MicrosOf(system_clock::time_point time) {
  return std::chrono::duration_cast<Micros>(time.time_since_epoch()).count();
}

// As the service's own errors are, so that CallError reads both alike.
absl::Status Refusal(absl::StatusCode code, const std::string& reason, const std::string& message) {
  details::ErrorInfo info;
  info.set_domain("grantkeep");
  info.set_reason(reason);
  absl::Status status(code, message);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Status RefusalOf(const v1::WatchGrantsResponse& news) {
  const v1::Grant& grant = news.grant();
  if (news.not_found()) {
    return Refusal(absl::StatusCode::kNotFound, "GRANT_NOT_FOUND", "grant_id: no such grant");
  }
  if (grant.state() == v1::GRANT_STATE_REVOKED) {
    return Refusal(absl::StatusCode::kNotFound, "GRANT_NOT_FOUND", "grant_id: the grant was revoked");
  }
  if (grant.state() == v1::GRANT_STATE_NEEDS_REAUTH && news.access_token().empty()) {
    return Refusal(absl::StatusCode::kFailedPrecondition, "NEEDS_REAUTH",
                   fmt::format("grant_id: the user must sign in again at '{}' ({}); begin with StartAuth",
                               grant.provider(), grant.state_reason()));
  }
  return absl::OkStatus();
}

std::shared_ptr<Token> TakeToken(std::string& access_token, std::string& token_type) {
  auto token = std::make_shared<Token>();
  token->access_token.swap(access_token);
  token->token_type = std::move(token_type);
  return token;
}

int64_t ServeUntil(const Token& token, Micros min_ttl) {
  return token.expire_time.has_value() ? MicrosOf(*token.expire_time) - min_ttl.count() : kForEver;
}

}  // namespace

int64_t WallMicros() { return MicrosOf(system_clock::now()); }

bool IsValid(const Token& token) {
  return !token.expire_time.has_value() || MicrosOf(*token.expire_time) > WallMicros();
}

KnownGrant KnownFrom(v1::WatchGrantsResponse& news, Micros min_ttl) {
  KnownGrant known;
  known.refusal = RefusalOf(news);
  if (news.access_token().empty() || !known.refusal.ok()) return known;
  auto token = TakeToken(*news.mutable_access_token(), *news.mutable_token_type());
  const v1::Grant& grant = news.grant();
  if (grant.has_access_token_expire_time()) token->expire_time = ToTime(grant.access_token_expire_time());
  token->generation = grant.generation();
  token->unverified = news.unverified();
  known.serve_until_us = ServeUntil(*token, min_ttl);
  known.token = std::move(token);
  return known;
}

KnownGrant KnownFrom(v1::RefreshResponse& answer, Micros min_ttl) {
  KnownGrant known;
  auto token = TakeToken(*answer.mutable_access_token(), *answer.mutable_token_type());
  if (answer.has_expire_time()) token->expire_time = ToTime(answer.expire_time());
  token->generation = answer.generation();
  token->unverified = answer.freshness() == v1::FRESHNESS_UNVERIFIED;
  const int64_t expiry = ServeUntil(*token, Micros(0));
  known.serve_until_us =
      std::max(ServeUntil(*token, min_ttl), std::min(expiry, WallMicros() + kBestThereIs.count()));
  known.token = std::move(token);
  return known;
}

}  // namespace grantkeep::client
