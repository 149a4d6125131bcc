// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/digest.h"
#include "flow/flow.h"
#include "flow/sign_in_again.h"
#include "flow/uri_parts.h"
#include "provider/provider.h"
#include "refresh/same_server.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

// 256 bits each (RFC 7636 section 7.1, RFC 6749 section 10.10).
constexpr size_t kVerifierBytes = 32;
constexpr size_t kStateBytes = 32;

// RFC 8707 section 2.
absl::Status CheckResources(const std::vector<std::string>& resources) {
  for (size_t i = 0; i < resources.size(); ++i) {
    const auto parsed = SplitUri(resources[i]);
    if (!parsed.has_value() || parsed->fragment.has_value()) {
      return FieldError(fmt::format("resource[{}]", i), "must be an absolute URI without fragment");
    }
  }
  return absl::OkStatus();
}

// Without `iss` on the callback only a redirect_uri of its own tells this provider's responses
// from another's (RFC 9700 section 4.4.2.2). Found by discovery: refused; configured: the
// operator was warned.
absl::Status CheckMixUpDefence(const Provider& provider, const ServerMetadata& metadata,
                               const std::string& redirect_uri, const Catalogue& catalogue) {
  if (!metadata.discovered || metadata.iss_parameter_supported) return absl::OkStatus();
  for (const Provider* other : catalogue.All()) {
    if (other == &provider || other->is_static() || !other->AllowsRedirectUri(redirect_uri)) continue;
    return FieldError(
        "redirect_uri",
        fmt::format("'{}' does not send iss on callbacks, so it needs a redirect URI that no other "
                    "provider has; '{}' shares this one",
                    provider.id().value(), other->id().value()),
        Reason::kIssuerUnprotected);
  }
  return absl::OkStatus();
}

}  // namespace

AuthFlow::AuthFlow(Flows& flows, Grants& grants, Store& store, Catalogue& catalogue, Clock& clock,
                   Random& random, Duration lifetime)
    : flows_(flows),
      grants_(grants),
      store_(store),
      catalogue_(catalogue),
      clock_(clock),
      random_(random),
      lifetime_(lifetime) {}

awaitable<absl::StatusOr<StartedFlow>> AuthFlow::Start(Call call, StartAuthRequest request) {
  Provider* const provider = catalogue_.Find(request.provider);
  if (provider == nullptr) {
    co_return FieldError("provider", fmt::format("'{}' is not configured", request.provider.value()),
                         Reason::kProviderNotFound);
  }
  if (provider->is_static()) {
    co_return FieldError("provider",
                         fmt::format("'{}' has long-lived keys and no sign-in flow: store the key with "
                                     "PutStaticSecret and read it with GetStaticSecret",
                                     request.provider.value()),
                         Reason::kProviderIsStatic);
  }
  if (!provider->AllowsRedirectUri(request.redirect_uri)) {
    co_return FieldError("redirect_uri",
                         fmt::format("is not one that provider '{}' allows", request.provider.value()),
                         Reason::kRedirectUriNotAllowed);
  }
  if (absl::Status checked = CheckResources(request.resource); !checked.ok()) co_return checked;
  if (!request.grant.empty()) {
    absl::Status found = co_await FindRenewable(grants_, request.tenant, request.subject, request.provider,
                                                request.grant, call.deadline);
    if (!found.ok()) co_return found;
  }
  if (absl::Status checked = provider->CheckExtraParameters(request.extra_params); !checked.ok())
    co_return checked;

  ASSIGN_OR_CO_RETURN(const UrlParts parts, ChooseUrlParts(provider->record(), request.url_parts));
  // A user should not sign in for a code that nobody can exchange.
  if (absl::Status checked = co_await provider->CheckClientSecrets(call.deadline); !checked.ok())
    co_return checked;
  ASSIGN_OR_CO_RETURN(const ServerMetadata metadata, co_await provider->Metadata(parts, call.deadline));
  if (absl::Status checked = CheckMixUpDefence(*provider, metadata, request.redirect_uri, catalogue_);
      !checked.ok()) {
    co_return checked;
  }

  const config::v1::Provider& record = provider->record();
  if (request.scopes.empty())
    request.scopes.assign(record.default_scopes().begin(), record.default_scopes().end());
  AuthorizationRequest authorization;
  authorization.state = RandomToken(random_, kStateBytes);
  authorization.redirect_uri = request.redirect_uri;
  authorization.scopes = request.scopes;
  authorization.resource = request.resource;
  authorization.login_hint = std::move(request.login_hint);
  authorization.extra_params = std::move(request.extra_params);

  const Time now = clock_.Now();
  Wiped<storage::v1::Flow> flow;
  if (record.pkce() != config::v1::PKCE_DISABLED) {
    Secret verifier = Secret::Take(RandomToken(random_, kVerifierBytes));
    authorization.code_challenge = Base64UrlEncode(Sha256(verifier.Expose()));
    flow->set_code_verifier(verifier.Expose().data(), verifier.size());
  }
  flow->set_provider(request.provider.value());
  KeepServer(metadata, parts, *flow);
  flow->set_iss_advertised(metadata.iss_parameter_supported);
  flow->set_redirect_uri(std::move(request.redirect_uri));
  flow->mutable_scopes()->Assign(request.scopes.begin(), request.scopes.end());
  flow->mutable_resource()->Assign(request.resource.begin(), request.resource.end());
  flow->set_subject(request.subject.value());
  flow->set_caller(call.caller.identity);
  flow->set_grant_id(request.grant.value());
  flow->set_create_time_us(ToMicros(now));

  const absl::Status stored =
      co_await flows_.Put(request.tenant, authorization.state, std::string(request.session_binding.Expose()),
                          std::move(flow), lifetime_, call.deadline);
  if (!stored.ok()) co_return stored;

  StartedFlow started;
  started.authorization_url = provider->AuthorizationUrl(metadata, authorization);
  started.state = std::move(authorization.state);
  started.expire_time = now + lifetime_;
  co_return started;
}

}  // namespace grantkeep
