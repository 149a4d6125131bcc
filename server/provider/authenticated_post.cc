// SPDX-License-Identifier: Apache-2.0
#include "provider/authenticated_post.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/reason.h"
#include "crypto/digest.h"
#include "provider/charset.h"
#include "provider/token_answer.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

// RFC 6749 section 2.3.1: both parts form-urlencoded, then HTTP Basic.
Secret BasicCredentials(std::string_view client_id, const Secret& client_secret) {
  std::string pair;
  pair.reserve(3 * (client_id.size() + client_secret.size()) + 1);
  AppendFormEncoded(pair, client_id);
  pair += ':';
  AppendFormEncoded(pair, client_secret.Expose());
  std::string encoded = Base64Encode(pair);
  WipeString(pair);
  std::string header;
  header.reserve(encoded.size() + 6);
  header += "Basic ";
  header += encoded;
  WipeString(encoded);
  return Secret::Take(std::move(header));
}

// A vault that cannot be asked now, or is damaged: not a mistake in the configuration.
bool IsOfTheVault(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         HasReason(status, Reason::kStoreCorrupt) || HasReason(status, Reason::kKeyUnavailable);
}

// Of several secrets that cannot be read, the one that may be there after all counts.
void KeepFailure(absl::Status& kept, absl::Status failure) {
  if (kept.ok() || !IsOfTheVault(kept)) kept = std::move(failure);
}

}  // namespace

AuthenticatedPost::AuthenticatedPost(const config::v1::Provider& record,
                                     const Provider::Dependencies& dependencies,
                                     const std::vector<CidrBlock>& allow_private)
    : record_(record), dependencies_(dependencies), allow_private_(allow_private) {}

awaitable<AuthenticatedPost::Result> AuthenticatedPost::Send(std::string url, bool untrusted_url,
                                                             const FormParameters& parameters,
                                                             const Manner& manner, Tick deadline) {
  Result result;
  if (!NeedsSecret(manner)) {
    HttpRequest request = MakeRequest(url, untrusted_url, parameters, manner, Secret());
    co_await SendOnce(std::move(request), deadline, result);
    co_return result;
  }
  bool sent = false;
  const std::vector<int> order = Order();
  for (const int index : order) {
    absl::StatusOr<Secret> secret = co_await Resolve(index, deadline);
    if (!secret.ok()) {
      Log("provider").warn("{}", std::string(secret.status().message()));
      if (!sent) KeepFailure(result.prepared, secret.status());
      continue;
    }
    Result attempt;
    HttpRequest request = MakeRequest(url, untrusted_url, parameters, manner, *secret);
    co_await SendOnce(std::move(request), deadline, attempt);
    // With no time left for another try, the refusal that we have is the answer.
    if (sent && !attempt.prepared.ok()) break;
    sent = attempt.prepared.ok();
    result = std::move(attempt);
    result.client_secret = std::move(*secret);
    if (!result.answer.response.has_value()) break;
    const auto error = ReadOAuthError(record_, *result.answer.response);
    const int status = result.answer.response->status;
    // Too many requests do not get fewer by another secret.
    if (!error.has_value() || error->code != "invalid_client" || status == 429) {
      // Other refusals come after the client was authenticated, but for overload and the like.
      const bool authenticated = error.has_value() ? error->code == "invalid_grant" : status <= 299;
      if (authenticated) accepted_secret_ = index;
      break;
    }
  }
  co_return result;
}

awaitable<absl::Status> AuthenticatedPost::CheckSecrets(Tick deadline) {
  if (record_.client_authentication() == config::v1::CLIENT_AUTHENTICATION_NONE) co_return absl::OkStatus();
  absl::Status failure;
  const std::vector<int> order = Order();
  for (const int index : order) {
    const absl::StatusOr<Secret> secret = co_await Resolve(index, deadline);
    if (secret.ok()) co_return absl::OkStatus();
    KeepFailure(failure, secret.status());
  }
  Log("provider").warn("{}", std::string(failure.message()));
  co_return failure;
}

std::vector<int> AuthenticatedPost::Order() const {
  std::vector<int> order = {accepted_secret_};
  for (int i = 0; i < record_.client().client_secrets_size(); ++i) {
    if (i != accepted_secret_) order.push_back(i);
  }
  return order;
}

