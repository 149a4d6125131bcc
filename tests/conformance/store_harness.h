// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_CONFORMANCE_STORE_HARNESS_H_
#define GRANTKEEP_TESTS_CONFORMANCE_STORE_HARNESS_H_

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/loop.h"
#include "store/store.h"
#include "tests/support/test_loop.h"

namespace grantkeep::testing {

// The system's clocks, moved on at will. Thread-safe.
class ShiftedClock final : public Clock {
 public:
  Time Now() const override { return system_.Now() + Duration(shift_us_.load()); }
  Tick Steady() const override { return system_.Steady() + Duration(shift_us_.load()); }
  boost::asio::awaitable<void> SleepUntil(Tick until) override {
    return system_.SleepUntil(until - Duration(shift_us_.load()));
  }
  void Advance(Duration by) { shift_us_ += by.count(); }

 private:
  SystemClock system_;
  std::atomic<int64_t> shift_us_ = 0;
};

// A place where stores can be opened, and its time. To hold another store to the contract, write
// one of these and instantiate the suites below with it (sqlite_test.cc shows how).
class StoreHarness {
 public:
  virtual ~StoreHarness() = default;
  // Opens the storage; the stores of one harness see the same records if it is durable. The caller
  // has destroyed the one before.
  virtual std::unique_ptr<Store> Open() = 0;
  virtual Clock& clock() = 0;
  // A time in which a test can do several operations, and which can be waited for.
  virtual Duration Moment() const = 0;
  // Returns when the store's time is `by` later.
  virtual void Pass(Store& store, Duration by) = 0;
};

struct HarnessKind {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>()> make;
};
inline std::string KindName(const ::testing::TestParamInfo<HarnessKind>& info) { return info.param.name; }

// What the suites share: an open store, and its operations called to their end on this thread. An
// operation that fails throws, which fails the test.
class StoreTest : public ::testing::TestWithParam<HarnessKind> {
 protected:
  StoreTest() : harness_(GetParam().make()), store_(harness_->Open()) {}

  void Reopen() {
    store_.reset();
    store_ = harness_->Open();
  }

  Tick Soon() { return harness_->clock().Steady() + std::chrono::seconds(60); }
  Duration Moment() const { return harness_->Moment(); }
  void Pass(Duration by) { harness_->Pass(*store_, by); }

  std::optional<Record> Get(Key key);
  std::string ValueOf(Key key);  // "(absent)" when there is no record
  Revision RevisionOf(Key key);  // 0 when there is no record
  CommitResult Commit(std::vector<Write> writes);
  CommitResult::Outcome OutcomeOf(std::vector<Write> writes) { return Commit(std::move(writes)).outcome; }
  TakeResult Take(Key key, std::string guard, uint32_t burn_after = 5);
  std::vector<DueItem> ClaimDue(Partition partition, size_t limit, Duration lease);
  Page Scan(Partition partition, Kind kind, std::string after, size_t limit);
  // All pages of a scan of SecretKeys. Throws when there are more than make sense.
  std::vector<Page> ScanPages(size_t limit);

  template <typename T>
  T Run(boost::asio::awaitable<absl::StatusOr<T>> task) {
    return loop_.Run(std::move(task)).value();
  }

  // Runs `racers` coroutines on each of `threads` loops of their own, all started at once; `racer`
  // is given a number from 0 on.
  void Race(size_t threads, size_t racers, const std::function<boost::asio::awaitable<void>(size_t)>& racer);

  TestLoop loop_;
  std::unique_ptr<StoreHarness> harness_;
  std::unique_ptr<Store> store_;
};

// Every store. Its tests are spread over files by subject.
class StoreConformance : public StoreTest {};
// Stores that outlive the process.
class DurableStoreConformance : public StoreTest {};

const TenantId& Acme();
// A grant of the tenant Acme.
Key GrantKey(std::string id);
// Several of these share a partition.
Key SecretKey(std::string id);

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_CONFORMANCE_STORE_HARNESS_H_
