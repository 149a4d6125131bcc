// SPDX-License-Identifier: Apache-2.0
#include "vault/keyrings.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "telemetry/log.h"
#include "vault/sealed_format.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

constexpr uint32_t kFirstVersion = 1;

// A keyring is its tenant's only record of this kind.
Key KeyringKey(const TenantId& tenant) { return Key::Of(Kind::kKeyring, tenant, "keyring"); }

absl::Status Damaged(const TenantId& tenant, std::string_view what) {
  return Error(Reason::kStoreCorrupt, fmt::format("keyring of tenant {}: {}", tenant.value(), what));
}

// Whether the record `whole` has each key of the record `part`, wrapped in the same way.
bool HasAllKeysOf(const std::string& whole, const std::string& part) {
  storage::v1::Keyring all;
  storage::v1::Keyring some;
  if (!all.ParseFromString(whole) || !some.ParseFromString(part)) return false;
  return std::ranges::all_of(some.keks(), [&](const auto& wanted) {
    return std::ranges::any_of(all.keks(), [&](const auto& kek) {
      return kek.version() == wanted.version() && kek.wrapped_kek() == wanted.wrapped_kek();
    });
  });
}

}  // namespace

// Waiters may be on several loops: each is woken by a handler on its own executor.
class Keyrings::Load {
 public:
  // The outcome; nothing at `deadline`, or when the load ended without one.
  awaitable<std::optional<absl::Status>> Wait(Clock& clock, Tick deadline) {
    const auto waiter = std::make_shared<Waiter>();
    waiter->executor = co_await boost::asio::this_coro::executor;
    if (Enlist(waiter)) {
      auto woken = boost::asio::bind_cancellation_slot(waiter->wake.slot(),
                                                       boost::asio::as_tuple(boost::asio::use_awaitable));
      awaitable<void> sleep = clock.SleepUntil(deadline);
      co_await boost::asio::co_spawn(waiter->executor, std::move(sleep), woken);
    }
    std::lock_guard lock(mutex_);
    co_return outcome_;
  }

  void End(std::optional<absl::Status> outcome) {
    std::vector<std::shared_ptr<Waiter>> waiters;
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
      outcome_ = std::move(outcome);
      waiters.swap(waiters_);
    }
    for (const auto& waiter : waiters) {
      boost::asio::post(waiter->executor,
                        [waiter] { waiter->wake.emit(boost::asio::cancellation_type::terminal); });
    }
  }

 private:
  struct Waiter {
    boost::asio::any_io_executor executor;
    boost::asio::cancellation_signal wake;
  };

  // False when the load has ended already.
  bool Enlist(const std::shared_ptr<Waiter>& waiter) {
    std::lock_guard lock(mutex_);
    if (!ended_) waiters_.push_back(waiter);
    return !ended_;
  }

  std::mutex mutex_;
  bool ended_ = false;
  std::optional<absl::Status> outcome_;
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

awaitable<Keyrings::Result> Keyrings::Get(TenantId tenant, IfAbsent if_absent, Tick deadline) {
  const LoadName name(tenant.value(), if_absent);
  for (;;) {
    if (auto keyring = cache_.Find(tenant.value())) co_return keyring;
    const auto mine = std::make_shared<Load>();
    const std::shared_ptr<Load> under_way = JoinOrBegin(name, mine);
    if (under_way == nullptr) co_return co_await Lead(name, mine, deadline);
    const std::optional<absl::Status> outcome = co_await under_way->Wait(clock_, deadline);
    // A load that ran out of its own caller's time says nothing about ours.
    const bool conclusive = outcome.has_value() && !HasReason(*outcome, Reason::kDeadline);
    if (conclusive && !outcome->ok()) co_return *outcome;
    if (clock_.Steady() >= deadline) {
      co_return Error(Reason::kDeadline, fmt::format("waiting for the keyring of tenant {}", tenant.value()));
    }
  }
}