awaitable<absl::StatusOr<Secret>> AuthenticatedPost::Resolve(int index, Tick deadline) {
  absl::StatusOr<Secret> secret =
      co_await dependencies_.resolve_secret(record_.client().client_secrets(index), deadline);
  const std::string place = fmt::format("provider '{}': client.client_secrets[{}]", record_.id(), index);
  if (secret.ok()) {
    if (!secret->empty()) co_return std::move(*secret);
    co_return Error(Reason::kClientMisconfigured, place + ": is empty");
  }
  if (IsOfTheVault(secret.status())) co_return Annotate(secret.status(), place);
  const std::string_view message(secret.status().message().data(), secret.status().message().size());
  co_return Error(Reason::kClientMisconfigured, fmt::format("{}: {}", place, message));
}

AuthenticatedPost::Manner AuthenticatedPost::TokenRequestManner() const {
  Manner manner;
  manner.json = record_.token_request_body() == config::v1::TOKEN_REQUEST_BODY_JSON;
  return manner;
}

bool AuthenticatedPost::NeedsSecret(const Manner& manner) const {
  if (manner.proof == Manner::Proof::kBasic) return true;
  return manner.proof == Manner::Proof::kClient &&
         record_.client_authentication() != config::v1::CLIENT_AUTHENTICATION_NONE;
}

void AuthenticatedPost::Authenticate(const Manner& manner, const Secret& client_secret, HttpRequest& request,
                                     FormParameters& parameters) const {
  const std::string& client_id = record_.client().client_id();
  const config::v1::ClientAuthentication client = record_.client_authentication();
  if (manner.proof == Manner::Proof::kNone) return;
  if (manner.proof == Manner::Proof::kBearer) {
    std::string header;
    header.reserve(manner.bearer.size() + 7);
    header += "Bearer ";
    header += manner.bearer.Expose();
    request.headers.push_back({"Authorization", Secret::Take(std::move(header))});
  } else if (manner.proof == Manner::Proof::kBasic ||
             client == config::v1::CLIENT_AUTHENTICATION_CLIENT_SECRET_BASIC) {
    request.headers.push_back({"Authorization", BasicCredentials(client_id, client_secret)});
  } else {
    parameters.Add("client_id", client_id);
    if (client == config::v1::CLIENT_AUTHENTICATION_CLIENT_SECRET_POST)
      parameters.Add("client_secret", client_secret.Expose());
  }
}

HttpRequest AuthenticatedPost::MakeRequest(std::string url, bool untrusted_url,
                                           const FormParameters& parameters, const Manner& manner,
                                           const Secret& client_secret) const {
  HttpRequest request;
  request.method = manner.method;
  request.url = std::move(url);
  request.untrusted_url = untrusted_url;
  request.allow_private = allow_private_;

  FormParameters all = parameters.Clone();
  Authenticate(manner, client_secret, request, all);
  if (!all.empty()) {
    request.headers.push_back(
        {"Content-Type", Secret(manner.json ? "application/json" : "application/x-www-form-urlencoded")});
    request.body = manner.json ? all.ToJson() : all.ToForm();
  }

  bool accepts = false;
  for (const auto& [name, value] : record_.token_request_headers()) {
    accepts = accepts || LowerCase(name) == "accept";
    request.headers.push_back({name, Secret(value)});
  }
  if (!accepts) request.headers.push_back({"Accept", Secret("application/json")});
  return request;
}

awaitable<void> AuthenticatedPost::SendOnce(HttpRequest request, Tick deadline, Result& result) {
  const Tick now = dependencies_.clock.Steady();
  const Tick limit = now + std::chrono::seconds(record_.request_timeout().seconds()) +
                     std::chrono::nanoseconds(record_.request_timeout().nanos());
  request.deadline = std::min(deadline, limit);
  if (request.deadline <= now) {
    result.prepared =
        Error(Reason::kDeadline, fmt::format("provider '{}': no time is left for a request", record_.id()));
    co_return;
  }
  result.sent_time = dependencies_.clock.Now();
  result.answer = co_await dependencies_.http.Send(std::move(request));
}

}  // namespace grantkeep
