// SPDX-License-Identifier: Apache-2.0
#include "daemon/store_adoption.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "telemetry/log.h"
#include "vault/sealed.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

// A store this far behind what is remembered is no backup: a number in the configuration is wrong.
constexpr uint64_t kMostEpochs = 1000;

absl::StatusOr<Adoption> AdoptionIn(const v1::AdoptStoreRequest& request) {
  switch (request.adoption()) {
    case v1::STORE_ADOPTION_RESTORE:
      return Adoption::kRestore;
    case v1::STORE_ADOPTION_CLONE:
      return Adoption::kClone;
    default:
      return FieldError("adoption", "must be RESTORE or CLONE");
  }
}

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

awaitable<absl::StatusOr<v1::AdoptStoreResponse>> StoreAdoption::Adopt(v1::AdoptStoreRequest request,
                                                                       Tick deadline) {
  ASSIGN_OR_CO_RETURN(const Adoption as, AdoptionIn(request));
  const absl::Status open = store_.CheckOpen();
  if (open.ok()) {
    co_return Error(Reason::kStoreAlreadyAdopted, "the store is the one that this service was left with");
  }
  if (!HasReason(open, Reason::kStoreNotAdopted)) co_return open;
  if (std::string id = store_.identity().id; request.store_id() != id) {
    co_return FieldError("store_id", fmt::format("is not that of the store, which is {}", id));
  }
  if (adopting_) co_return Error(Reason::kStoreAlreadyAdopted, "the store is being adopted by another call");
  adopting_ = true;
  const absl::StatusOr<StoreIdentity> adopted = co_await BeginEpoch(as, deadline);
  adopting_ = false;
  if (!adopted.ok()) co_return adopted.status();

  const absl::Status remembered = memory_.Remember(*adopted);
  const absl::Status opened = store_.JudgeAnew();
  Log("store").warn("the store was adopted as a {}: it is {} in epoch {} now",
                    as == Adoption::kRestore ? "restored backup" : "clone", adopted->id, adopted->epoch);
  if (!opened.ok()) co_return opened;
  // An empty store has not been marked with the root key yet.
  const absl::Status marked = co_await records_.CheckRootKey(deadline);
  if (!marked.ok()) Log("store").error("root key: {}", MessageOf(marked));
  if (!remembered.ok()) {
    co_return Error(Reason::kInternal,
                    fmt::format("the store is adopted ({} in epoch {}), but a restart will not know it: {}",
                                adopted->id, adopted->epoch, MessageOf(remembered)));
  }
  v1::AdoptStoreResponse response;
  response.set_store_id(adopted->id);
  response.set_epoch(adopted->epoch);
  co_return response;
}

awaitable<absl::StatusOr<StoreIdentity>> StoreAdoption::BeginEpoch(Adoption as, Tick deadline) {
  const std::optional<RememberedStore> before = memory_.remembered();
  const StoreIdentity store = store_.identity();
  // A store with the remembered id must pass the remembered epoch: what was used once is never used for
  // anything else. A clone gets an id of its own.
  const bool passes = as == Adoption::kRestore && before.has_value() && before->id == store.id;
  const uint64_t above = passes ? before->epoch : 0;
  if (above > store.epoch + kMostEpochs) {
    co_return Error(
        Reason::kStoreNotAdopted,
        fmt::format("the remembered epoch, {}, is far above the store's, {}: correct store.identity", above,
                    store.epoch));
  }
  for (;;) {
    const absl::StatusOr<StoreIdentity> next = co_await store_.Adopt(as, deadline);
    if (!next.ok()) co_return Annotate(next.status(), "adopting the store");
    if (next->epoch > above) co_return next;
  }
}

}  // namespace grantkeep
