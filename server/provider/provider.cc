// SPDX-License-Identifier: Apache-2.0
#include "provider/provider.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "net/address.h"
#include "provider/authenticated_post.h"
#include "provider/authorization_url.h"
#include "provider/discovery.h"
#include "provider/form.h"
#include "provider/record.h"
#include "provider/revocation.h"
#include "provider/token_answer.h"
#include "provider/uri.h"
#include "telemetry/log.h"

namespace grantkeep {

using boost::asio::awaitable;

struct Provider::State {
  State(config::v1::Provider checked_record, Dependencies given)
      : id(checked_record.id()), record(std::move(checked_record)), dependencies(std::move(given)) {}

  const ProviderId id;
  const config::v1::Provider record;
  const Dependencies dependencies;
  std::vector<CidrBlock> allow_private;
  // The two below change, and belong to the loop.
  AuthenticatedPost post{record, dependencies, allow_private};
  std::optional<Discovery> discovery;  // set where the endpoints are not configured

  awaitable<TokenOutcome> RequestTokens(std::string token_endpoint, bool discovered,
                                        FormParameters parameters, TokenRequestKind kind, Tick deadline);
};

absl::StatusOr<std::unique_ptr<Provider>> Provider::Create(config::v1::Provider record,
                                                           Dependencies dependencies) {
  MetadataExpectation expected;
  const bool chosen_by_default =
      record.client_authentication() == config::v1::CLIENT_AUTHENTICATION_UNSPECIFIED;
  FillDefaults(record);
  RETURN_IF_ERROR(CheckRecord(record, dependencies.development));
  expected.issuer = record.issuer();
  expected.pkce = record.pkce() != config::v1::PKCE_DISABLED;
  expected.development = dependencies.development;
  if (chosen_by_default) expected.client_authentication = record.client_authentication();

  auto state = std::make_unique<State>(std::move(record), std::move(dependencies));
  for (const std::string& range : state->record.allow_private()) {
    ASSIGN_OR_RETURN(CidrBlock block, CidrBlock::Parse(range));
    state->allow_private.push_back(std::move(block));
  }
  if (state->record.kind() == config::v1::PROVIDER_KIND_OAUTH && state->record.token_endpoint().empty()) {
    state->discovery.emplace(state->id.value(), std::move(expected), state->allow_private,
                             state->dependencies.http, state->dependencies.clock);
  }
  return std::unique_ptr<Provider>(new Provider(std::move(state)));
}

Provider::Provider(std::unique_ptr<State> state) : state_(std::move(state)) {}
Provider::~Provider() = default;

const ProviderId& Provider::id() const { return state_->id; }
const config::v1::Provider& Provider::record() const { return state_->record; }
bool Provider::is_static() const { return state_->record.kind() == config::v1::PROVIDER_KIND_STATIC; }

bool Provider::AllowsRedirectUri(std::string_view uri) const {
  if (is_static() || !ProblemWithRedirectUri(uri).empty()) return false;
  if (state_->dependencies.development && IsLoopbackLiteral(uri)) return true;
  const auto& configured = state_->record.redirect_uris();
  return std::any_of(configured.begin(), configured.end(),
                     [&](const std::string& allowed) { return RedirectUriMatches(allowed, uri); });
}

absl::Status Provider::CheckExtraParameters(const std::map<std::string, std::string>& extra_params) const {
  const config::v1::Provider& record = state_->record;
  for (const auto& [name, value] : extra_params) {
    // A name that is allowed nowhere may be anything: it is not repeated.
    if (IsProtocolParameter(name) || name == record.scope_parameter() ||
        record.authorization_parameters().contains(name)) {
      return FieldError("extra_params", fmt::format("{} is set by the service itself", name),
                        Reason::kParameterNotAllowed);
    }
    const auto& allowed = record.optional_authorization_parameters();
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      const std::string names = allowed.empty() ? "(none)" : fmt::format("{}", fmt::join(allowed, ", "));
      return FieldError("extra_params",
                        fmt::format("has a parameter that is not among optional_authorization_parameters of "
                                    "provider '{}'; allowed: {}",
                                    record.id(), names),
                        Reason::kParameterNotAllowed);
    }
  }
  return absl::OkStatus();
}

awaitable<absl::StatusOr<ServerMetadata>> Provider::Metadata(UrlParts parts, Tick deadline) {
  const config::v1::Provider& record = state_->record;
  if (is_static()) {
    co_return Error(Reason::kProviderIsStatic, fmt::format("provider '{}' has no endpoints", record.id()));
  }
  if (state_->discovery.has_value()) {
    absl::StatusOr<ServerMetadata> found = co_await state_->discovery->Get(deadline);
    if (found.ok() && record.iss_parameter_supported()) found->iss_parameter_supported = true;
    co_return found;
  }
  co_return ConfiguredMetadata(parts);
}

