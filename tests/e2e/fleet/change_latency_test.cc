// SPDX-License-Identifier: Apache-2.0
// How soon a change on one replica is seen on the others.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>

#include "net/loop.h"
#include "store/redis/redis_store.h"
#include "tests/e2e/fleet/fleet_test.h"
#include "tests/e2e/fleet/length.h"
#include "tests/support/redis_server.h"
#include "tests/support/test_loop.h"

namespace grantkeep::testing {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

class Latencies {
 public:
  void Add(steady_clock::duration latency) { all_.push_back(duration_cast<microseconds>(latency)); }
  // Below which `share` of them lie; the longest for 1.
  microseconds At(double share) {
    std::ranges::sort(all_);
    const auto index = static_cast<size_t>(share * static_cast<double>(all_.size()));
    return all_.at(std::min(index, all_.size() - 1));
  }
  void Print(std::string_view what) {
    std::cout << fmt::format("{} {}: p50 {} us, p99 {} us, p100 {} us\n", all_.size(), what, At(0.5).count(),
                             At(0.99).count(), At(1).count());
  }

 private:
  std::vector<microseconds> all_;
};

// The longest of ten thousand says as much about the machine as about the store: a thread that waits for a
// processor behind a compiler is late, whatever it is told. So the whole bound is for the long run, on a
// machine that does nothing else; the short one bounds what nearly all changes take, and that none is lost.
void ExpectSeenInTime(Latencies& latencies) {
  EXPECT_LT(latencies.At(0.99), 50ms);
  EXPECT_LT(latencies.At(1), ByLength(500ms, 50ms));
}

// When a store has told of each change of a record.
class Told {
 public:
  void Note(const Change& change) {
    const auto now = steady_clock::now();
    const std::lock_guard lock(mutex_);
    told_[change.key.id].push_back(now);
    changed_.notify_all();
  }
  size_t Count(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return told_[id].size();
  }
  // When it told for the (`before` + 1)th time; nothing: it has not within 20 s.
  std::optional<steady_clock::time_point> After(const std::string& id, size_t before) {
    std::unique_lock lock(mutex_);
    const auto& times = told_[id];
    if (!changed_.wait_for(lock, 20s, [&] { return times.size() > before; })) return std::nullopt;
    return times[before];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<steady_clock::time_point>> told_;
};

TEST(ChangeLatency, AChangeIsSeenOnAllOtherReplicasWithin50Milliseconds) {
  RedisServer redis;
  redis.Start();
  SystemClock clock;
  TestLoop loop;
  RedisOptions options;
  options.url = ParseRedisUrl(redis.url(), "url").value();
  std::array<Told, 3> told;
  std::vector<std::unique_ptr<RedisStore>> stores;
  for (Told& of_store : told) {
    stores.push_back(RedisStore::Open(options, clock).value());
    ASSERT_EQ(loop.Run(stores.back()->WaitUntilReady(clock.Steady() + 20s)), absl::OkStatus());
    stores.back()->OnChange([&of_store](const Change& change) { of_store.Note(change); });
  }

  constexpr size_t kKeys = 100;
  const size_t changes = ByLength<size_t>(1'000, 10'000);
  std::vector<Revision> revisions(kKeys);
  Latencies latencies;
  for (size_t i = 0; i < changes; ++i) {
    RedisStore& writer = *stores[i % stores.size()];
    const Key key = Key::Of(Kind::kGrant, TenantId("acme"), std::to_string(i % kKeys));
    std::vector<size_t> before;
    before.reserve(told.size());
    for (Told& of_store : told) before.push_back(of_store.Count(key.id));
    std::vector<Write> writes;
    writes.emplace_back(Put{.key = key, .replaces = revisions[i % kKeys]++, .value = std::string(600, 'v')});
    const auto begun = steady_clock::now();
    const auto done = loop.Run(writer.Commit(std::move(writes), clock.Steady() + 10s));
    ASSERT_TRUE(done.ok()) << done.status();
    ASSERT_EQ(done->outcome, CommitResult::Outcome::kDone);
    for (size_t other = 0; other < stores.size(); ++other) {
      if (stores[other].get() == &writer) continue;
      const auto seen = told[other].After(key.id, before[other]);
      ASSERT_TRUE(seen.has_value()) << i;
      latencies.Add(*seen - begun);
    }
  }
  latencies.Print("changes told to other stores, from before the write");
  ExpectSeenInTime(latencies);
}

class ChangeSeen : public FleetTest {
 protected:
  static Answer<v1::PutStaticSecretResponse> Put(const Caller& caller, const std::string& value) {
    v1::PutStaticSecretRequest request;
    request.set_tenant(World::kTenant);
    request.set_name("bot");
    request.set_value(value);
    return caller.PutStaticSecret(request);
  }
  static std::string Get(const Caller& caller) {
    v1::GetStaticSecretRequest request;
    request.set_tenant(World::kTenant);
    request.set_name("bot");
    return caller.GetStaticSecret(request)->value();
  }
};

TEST_F(ChangeSeen, AStaticSecretIsReadInItsNewVersionFromTheOtherReplicas) {
  StartFleet("");
  Latencies latencies;
  for (int i = 0; i < ByLength(200, 2'000); ++i) {
    const size_t writer = static_cast<size_t>(i) % fleet_->size();
    const std::string value = fmt::format("value {}", i);
    // All have the old one in memory.
    for (size_t replica = 0; i > 0 && replica < fleet_->size(); ++replica) {
      ASSERT_EQ(Get(*fleet_->caller(replica)), fmt::format("value {}", i - 1)) << replica;
    }
    const auto put = Put(*fleet_->caller(writer), value);
    ASSERT_TRUE(put.ok()) << put.status;
    const auto written = steady_clock::now();
    for (size_t replica = 0; replica < fleet_->size(); ++replica) {
      auto asked = steady_clock::now();
      while (Get(*fleet_->caller(replica)) != value) {
        ASSERT_LT(steady_clock::now() - written, 20s) << "replica " << replica << " has still the old value";
        asked = steady_clock::now();
      }
      // Of the call that brought it: what was asked later than that is answered with it, too.
      if (replica != writer) latencies.Add(asked - written);
    }
  }
  latencies.Print("changes read from other replicas, from the answer to the writer");
  ExpectSeenInTime(latencies);
}

}  // namespace
}  // namespace grantkeep::testing
