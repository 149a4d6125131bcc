// SPDX-License-Identifier: Apache-2.0
// Holds RedisStore to the Store contract, against a real redis-server.
#include <stdexcept>

#include "crypto/random.h"
#include "store/redis/redis_store.h"
#include "tests/conformance/store_harness.h"
#include "tests/support/redis_server.h"
#include "tests/support/test_ca.h"

namespace grantkeep::testing {
namespace {

// One server for all tests of a process; each harness has keys of its own.
RedisServer& PlainServer() {
  static auto& server = *[] {
    auto* const started = new RedisServer();
    started->Start();
    return started;
  }();
  return server;
}

class RedisHarness final : public StoreHarness {
 public:
  explicit RedisHarness(RedisOptions options) : options_(std::move(options)) {
    SystemRandom random;
    options_.key_prefix = "test-" + RandomToken(random, 9);
  }

  std::unique_ptr<Store> Open() override {
    auto store = RedisStore::Open(options_, clock_).value();
    TestLoop loop;
    const absl::Status ready = loop.Run(store->WaitUntilReady(clock_.Steady() + std::chrono::seconds(20)));
    if (!ready.ok()) throw std::runtime_error(std::string(ready.message()));
    return store;
  }
  Clock& clock() override { return clock_; }
  Duration Moment() const override { return std::chrono::milliseconds(50); }
  void Pass(Store& store, Duration by) override {
    const Time until = store.Now() + by;
    TestLoop loop;
    loop.RunUntil([&] { return store.Now() > until + std::chrono::milliseconds(2); });
  }

 private:
  RedisOptions options_;
  SystemClock clock_;
};

HarnessKind Plain() {
  return {"Tcp", [] {
            RedisOptions options;
            options.url = ParseRedisUrl(PlainServer().url(), "url").value();
            return std::make_unique<RedisHarness>(options);
          }};
}

INSTANTIATE_TEST_SUITE_P(Redis, StoreConformance, ::testing::Values(Plain()), KindName);
INSTANTIATE_TEST_SUITE_P(Redis, DurableStoreConformance, ::testing::Values(Plain()), KindName);

}  // namespace
}  // namespace grantkeep::testing
