// SPDX-License-Identifier: Apache-2.0
// Holds SplitStore to the Store contract, over two stores in memory and in files.
#include "store/split_store.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/conformance/store_harness.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

class SplitHarness final : public StoreHarness {
 public:
  explicit SplitHarness(bool in_memory) : in_memory_(in_memory) {}

  std::unique_ptr<Store> Open() override {
    return std::make_unique<SplitStore>(OpenOne("vault.db"), OpenOne("ephemeral.db"));
  }
  Clock& clock() override { return clock_; }
  Duration Moment() const override { return std::chrono::hours(1); }
  void Pass(Store&, Duration by) override { clock_.Advance(by); }

 private:
  std::unique_ptr<Store> OpenOne(const char* name) {
    SqliteStore::Options options;
    options.path = in_memory_ ? ":memory:" : (folder_ / name).string();
    options.expiry_interval = std::chrono::milliseconds(5);
    return SqliteStore::Open(std::move(options), clock_).value();
  }

  TempDir folder_;
  const bool in_memory_;
  ShiftedClock clock_;
};

HarnessKind Kind(std::string name, bool in_memory) {
  return {std::move(name), [in_memory] { return std::make_unique<SplitHarness>(in_memory); }};
}

INSTANTIATE_TEST_SUITE_P(Split, StoreConformance, ::testing::Values(Kind("Memory", true)), KindName);
INSTANTIATE_TEST_SUITE_P(Split, DurableStoreConformance, ::testing::Values(Kind("File", false)), KindName);

}  // namespace
}  // namespace grantkeep::testing
