// SPDX-License-Identifier: Apache-2.0
#include "vault/flows.h"

#include <utility>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/digest.h"
#include "vault/fields.h"
#include "vault/sealed.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

constexpr Revision kFirstRevision = 1;

// A copy of the store shows no state, so it gives nobody a flow.
Key KeyOf(const TenantId& tenant, std::string_view state) {
  const Fields fields(tenant.value(), state);
  return Key::Of(Kind::kFlow, tenant, Sha256(fields.view()));
}

std::string GuardOf(std::string_view caller, std::string_view session_binding) {
  const Fields fields(caller, session_binding);
  return Sha256(fields.view());
}

absl::Status NotFound() {
  return Error(
      Reason::kFlowNotFound,
      "no such flow: it is unknown, expired, already completed, or was begun by another caller or browser "
      "session");
}

}  // namespace

awaitable<absl::Status> Flows::Put(TenantId tenant, std::string state, std::string session_binding,
                                   Wiped<storage::v1::Flow> flow, Duration lifetime, Tick deadline) {
  const Key key = KeyOf(tenant, state);
  std::string guard = GuardOf(flow->caller(), session_binding);
  WipeString(session_binding);
  WipeString(state);
  const Secret payload = Secret::Take(flow->SerializeAsString());
  auto sealed = co_await records_.Seal(key, kFirstRevision, payload.Expose(), deadline);
  if (!sealed.ok()) co_return Annotate(sealed.status(), "sealing a flow");
  std::vector<Write> writes;
  writes.emplace_back(grantkeep::Put{key, 0, std::move(*sealed), lifetime, std::move(guard)});
  const auto committed = co_await store_.Commit(std::move(writes), deadline);
  if (!committed.ok()) co_return Annotate(committed.status(), "storing a flow");
  if (committed->outcome != CommitResult::Outcome::kDone) {
    co_return Error(Reason::kInternal, "a flow with the same state exists");
  }
  co_return absl::OkStatus();
}

awaitable<absl::StatusOr<Wiped<storage::v1::Flow>>> Flows::Take(TenantId tenant, std::string state,
                                                                std::string caller,
                                                                std::string session_binding, Tick deadline) {
  const Key key = KeyOf(tenant, state);
  std::string guard = GuardOf(caller, session_binding);
  WipeString(session_binding);
  WipeString(state);
  auto taken = co_await store_.Take(key, std::move(guard), kBurnAfter, deadline);
  if (!taken.ok()) co_return Annotate(taken.status(), "taking a flow");
  if (taken->outcome != TakeResult::Outcome::kTaken) co_return NotFound();
  auto payload = co_await records_.Open(key, taken->revision, taken->value, deadline);
  if (!payload.ok()) co_return Annotate(payload.status(), "opening a flow");
  Wiped<storage::v1::Flow> flow;
  if (!flow->ParseFromArray(payload->Expose().data(), static_cast<int>(payload->size()))) {
    co_return Error(Reason::kStoreCorrupt, "a sealed flow cannot be read");
  }
  co_return flow;
}

}  // namespace grantkeep
