// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_GATED_STORE_H_
#define GRANTKEEP_STORE_GATED_STORE_H_

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "store/store.h"

namespace grantkeep {

// A store that nobody may use before it was checked. Until Open() every operation fails with
// kStoreUnavailable and a time after which to come back; afterwards each is the other store's own.
// Listeners, clocks and health are the other store's from the beginning. It must outlive this one.
class GatedStore final : public Store {
 public:
  // When to come back, unless the store itself knows better.
  static constexpr Duration kComeBack = std::chrono::seconds(1);

  explicit GatedStore(Store& store) : store_(store) {}

  // Any thread; for good.
  void Open() { open_ = true; }

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
  absl::Status Closed() const;

  Store& store_;
  std::atomic<bool> open_{false};
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_GATED_STORE_H_
