// SPDX-License-Identifier: Apache-2.0
// Holds SqliteStore to the Store contract, in memory and in a file.
#include "store/sqlite/sqlite_store.h"
#include "tests/conformance/store_harness.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

class SqliteHarness final : public StoreHarness {
 public:
  explicit SqliteHarness(bool in_memory) : path_(in_memory ? ":memory:" : (folder_ / "store.db").string()) {}

  std::unique_ptr<Store> Open() override {
    SqliteStore::Options options;
    options.path = path_;
    options.expiry_interval = std::chrono::milliseconds(5);
    return SqliteStore::Open(std::move(options), clock_).value();
  }
  Clock& clock() override { return clock_; }
  Duration Moment() const override { return std::chrono::hours(1); }
  void Pass(Store&, Duration by) override { clock_.Advance(by); }

 private:
  TempDir folder_;
  const std::string path_;
  ShiftedClock clock_;
};

HarnessKind Kind(std::string name, bool in_memory) {
  return {std::move(name), [in_memory] { return std::make_unique<SqliteHarness>(in_memory); }};
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance,
                         ::testing::Values(Kind("Memory", true), Kind("File", false)), KindName);
INSTANTIATE_TEST_SUITE_P(Sqlite, DurableStoreConformance, ::testing::Values(Kind("File", false)), KindName);

}  // namespace
}  // namespace grantkeep::testing