std::shared_ptr<Keyrings::Load> Keyrings::JoinOrBegin(const LoadName& name,
                                                      const std::shared_ptr<Load>& mine) {
  std::lock_guard lock(mutex_);
  const auto [entry, begun] = loads_.emplace(name, mine);
  return begun ? nullptr : entry->second;
}

awaitable<Keyrings::Result> Keyrings::Lead(LoadName name, std::shared_ptr<Load> load, Tick deadline) {
  // Also when this coroutine is destroyed while it waits.
  struct Landing {
    Keyrings& keyrings;
    const LoadName& name;
    Load& load;
    std::optional<absl::Status> outcome;
    ~Landing() {
      {
        std::lock_guard lock(keyrings.mutex_);
        keyrings.loads_.erase(name);
      }
      load.End(std::move(outcome));
    }
  } landing{*this, name, *load, std::nullopt};
  TenantId tenant(name.first);
  Result keyring = co_await LoadOrCreate(std::move(tenant), name.second, deadline);
  landing.outcome = keyring.status();
  co_return keyring;
}

awaitable<Keyrings::Result> Keyrings::Reload(TenantId tenant, Tick deadline) {
  return LoadOrCreate(std::move(tenant), IfAbsent::kFail, deadline);
}

awaitable<Keyrings::Result> Keyrings::LoadOrCreate(TenantId tenant, IfAbsent if_absent, Tick deadline) {
  const Key key = KeyringKey(tenant);
  ASSIGN_OR_CO_RETURN(std::optional<Record> record, co_await store_.Get(key, deadline));
  if (!record.has_value() && if_absent == IfAbsent::kCreate && store_.HoldUntil() > clock_.Steady()) {
    const absl::Status waited = co_await WaitOutHold(tenant, deadline);
    if (!waited.ok()) co_return waited;
    ASSIGN_OR_CO_RETURN(record, co_await store_.Get(key, deadline));
  }
  if (!record.has_value() && if_absent == IfAbsent::kCreate) {
    const absl::Status created = co_await Create(tenant, deadline);
    if (!created.ok()) co_return created;
    // Whoever else created one meanwhile: what the store holds is the keyring.
    ASSIGN_OR_CO_RETURN(record, co_await store_.Get(key, deadline));
  }
  if (!record.has_value()) {
    co_return Error(Reason::kKeyUnavailable, fmt::format("tenant {} has no keyring", tenant.value()));
  }
  ASSIGN_OR_CO_RETURN(std::shared_ptr<const Keyring> keyring, co_await Unwrap(std::move(*record), deadline));
  co_return cache_.Insert(tenant.value(), std::move(keyring));
}

// Who remembers the tenant's keyring is given the time to put it back: under a second one nothing that
// was sealed under the first could be read.
awaitable<absl::Status> Keyrings::WaitOutHold(TenantId tenant, Tick deadline) {
  for (;;) {
    const Tick until = store_.HoldUntil();
    const Tick now = clock_.Steady();
    if (until <= now) co_return absl::OkStatus();
    if (until >= deadline) {
      co_return RetryableError(
          Reason::kStoreUnavailable,
          fmt::format("the keyring of tenant {} may have been lost and is waited for", tenant.value()),
          std::chrono::ceil<Duration>(until - now));
    }
    co_await clock_.SleepUntil(until);
  }
}

awaitable<absl::Status> Keyrings::Create(TenantId tenant, Tick deadline) {
  Secret kek = Secret::OfSize(AesGcm::kKeySize);
  random_.Fill(kek.Mutable());
  const Fields aad = KekAad(tenant.value(), kFirstVersion);
  auto wrapped = co_await root_.Wrap(kek.Expose(), aad.view(), deadline);
  if (!wrapped.ok()) co_return Annotate(wrapped.status(), "wrapping a new keyring");
  storage::v1::Keyring keyring;
  keyring.set_format(kSealedFormat);
  keyring.set_root_key_id(root_.key_id());
  keyring.set_primary_version(kFirstVersion);
  auto& first = *keyring.add_keks();
  first.set_version(kFirstVersion);
  first.set_wrapped_kek(std::move(*wrapped));
  first.set_create_time_us(ToMicros(store_.Now()));
  std::vector<Write> writes;
  writes.emplace_back(Put{KeyringKey(tenant), 0, keyring.SerializeAsString(), std::nullopt, std::nullopt});
  const auto committed = co_await store_.Commit(std::move(writes), deadline);
  co_return Annotate(committed.status(), "creating a keyring");
}

