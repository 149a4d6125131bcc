// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SPLIT_STORE_H_
#define GRANTKEEP_STORE_SPLIT_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/store.h"

namespace grantkeep {

// Two stores as one: flows live in `ephemeral`, which may lose them, and everything else in `vault`.
//
//  1. Identity, clock, health, coherence, hold and losses are the vault's. Adopt is for the vault: the
//     flows of another store are minutes old and nobody's.
//  2. A commit that names flows and other records is a bug: kInternal, and nothing is written. So is a
//     due entry of a flow, which ClaimDue would never find.
//  3. Changes of both are reported, from threads of either: perhaps from two at once.
class SplitStore final : public Store {
 public:
  SplitStore(std::unique_ptr<Store> vault, std::unique_ptr<Store> ephemeral);

  StoreIdentity identity() const override { return vault_->identity(); }
  uint64_t adopted_in() const override { return vault_->adopted_in(); }
  Time Now() const override { return vault_->Now(); }
  absl::Status health() const override { return vault_->health(); }
  CoherenceEpoch epoch() const override { return vault_->epoch(); }
  Tick CurrentUntil(CoherenceEpoch epoch) const override { return vault_->CurrentUntil(epoch); }
  Tick HoldUntil() const override { return vault_->HoldUntil(); }

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
  Store& Of(const Key& key) { return key.kind == Kind::kFlow ? *ephemeral_ : *vault_; }

  const std::unique_ptr<Store> vault_;
  const std::unique_ptr<Store> ephemeral_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SPLIT_STORE_H_
