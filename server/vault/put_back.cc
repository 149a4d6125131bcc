// SPDX-License-Identifier: Apache-2.0
#include "vault/put_back.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "base/reason.h"
#include "telemetry/log.h"
#include "vault/cached_records.h"
#include "vault/currency.h"
#include "vault/grants.h"
#include "vault/sealed.h"
#include "vault/static_secrets.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

// Records that are compared at a time.
constexpr int kAtOnce = 64;
constexpr Duration kTimeout = std::chrono::seconds(5);
// Between two tries while the store does not answer.
constexpr Duration kPause = std::chrono::seconds(1);

// What time mends: the store does not answer, or may not be written before it is adopted.
bool MustWait(const absl::Status& status) {
  return IsOutage(status) || HasReason(status, Reason::kStoreNotAdopted);
}

}  // namespace

class PutBack::Walk {
 public:
  explicit Walk(CachedRecords& records) : records_(records) {}

  CachedRecords& records() { return records_; }
  std::optional<Key> Next() {
    if (keys_.empty()) keys_ = records_.Walk(position_);
    if (keys_.empty()) return std::nullopt;
    Key key = std::move(keys_.back());
    keys_.pop_back();
    return key;
  }

 private:
  CachedRecords& records_;
  SnapshotCache::Position position_;
  std::vector<Key> keys_;
};

bool PutBack::Begin() {
  const std::lock_guard lock(mutex_);
  ++losses_;
  return !std::exchange(running_, true);
}

awaitable<void> PutBack::Run() {
  for (;;) {
    uint64_t loss = 0;
    {
      const std::lock_guard lock(mutex_);
      loss = losses_;
    }
    Counts keyrings;
    Counts grants;
    Counts secrets;
    co_await SweepKeyrings(loss, keyrings);
    co_await Sweep(grants_.cached_records(), loss, grants);
    co_await Sweep(static_secrets_.cached_records(), loss, secrets);
    const Counts all{.compared = keyrings.compared + grants.compared + secrets.compared,
                     .put_back = keyrings.put_back + grants.put_back + secrets.put_back,
                     .buried = keyrings.buried + grants.buried + secrets.buried,
                     .failed = keyrings.failed + grants.failed + secrets.failed};
    if (!End(loss, all)) continue;
    Log("vault").warn(
        "the store may have lost writes: compared {} records in memory with it; put back {} keyrings, {} "
        "grants and {} static secrets, wrote {} tombstones again; {} could not be compared",
        all.compared, keyrings.put_back, grants.put_back, secrets.put_back, all.buried, all.failed);
    co_return;
  }
}

awaitable<void> PutBack::SweepKeyrings(uint64_t loss, Counts& counts) {
  const std::vector<TenantId> tenants = records_.keyrings();
  for (const TenantId& tenant : tenants) {
    while (IsLast(loss)) {
      const auto put_back = co_await records_.PutKeyringBack(tenant, clock_.Steady() + kTimeout);
      if (MustWait(put_back.status())) {
        co_await clock_.SleepUntil(clock_.Steady() + kPause);
        continue;
      }
      ++counts.compared;
      if (!put_back.ok()) {
        ++counts.failed;
        Log("vault").error("{}", std::string(put_back.status().message()));
      } else if (*put_back) {
        ++counts.put_back;
      }
      break;
    }
  }
}

awaitable<void> PutBack::Sweep(CachedRecords& records, uint64_t loss, Counts& counts) {
  const auto executor = co_await boost::asio::this_coro::executor;
  Walk walk(records);
  using Comparing =
      decltype(boost::asio::co_spawn(executor, Compare(walk, loss, counts), boost::asio::deferred));
  std::vector<Comparing> comparing;
  comparing.reserve(kAtOnce);
  for (int i = 0; i < kAtOnce; ++i) {
    comparing.push_back(boost::asio::co_spawn(executor, Compare(walk, loss, counts), boost::asio::deferred));
  }
  auto all = boost::asio::experimental::make_parallel_group(std::move(comparing));
  co_await all.async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
}

awaitable<void> PutBack::Compare(Walk& walk, uint64_t loss, Counts& counts) {
  while (IsLast(loss)) {
    const std::optional<Key> key = walk.Next();
    if (!key.has_value()) co_return;
    while (IsLast(loss)) {
      const auto finding = co_await walk.records().Compare(*key, clock_.Steady() + kTimeout);
      if (MustWait(finding.status())) {
        co_await clock_.SleepUntil(clock_.Steady() + kPause);
        continue;
      }
      ++counts.compared;
      if (!finding.ok()) {
        ++counts.failed;
        Log("vault").error("{}", std::string(finding.status().message()));
      } else if (*finding != CachedRecords::Finding::kAgree) {
        ++(*finding == CachedRecords::Finding::kRestored ? counts.put_back : counts.buried);
      }
      break;
    }
  }
}

bool PutBack::IsLast(uint64_t loss) const {
  const std::lock_guard lock(mutex_);
  return losses_ == loss;
}

bool PutBack::End(uint64_t loss, const Counts& counts) {
  const std::lock_guard lock(mutex_);
  if (losses_ != loss) return false;
  running_ = false;
  last_ = counts;
  return true;
}

PutBack::Counts PutBack::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace grantkeep
