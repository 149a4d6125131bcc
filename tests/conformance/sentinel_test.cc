// SPDX-License-Identifier: Apache-2.0
// Holds RedisStore to the Store contract through Sentinels, across failovers. One process runs all of it,
// because the group takes seconds to start.
#include "tests/conformance/redis_harness.h"
#include "tests/support/sentinel_group.h"

namespace grantkeep::testing {
namespace {

SentinelGroup& Group() {
  static auto& group = *[] {
    SentinelGroup::Options options;
    // They fail over when they are told to, and not because the machine is busy.
    options.down_after = std::chrono::seconds(5);
    auto* const started = new SentinelGroup(options);
    started->Start();
    return started;
  }();
  return group;
}

void FailOver() {
  RedisServer& old = Group().CurrentMaster();
  for (int attempt = 1;; ++attempt) {
    try {
      Group().Failover();
      Group().WaitForNewMaster(old, std::chrono::seconds(20));
      break;
    } catch (const std::runtime_error&) {
      // On a busy machine Sentinels give an attempt up when they have not heard of the replica in time.
      if (attempt == 3) throw;
    }
  }
  Group().WaitUntilWhole();
}

// A store that is opened again finds another master, which has what was acknowledged. Every tenth is
// failed over under its hands before its test begins.
class SentinelHarness final : public RedisHarness {
 public:
  SentinelHarness() : RedisHarness(RedisOptions(), Group().url()) {}

  std::unique_ptr<Store> Open() override {
    if (opened_++ > 0) FailOver();
    auto store = OpenRedis();
    static int harnesses = 0;
    if (opened_ == 1 && ++harnesses % 10 == 0) {
      FailOver();
      TestLoop loop;
      loop.RunUntil([&] { return store->health().ok() && store->HoldUntil() > Tick::min(); });
      WaitUntilReady(*store);
    }
    return store;
  }

 private:
  int opened_ = 0;
};

HarnessKind Sentinels() {
  return {"Sentinels", [] { return std::make_unique<SentinelHarness>(); }};
}

INSTANTIATE_TEST_SUITE_P(Redis, StoreConformance, ::testing::Values(Sentinels()), KindName);
INSTANTIATE_TEST_SUITE_P(Redis, DurableStoreConformance, ::testing::Values(Sentinels()), KindName);

}  // namespace
}  // namespace grantkeep::testing
