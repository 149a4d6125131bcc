// SPDX-License-Identifier: Apache-2.0
// Holds GuardedStore to the Store contract while it is open.
#include <utility>

#include "store/guarded_store.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

class GuardedHarness final : public StoreHarness {
 public:
  std::unique_ptr<Store> Open() override {
    SqliteStore::Options options;
    options.path = ":memory:";
    options.expiry_interval = std::chrono::milliseconds(5);
    inner_ = SqliteStore::Open(std::move(options), clock_).value();
    return std::make_unique<GuardedStore>(*inner_, [](const StoreIdentity&) { return absl::OkStatus(); });
  }
  Clock& clock() override { return clock_; }
  Duration Moment() const override { return std::chrono::hours(1); }
  void Pass(Store&, Duration by) override { clock_.Advance(by); }

 private:
  ShiftedClock clock_;
  std::unique_ptr<Store> inner_;
};

INSTANTIATE_TEST_SUITE_P(Guarded, StoreConformance,
                         ::testing::Values(HarnessKind{"Open",
                                                       [] { return std::make_unique<GuardedHarness>(); }}),
                         KindName);

}  // namespace
}  // namespace grantkeep::testing
