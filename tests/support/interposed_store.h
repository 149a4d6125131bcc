// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_INTERPOSED_STORE_H_
#define GRANTKEEP_TESTS_SUPPORT_INTERPOSED_STORE_H_

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"

namespace grantkeep::testing {

// A real store that counts operations, fails on request, and lets something happen around a read or
// a commit.
class InterposedStore final : public Store {
 public:
  template <typename T>
  using Answer = boost::asio::awaitable<absl::StatusOr<T>>;

  explicit InterposedStore(Store& store) : store_(store) {}

  // Given: every operation answers so, and nothing is done.
  std::optional<absl::Status> failure;
  // The next that many commits fail, and nothing is done.
  int commits_refused = 0;
  // The next that many commits are done, and answer as if nobody knew.
  int commit_answers_lost = 0;
  std::function<boost::asio::awaitable<void>()> before_get;
  // Called once, then forgotten.
  std::function<boost::asio::awaitable<void>()> before_next_commit;
  std::function<void()> after_next_commit;
  int gets = 0;
  int gets_answered = 0;
  int commits = 0;
  int commits_answered = 0;
  int claims = 0;
  size_t claimed = 0;  // entries, by all of them
  int under_way = 0;   // operations that have not answered yet
  std::vector<Write> last_commit;

  // What is said of a read's currency: given, instead of the real store's.
  std::optional<Tick> current_until;
  std::atomic<CoherenceEpoch> current_epoch = 1;
  Tick hold_until = Tick::min();

  StoreIdentity identity() const override { return store_.identity(); }
  uint64_t adopted_in() const override { return store_.adopted_in(); }
  Time Now() const override { return store_.Now(); }
  absl::Status health() const override { return failure.value_or(store_.health()); }
  CoherenceEpoch epoch() const override { return current_epoch; }
  Tick CurrentUntil(CoherenceEpoch epoch) const override {
    if (epoch != current_epoch) return Tick::min();
    return current_until.value_or(store_.CurrentUntil(store_.epoch()));
  }
  Tick HoldUntil() const override { return hold_until; }

  Answer<std::optional<Record>> Get(Key key, Tick deadline) override {
    const UnderWay operation(under_way);
    ++gets;
    if (before_get) co_await before_get();
    if (failure) co_return *failure;
    absl::StatusOr<std::optional<Record>> record = co_await store_.Get(std::move(key), deadline);
    ++gets_answered;
    co_return record;
  }
  Answer<CommitResult> Commit(std::vector<Write> writes, Tick deadline) override {
    const UnderWay operation(under_way);
    ++commits;
    if (auto hook = std::exchange(before_next_commit, nullptr)) co_await hook();
    if (failure) co_return *failure;
    if (commits_refused > 0) {
      --commits_refused;
      co_return absl::UnavailableError("interposed: not done");
    }
    last_commit = writes;
    absl::StatusOr<CommitResult> result = co_await store_.Commit(std::move(writes), deadline);
    ++commits_answered;
    if (auto hook = std::exchange(after_next_commit, nullptr)) hook();
    if (commit_answers_lost > 0) {
      --commit_answers_lost;
      co_return absl::DeadlineExceededError("interposed: done, but nobody knows");
    }
    co_return result;
  }
  Answer<TakeResult> Take(Key key, std::string guard, uint32_t burn_after, Tick deadline) override {
    const UnderWay operation(under_way);
    if (failure) co_return *failure;
    co_return co_await store_.Take(std::move(key), std::move(guard), burn_after, deadline);
  }
  Answer<std::vector<DueItem>> ClaimDue(Partition partition, size_t limit, Duration lease,
                                        Tick deadline) override {
    const UnderWay operation(under_way);
    ++claims;
    if (failure) co_return *failure;
    absl::StatusOr<std::vector<DueItem>> items = co_await store_.ClaimDue(partition, limit, lease, deadline);
    if (items.ok()) claimed += items->size();
    co_return items;
  }
  Answer<Page> Scan(Partition partition, Kind kind, TenantId tenant, std::string after, size_t limit,
                    Tick deadline) override {
    const UnderWay operation(under_way);
    if (failure) co_return *failure;
    co_return co_await store_.Scan(partition, kind, std::move(tenant), std::move(after), limit, deadline);
  }
  Answer<StoreIdentity> Adopt(Adoption as, Tick deadline) override {
    if (failure) co_return *failure;
    co_return co_await store_.Adopt(as, deadline);
  }
  // The listener is told of the real store's changes, and of what a test says with Tell.
  void OnChange(std::function<void(const Change&)> listener) override {
    listener_ = listener;
    store_.OnChange(std::move(listener));
  }
  void OnLoss(std::function<void()> listener) override { loss_listener_ = std::move(listener); }
  // What another process has changed.
  void Tell(const Key& key) { listener_({key, 0}); }
  void TellLoss() { loss_listener_(); }

 private:
  class UnderWay {
   public:
    explicit UnderWay(int& count) : count_(count) { ++count_; }
    ~UnderWay() { --count_; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

   private:
    int& count_;
  };

  std::function<void(const Change&)> listener_;
  std::function<void()> loss_listener_;
  Store& store_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_INTERPOSED_STORE_H_
