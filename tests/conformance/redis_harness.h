// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_CONFORMANCE_REDIS_HARNESS_H_
#define GRANTKEEP_TESTS_CONFORMANCE_REDIS_HARNESS_H_

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/random.h"
#include "store/redis/redis_store.h"
#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {

// Stores over one Redis, under names that no other harness uses.
class RedisHarness : public StoreHarness {
 public:
  RedisHarness(RedisOptions options, std::string_view url) : options_(std::move(options)) {
    SystemRandom random;
    options_.key_prefix = "test-" + RandomToken(random, 9);
    options_.url = ParseRedisUrl(url, "url").value();
  }

  std::unique_ptr<Store> Open() override { return OpenRedis(); }
  Clock& clock() override { return clock_; }
  Duration Moment() const override { return std::chrono::milliseconds(50); }
  void Pass(Store& store, Duration by) override {
    const Time until = store.Now() + by;
    TestLoop loop;
    loop.RunUntil([&] { return store.Now() > until + std::chrono::milliseconds(2); });
  }

 protected:
  std::unique_ptr<RedisStore> OpenRedis() {
    auto store = RedisStore::Open(options_, clock_).value();
    WaitUntilReady(*store);
    return store;
  }
  void WaitUntilReady(RedisStore& store) {
    TestLoop loop;
    const absl::Status ready = loop.Run(store.WaitUntilReady(clock_.Steady() + std::chrono::seconds(20)));
    if (!ready.ok()) throw std::runtime_error(std::string(ready.message()));
  }

 private:
  RedisOptions options_;
  SystemClock clock_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_CONFORMANCE_REDIS_HARNESS_H_
