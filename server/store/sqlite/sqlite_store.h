// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_SQLITE_STORE_H_
#define GRANTKEEP_STORE_SQLITE_SQLITE_STORE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "store/store.h"

namespace grantkeep {

// The embedded store: one SQLite file (WAL, synchronous=FULL) that belongs to one process.
//
//  1. One thread does all the work. Operations that are queued together share a transaction and
//     are answered after its COMMIT; when the COMMIT fails, so do all writes of the group.
//  2. An operation whose deadline passes while it is queued is not begun.
//  3. Leases are kept in memory: nobody else can have taken one when the process starts.
//  4. Store time is the clock's wall time; when that jumps back, store time goes on at the pace
//     of the steady clock, so that nothing un-expires. It is taken when an operation is queued.
//  5. Destruction performs what is queued, and leaves a mark in the file. When the mark is missing
//     at the next start, the file is checked in the background.
//
// Thread-safe. The clock must outlive the store; the loops need not.
class SqliteStore final : public Store {
 public:
  struct Options {
    // ":memory:" for a store that is gone with this object. The file is created with mode 0600;
    // its directory must exist.
    std::string path;
    // Operations waiting, and the bytes in them; beyond either the answer is kOverloaded.
    size_t max_queued = 4096;
    size_t max_queued_bytes = size_t{64} * 1024 * 1024;
    // How often expired records are looked for, to be removed. They count as absent before.
    Duration expiry_interval = std::chrono::seconds(1);
    // The file's size limit in pages of 4 KiB; 0: none but SQLite's own.
    uint64_t max_pages = 0;
  };

  // Fails when another process has the file (the message names the lock file and the process),
  // when it was written by a newer version, or is no database of Grantkeep's, or cannot be written.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(Options options, Clock& clock);
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  // True while the file is being checked after an unclean stop. The store works meanwhile.
  bool checking() const;

  StoreIdentity identity() const override;
  uint64_t adopted_in() const override;
  Time Now() const override;
  // kStoreCorrupt once the check of the file has found damage; the message says what.
  absl::Status health() const override;
  CoherenceEpoch epoch() const override { return 1; }
  Tick CurrentUntil(CoherenceEpoch) const override { return Tick::max(); }
  Tick HoldUntil() const override { return Tick::min(); }
  boost::asio::awaitable<absl::StatusOr<std::optional<Record>>> Get(Key key, Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<CommitResult>> Commit(std::vector<Write> writes,
                                                              Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<TakeResult>> Take(Key key, std::string guard, uint32_t burn_after,
                                                          Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<std::vector<DueItem>>> ClaimDue(Partition partition, size_t limit,
                                                                        Duration lease,
                                                                        Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<Page>> Scan(Partition partition, Kind kind, TenantId tenant,
                                                    std::string after, size_t limit, Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<StoreIdentity>> Adopt(Adoption as, Tick deadline) override;
  void OnChange(std::function<void(const Change&)> listener) override;
  void OnLoss(std::function<void()>) override {}  // it loses nothing

 private:
  struct State;
  explicit SqliteStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_SQLITE_STORE_H_