bool Provider::is_discovered() const { return state_->discovery.has_value(); }

awaitable<absl::Status> Provider::CheckClientSecrets(Tick deadline) {
  return state_->post.CheckSecrets(deadline);
}

ServerMetadata Provider::ConfiguredMetadata(const UrlParts& parts) const {
  const config::v1::Provider& record = state_->record;
  ServerMetadata configured;
  configured.issuer = ExpandUrl(record.issuer(), parts);
  configured.authorization_endpoint = ExpandUrl(record.authorization_endpoint(), parts);
  configured.token_endpoint = ExpandUrl(record.token_endpoint(), parts);
  configured.revocation_endpoint = ExpandUrl(record.revocation_endpoint(), parts);
  configured.iss_parameter_supported = record.iss_parameter_supported();
  return configured;
}

std::string Provider::AuthorizationUrl(const ServerMetadata& metadata,
                                       const AuthorizationRequest& request) const {
  return BuildAuthorizationUrl(state_->record, metadata, request);
}

awaitable<TokenOutcome> Provider::ExchangeCode(std::string token_endpoint, bool discovered, Secret code,
                                               Secret code_verifier, const std::string& redirect_uri,
                                               const std::vector<std::string>& resource, Tick deadline) {
  // Not a coroutine, so that the references need not outlive this call.
  FormParameters parameters;
  parameters.Add("grant_type", "authorization_code");
  parameters.Add("code", code.Expose());
  parameters.Add("redirect_uri", redirect_uri);
  if (state_->record.pkce() != config::v1::PKCE_DISABLED) {
    parameters.Add("code_verifier", code_verifier.Expose());
  }
  for (const std::string& uri : resource) parameters.Add("resource", uri);
  return state_->RequestTokens(std::move(token_endpoint), discovered, std::move(parameters),
                               TokenRequestKind::kCodeExchange, deadline);
}

awaitable<TokenOutcome> Provider::Refresh(std::string token_endpoint, bool discovered, Secret refresh_token,
                                          const std::string& redirect_uri,
                                          const std::vector<std::string>& resource, Tick deadline) {
  FormParameters parameters;
  parameters.Add("grant_type", "refresh_token");
  parameters.Add("refresh_token", refresh_token.Expose());
  if (state_->record.refresh_with_redirect_uri() && !redirect_uri.empty())
    parameters.Add("redirect_uri", redirect_uri);
  for (const std::string& uri : resource) parameters.Add("resource", uri);
  return state_->RequestTokens(std::move(token_endpoint), discovered, std::move(parameters),
                               TokenRequestKind::kRefresh, deadline);
}

awaitable<RevocationOutcome> Provider::Revoke(std::string revocation_endpoint, bool discovered,
                                              RevocableTokens tokens, Tick deadline) {
  return RevokeTokens(state_->record, state_->post, std::move(revocation_endpoint), discovered,
                      std::move(tokens), deadline);
}

Duration Provider::request_timeout() const {
  const auto& timeout = state_->record.request_timeout();
  return std::chrono::seconds(timeout.seconds()) +
         std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(timeout.nanos()));
}

awaitable<TokenOutcome> Provider::State::RequestTokens(std::string token_endpoint, bool discovered,
                                                       FormParameters parameters, TokenRequestKind kind,
                                                       Tick deadline) {
  const AuthenticatedPost::Manner manner = post.TokenRequestManner();
  AuthenticatedPost::Result result =
      co_await post.Send(std::move(token_endpoint), discovered, parameters, manner, deadline);
  if (!result.prepared.ok()) {
    TokenOutcome unsent;
    unsent.kind = TokenOutcome::Kind::kNotSent;
    unsent.status = result.prepared;
    unsent.sent_time = dependencies.clock.Now();
    co_return unsent;
  }
  TokenOutcome outcome = ParseTokenAnswer(record, result.answer, result.sent_time, kind);
  if (!outcome.remark.empty()) Log("provider").warn("{}", outcome.remark);
  // Some providers quote the request in their errors.
  const auto leaks = [&](std::string_view text) {
    return parameters.LeaksInto(text) || HoldsPieceOf(text, result.client_secret.Expose());
  };
  if (leaks(outcome.error_description)) outcome.error_description.clear();
  if (leaks(outcome.error)) {
    outcome.error = "unknown_error";
    outcome.status =
        Error(Reason::kProviderError, fmt::format("provider '{}': token endpoint: refused", record.id()));
  }
  co_return outcome;
}

}  // namespace grantkeep
