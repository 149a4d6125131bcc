// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_GUARDED_STORE_H_
#define GRANTKEEP_STORE_GUARDED_STORE_H_

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"

namespace grantkeep {

// A store that is only read unless it is the one that the service was left with. Everything passes
// through; but while it is closed, what writes (Commit, Take, ClaimDue) is not done and fails with the
// judge's status. Adopt passes: it is the way out.
//
// The identity is looked at before every such operation, so that a store that turns out to be another
// at run time (a restored backup behind the same address) is closed before anything is written to it,
// and one that was adopted by another process opens by itself. Thread-safe; `store` must outlive it.
class GuardedStore final : public Store {
 public:
  // OK: a store with this identity may be written; otherwise why not. Called when the identity differs
  // from that of the call before, one call at a time, from any thread; must not call the guard.
  using Judge = std::function<absl::Status(const StoreIdentity&)>;

  GuardedStore(Store& store, Judge judge);

  // The verdict on the store as it is now.
  absl::Status CheckOpen();
  // The same, judged anew even if the identity is still the same.
  absl::Status JudgeAnew();

  StoreIdentity identity() const override { return store_.identity(); }
  uint64_t adopted_in() const override { return store_.adopted_in(); }
  Time Now() const override { return store_.Now(); }
  absl::Status health() const override { return store_.health(); }
  CoherenceEpoch epoch() const override { return store_.epoch(); }
  Tick CurrentUntil(CoherenceEpoch epoch) const override { return store_.CurrentUntil(epoch); }
  Tick HoldUntil() const override { return store_.HoldUntil(); }
  boost::asio::awaitable<absl::StatusOr<std::optional<Record>>> Get(Key key, Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<CommitResult>> Commit(std::vector<Write> writes,
                                                              Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<TakeResult>> Take(Key key, std::string guard, uint32_t burn_after,
                                                          Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<std::vector<DueItem>>> ClaimDue(Partition partition, size_t limit,
                                                                        Duration lease,
                                                                        Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<Page>> Scan(Partition partition, Kind kind, TenantId tenant,
                                                    std::string after, size_t limit, Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<StoreIdentity>> Adopt(Adoption as, Tick deadline) override;
  void OnChange(std::function<void(const Change&)> listener) override;
  void OnLoss(std::function<void()> listener) override;

 private:
  Store& store_;
  const Judge judge_;
  std::mutex mutex_;
  std::optional<StoreIdentity> judged_;
  absl::Status verdict_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_GUARDED_STORE_H_
