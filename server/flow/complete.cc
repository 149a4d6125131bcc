// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string_view>

#include "base/reason.h"
#include "base/status_macros.h"
#include "flow/callback.h"
#include "flow/flow.h"
#include "flow/new_grant.h"
#include "flow/sign_in_again.h"
#include "provider/provider.h"
#include "refresh/same_server.h"
#include "refresh/schedule.h"
#include "refresh/token_failure.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = CommitResult::Outcome;

constexpr size_t kGrantIdBytes = 16;
constexpr int kStoreTries = 4;
constexpr Duration kStoreTimeout = seconds(5);
constexpr Duration kStoreRetry = milliseconds(100);
constexpr Duration kRevokeTimeout = seconds(10);

absl::Status Describe(const TokenOutcome& outcome, const Provider& provider) {
  const bool about_the_code =
      outcome.kind == TokenOutcome::Kind::kRefused && !outcome.throttled() && !RefusesClient(outcome);
  if (!about_the_code) return FailureOf(outcome, provider.id());
  return Error(Reason::kCodeRejected,
               fmt::format("'{}' refused the code: {}{}{}", provider.id().value(), outcome.error,
                           outcome.error_description.empty() ? "" : ": ", outcome.error_description));
}

// Stores a new grant. A try whose answer was lost may have happened: the next finds its own record.
awaitable<absl::StatusOr<StoredGrant>> StoreNew(Grants& grants, Clock& clock, TenantId tenant,
                                                Wiped<storage::v1::Grant> grant, Time due) {
  const GrantId id(grant->grant_id());
  absl::Status failure;
  for (int tries = 0; tries < kStoreTries; ++tries) {
    if (tries > 0) co_await clock.SleepUntil(clock.Steady() + kStoreRetry * tries);
    std::vector<Write> also;
    also.push_back(DueAt(Grants::KeyOf(tenant, id), due));
    Wiped<storage::v1::Grant> copy = grant.Clone();
    absl::StatusOr<GrantCommit> commit =
        co_await grants.Commit(tenant, std::move(copy), 0, std::move(also), clock.Steady() + kStoreTimeout);
    if (commit.ok() && commit->current.has_value()) co_return std::move(*commit->current);
    failure =
        commit.ok() ? Error(Reason::kStoreUnavailable, "the new grant was not stored") : commit.status();
  }
  // The last try may have happened, too.
  absl::StatusOr<std::optional<StoredGrant>> loaded =
      co_await grants.Load(tenant, id, clock.Steady() + kStoreTimeout);
  if (loaded.ok() && loaded->has_value()) co_return std::move(**loaded);
  co_return failure;
}

// Tokens that nobody will ever use are not left alive at the provider.
awaitable<void> Abandon(Provider& provider, const TokenServer& server, const TokenSet& tokens, Clock& clock) {
  RevocableTokens alive{tokens.refresh_token.has_value() ? tokens.refresh_token->Clone() : Secret(),
                        tokens.access_token.Clone()};
  if (alive.refresh_token.empty() && alive.access_token.empty()) co_return;
  const RevocationOutcome revoked = co_await provider.Revoke(
      server.revocation_endpoint, server.discovered, std::move(alive), clock.Steady() + kRevokeTimeout);
  if (!revoked.confirmed()) {
    Log("flow").warn("tokens of '{}' that could not be stored were not revoked either: {}",
                     provider.id().value(), std::string(revoked.status.message()));
  }
}

}  // namespace

// One completion whose flow is taken, for Drain.
class AuthFlow::Completing {
 public:
  explicit Completing(AuthFlow& flow) : flow_(flow) {
    if (flow_.completing_++ == 0) flow_.idle_ = Event();
  }
  ~Completing() {
    if (--flow_.completing_ == 0) flow_.idle_.Set();
  }
  Completing(const Completing&) = delete;
  Completing& operator=(const Completing&) = delete;

 private:
  AuthFlow& flow_;
};

awaitable<void> AuthFlow::Drain(Tick deadline) {
  if (completing_ > 0) co_await idle_.Wait(clock_, deadline);
}

awaitable<absl::StatusOr<StoredGrant>> AuthFlow::Complete(Call call, CompleteAuthRequest request) {
  ASSIGN_OR_CO_RETURN(const Callback callback, ParseCallback(request));
  ASSIGN_OR_CO_RETURN(const std::string state, StateOf(callback));
  ASSIGN_OR_CO_RETURN(const Wiped<storage::v1::Flow> flow,
                      co_await flows_.Take(request.tenant, state, call.caller.identity,
                                           std::string(request.session_binding.Expose()), call.deadline));

  // The flow is ours alone from here on. The code leaves only after every check.
  const Completing completing(*this);
  ASSIGN_OR_CO_RETURN(std::string code, CheckCallback(callback, *flow));
  Provider* const provider = catalogue_.Find(ProviderId(flow->provider()));
  ASSIGN_OR_CO_RETURN(const TokenServer server, ServerOf(provider, *flow));
  const GrantId renewed(flow->grant_id());
  if (!renewed.empty()) {
    // Nobody asks for tokens that have no place to be.
    absl::Status found =
        co_await FindRenewable(grants_, request.tenant, SubjectId(flow->subject()),
                               ProviderId(flow->provider()), renewed, clock_.Steady() + kStoreTimeout);
    if (!found.ok()) co_return found;
  }
  // Expiry counts from here, on the clock that it will be judged by.
  const Time sent = store_.Now();
  TokenOutcome outcome = co_await provider->ExchangeCode(
      server.token_endpoint, server.discovered, Secret::Take(std::move(code)), Secret(flow->code_verifier()),
      flow->redirect_uri(), std::vector<std::string>(flow->resource().begin(), flow->resource().end()),
      clock_.Steady() + provider->request_timeout());
  outcome.sent_time = sent;
  if (outcome.kind != TokenOutcome::Kind::kGranted || !outcome.status.ok()) {
    if (outcome.kind == TokenOutcome::Kind::kGranted)
      co_await Abandon(*provider, server, outcome.tokens, clock_);
    co_return Describe(outcome, *provider);
  }

  absl::StatusOr<StoredGrant> stored = absl::UnknownError("");
  if (renewed.empty()) {
    Wiped<storage::v1::Grant> grant = NewGrant(*flow, outcome, provider->record(),
                                               "gr_" + RandomToken(random_, kGrantIdBytes), store_.Now());
    const Time due = DueTime(*grant, provider->record(), RandomFraction(random_));
    stored = co_await StoreNew(grants_, clock_, request.tenant, std::move(grant), due);
  } else {
    const SignInRooms rooms{grants_, store_, clock_, random_};
    stored = co_await StoreRenewed(rooms, request.tenant, *flow, outcome, provider->record());
  }
  if (!stored.ok()) {
    co_await Abandon(*provider, server, outcome.tokens, clock_);
    co_return stored.status();
  }
  const GrantId id(stored->grant->grant_id());
  const absl::Status indexed =
      co_await grants_.Index(request.tenant, SubjectId(flow->subject()), id, clock_.Steady() + kStoreTimeout);
  if (!indexed.ok()) {
    Log("flow").warn("grant {}: not listed under its subject: {}", id.value(),
                     std::string(indexed.message()));
  }
  co_return std::move(*stored);
}

}  // namespace grantkeep
