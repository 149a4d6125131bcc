// SPDX-License-Identifier: Apache-2.0
#include "daemon/store_memory.h"

#include <fmt/format.h>

#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

absl::Status NotAdopted(const StoreIdentity& store, const RememberedStore& remembered) {
  const std::string what =
      store.id == remembered.id
          ? fmt::format(
                "an older state of the one that this service was left with (its epoch is {}, "
                "remembered is {})",
                store.epoch, remembered.epoch)
          : fmt::format("not the one that this service was left with (its id is {}, remembered is {})",
                        store.id, remembered.id);
  return Error(Reason::kStoreNotAdopted,
               fmt::format("the store is {}: it is only read until somebody says what it is; run: grantkeep "
                           "admin adopt --as restore|clone",
                           what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<StoreMemory>> StoreMemory::Open(IdentitySettings settings) {
  std::unique_ptr<StoreMemory> memory(new StoreMemory(std::move(settings)));
  if (!memory->settings_.file.empty()) {
    ASSIGN_OR_RETURN(memory->remembered_, ReadIdentityFile(memory->settings_.file));
  } else {
    memory->remembered_ = memory->settings_.fixed;
  }
  if (!memory->remembers()) {
    Log("store").warn(
        "store.identity is not set: a restored backup or a clone of the store cannot be told from the store "
        "itself");
  }
  return memory;
}

absl::Status StoreMemory::Judge(const StoreIdentity& store) {
  if (!remembers()) return absl::OkStatus();
  if (store.id.empty()) {
    return RetryableError(Reason::kStoreUnavailable, "the store has not been reached yet",
                          std::chrono::seconds(1));
  }
  const std::lock_guard lock(mutex_);
  if (!remembered_.has_value()) {
    Log("store").info("the store {} in epoch {} is trusted, as the first one that was seen; remembered in {}",
                      store.id, store.epoch, settings_.file);
    KeepOrLog(store);
    return absl::OkStatus();
  }
  switch (CompareIdentity(store, *remembered_)) {
    case IdentityMatch::kSame:
      refused_.reset();
      return absl::OkStatus();
    case IdentityMatch::kNewer:
      Log("store").info("the store {} was adopted elsewhere: its epoch is {} now", store.id, store.epoch);
      KeepOrLog(store);
      return absl::OkStatus();
    case IdentityMatch::kUnknownId:
      // An epoch that is too low stays so: only a higher one can follow it.
      if (!refused_.has_value() || !WasAdoptedSince(*refused_, store)) return Refuse(store);
      Log("store").info("the store {} was adopted elsewhere; it is {} in epoch {} now", refused_->id,
                        store.id, store.epoch);
      KeepOrLog(store);
      return absl::OkStatus();
    case IdentityMatch::kOlderEpoch:
      return Refuse(store);
  }
  return Refuse(store);
}

absl::Status StoreMemory::Refuse(const StoreIdentity& store) {
  refused_ = store;
  absl::Status refused = NotAdopted(store, *remembered_);
  Log("store").error("{}", std::string_view(refused.message().data(), refused.message().size()));
  return refused;
}

absl::Status StoreMemory::Remember(const StoreIdentity& store) {
  const std::lock_guard lock(mutex_);
  return Keep(store);
}

absl::Status StoreMemory::Keep(const StoreIdentity& store) {
  const bool renamed = remembered_.has_value() && remembered_->id != store.id;
  refused_.reset();
  remembered_ = RememberedStore{store.id, store.epoch};
  if (!settings_.file.empty()) return WriteIdentityFile(settings_.file, *remembered_);
  if (renamed) {
    Log("store").warn(
        "write into the configuration, before the next start: store.identity: {{id: {}, epoch: {}}}",
        store.id, store.epoch);
  }
  return absl::OkStatus();
}

void StoreMemory::KeepOrLog(const StoreIdentity& store) {
  const absl::Status kept = Keep(store);
  if (kept.ok()) return;
  Log("store").error("the store's identity is not remembered: {}",
                     std::string_view(kept.message().data(), kept.message().size()));
}

std::optional<RememberedStore> StoreMemory::remembered() const {
  const std::lock_guard lock(mutex_);
  return remembered_;
}

}  // namespace grantkeep