awaitable<Keyrings::Result> Keyrings::Unwrap(Record record, Tick deadline) {
  const TenantId& tenant = record.key.tenant;
  storage::v1::Keyring stored;
  if (!stored.ParseFromString(record.value) || stored.format() != kSealedFormat) {
    co_return Damaged(tenant, "cannot be read");
  }
  if (stored.root_key_id() != root_.key_id()) {
    co_return Error(
        Reason::kKeyUnavailable,
        fmt::format("keyring of tenant {} is wrapped by root key {}, but the service was started with "
                    "root key {}: start it with the key that this store was written with",
                    tenant.value(), stored.root_key_id(), root_.key_id()));
  }
  std::vector<Keyring::Kek> keks;
  bool has_primary = false;
  for (const auto& kek : stored.keks()) {
    const Fields aad = KekAad(tenant.value(), kek.version());
    auto key = co_await root_.Unwrap(kek.wrapped_kek(), aad.view(), deadline);
    if (HasReason(key.status(), Reason::kStoreCorrupt)) {
      co_return Damaged(tenant, fmt::format("key version {} does not authenticate", kek.version()));
    }
    if (!key.ok()) co_return Annotate(key.status(), fmt::format("keyring of tenant {}", tenant.value()));
    auto cipher = AesGcm::Create(std::move(*key));
    if (!cipher.ok()) co_return Damaged(tenant, "a key has the wrong size");
    keks.push_back({kek.version(), std::move(*cipher)});
    has_primary |= kek.version() == stored.primary_version();
  }
  if (!has_primary) co_return Damaged(tenant, "the primary key version is missing");
  co_return std::make_shared<const Keyring>(record.revision, stored.primary_version(), std::move(keks),
                                            std::move(record.value));
}

awaitable<absl::StatusOr<bool>> Keyrings::PutBack(TenantId tenant, Tick deadline) {
  const std::shared_ptr<const Keyring> ours = cache_.Find(tenant.value());
  if (ours == nullptr) co_return false;
  const Key key = KeyringKey(tenant);
  ASSIGN_OR_CO_RETURN(std::optional<Record> stored, co_await store_.Get(key, deadline));
  const bool lost = !stored.has_value() ||
                    (stored->revision < ours->revision() && HasAllKeysOf(ours->record(), stored->value));
  if (lost) {
    std::vector<Write> writes;
    const Revision behind = stored.has_value() ? stored->revision : 0;
    writes.emplace_back(Restore{key, behind, ours->revision(), ours->record()});
    ASSIGN_OR_CO_RETURN(CommitResult result, co_await store_.Commit(std::move(writes), deadline));
    if (result.outcome == CommitResult::Outcome::kDone) co_return true;
    stored = std::move(result.current);
    if (!stored.has_value()) co_return false;
  }
  if (stored->revision == ours->revision() && stored->value == ours->record()) co_return false;
  if (!HasAllKeysOf(stored->value, ours->record())) {
    Log("vault").error(
        "tenant {}: the store has another keyring than this process remembers; what was "
        "sealed under keys that are not in it cannot be read any more",
        tenant.value());
  }
  ASSIGN_OR_CO_RETURN(std::shared_ptr<const Keyring> keyring, co_await Unwrap(*std::move(stored), deadline));
  cache_.Replace(tenant.value(), std::move(keyring));
  co_return false;
}

std::vector<TenantId> Keyrings::InMemory() const {
  std::vector<TenantId> tenants;
  for (std::string& tenant : cache_.Tenants()) tenants.emplace_back(std::move(tenant));
  return tenants;
}

}  // namespace grantkeep
