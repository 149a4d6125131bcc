// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_CACHED_RECORDS_H_
#define GRANTKEEP_VAULT_CACHED_RECORDS_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ids.h"
#include "crypto/secret.h"
#include "store/store.h"
#include "vault/sealed.h"
#include "vault/snapshot_cache.h"
#include "vault/store_changes.h"
#include "vault/verdict.h"

namespace grantkeep {

struct OpenedRecord {
  Revision revision = 0;
  Secret payload;
};

// Sealed records of one kind in the store, and the newest of them in memory: also when other processes
// write to the store, and when the store loses what it had acknowledged.
//
//  1. What is in memory is answered without the store while it is provably the newest. Otherwise it is
//     suspect: it is read again before it is used, and stays as what the store can be compared with.
//  2. A read or a refused commit that shows the store to be behind what memory held before puts memory's
//     record back (vault/verdict.h), and answers with that. What the record needs comes first, so that a
//     try that fails in between leaves nothing out for the next.
class CachedRecords {
 public:
  struct Rules {
    Kind kind;
    std::string_view noun;  // "grant": names a record in messages
    Key (*key_of)(const TenantId& tenant, const std::string& id);
    // What Judge goes by, but for the revision.
    Standing (*standing_of)(std::string_view payload);
    bool final_tombstones;  // nothing comes after a tombstone
  };
  // How memory and the store were found to differ.
  enum class Finding {
    kAgree,     // the store is as new as memory, or newer
    kRestored,  // the store had lost it
    kBuried,    // the store had lost a tombstone
  };

  CachedRecords(const Rules& rules, Store& store, SealedRecords& records, StoreChanges& changes, Clock& clock,
                SnapshotCache::Limits limits);

  // Awaited before a record of ours is put back; when it fails, so does that. Set once, before the first use.
  using Companion = std::function<boost::asio::awaitable<absl::Status>(
      const Key& key, std::string_view payload, Tick deadline)>;
  void PutBackAfter(Companion companion) { companion_ = std::move(companion); }

  // Without waiting; any thread. Nothing: not in memory (or its keyring is not), or suspect.
  absl::StatusOr<std::optional<OpenedRecord>> FromMemory(std::string_view tenant, std::string_view id);
  // The same of what is suspect, too. `unproven_for`: see UnprovenFor.
  absl::StatusOr<std::optional<OpenedRecord>> FromMemory(std::string_view tenant, std::string_view id,
                                                         Duration& unproven_for);
  // From the store, past memory, which is filled. Nothing: there is no such record.
  boost::asio::awaitable<absl::StatusOr<std::optional<OpenedRecord>>> Load(Key key, Tick deadline);

  struct Committed {
    CommitResult::Outcome outcome = CommitResult::Outcome::kDone;
    Time store_time;
    Time lease_end;                       // kLeased
    std::optional<OpenedRecord> current;  // kRevisionMismatch, kLeased: what is there
  };
  // Seals `payload` as revision `replaces`+1 and commits it with `also`, whose preconditions are of
  // the same record. What was written is in memory before this returns. The store is mended first when it may
  // have lost what memory has: a tombstone that is gone, or that another has written under the same revision,
  // is not covered up.
  boost::asio::awaitable<absl::StatusOr<Committed>> Commit(Key key, Revision replaces,
                                                           std::string_view payload, std::vector<Write> also,
                                                           Tick deadline);
  // The same, where `also` concerns other records: what is there instead is not told.
  boost::asio::awaitable<absl::StatusOr<CommitResult>> CommitMany(Key key, Revision replaces,
                                                                  std::string_view payload,
                                                                  std::vector<Write> also, Tick deadline);

  // Forgets the record: the store may have another now.
  void Forget(const Key& key);

  // Compares what is in memory with the store, and mends the store; see 2.
  boost::asio::awaitable<absl::StatusOr<Finding>> Compare(Key key, Tick deadline);
  // Keys of some of the records in memory, see SnapshotCache::Walk; empty at the end.
  std::vector<Key> Walk(SnapshotCache::Position& position) const;

  std::string_view noun() const { return rules_.noun; }
  size_t size() const { return cache_.size(); }

 private:
  struct Settled {
    std::optional<Record> record;  // as the store has it now
    Finding finding = Finding::kAgree;
  };

  absl::StatusOr<std::optional<OpenedRecord>> OpenFromMemory(const Snapshot& snapshot);
  // Whether what memory holds allows the revision `replaces` to be replaced without a look at the store.
  bool MayReplace(const Snapshot& held, Revision replaces) const;
  boost::asio::awaitable<absl::StatusOr<CommitResult>> Commit(SnapshotCache::Fill& fill, Key key,
                                                              Revision replaces, std::string_view payload,
                                                              std::vector<Write> also, Tick deadline);
  // Opens a record that the store has, and lets it into memory.
  boost::asio::awaitable<absl::StatusOr<OpenedRecord>> Enter(SnapshotCache::Fill& fill, Record record,
                                                             Tick deadline);
  // `stored` is what the store answered to a question asked after `fill` began.
  boost::asio::awaitable<absl::StatusOr<Settled>> Settle(const SnapshotCache::Fill& fill, Key key,
                                                         std::optional<Record> stored, Tick deadline);
  boost::asio::awaitable<absl::StatusOr<Verdict>> JudgeRecord(const Snapshot& ours,
                                                              const std::optional<Record>& stored,
                                                              const Key& key, Tick deadline);
  // What puts ours in the place of `stored`.
  boost::asio::awaitable<absl::StatusOr<Record>> Replacement(Verdict verdict, const Snapshot& ours,
                                                             Revision stored, const Key& key, Tick deadline);
  boost::asio::awaitable<absl::StatusOr<Standing>> StandingOf(const Key& key, Revision revision,
                                                              std::string_view sealed, Tick deadline);
  void Report(Finding finding, const std::string& id) const;
  absl::Status Annotated(const absl::Status& status, const std::string& id) const;

  const Rules rules_;
  Store& store_;
  SealedRecords& records_;
  const Clock& clock_;
  SnapshotCache cache_;
  Companion companion_;
  const StoreChanges::Subscription subscription_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_CACHED_RECORDS_H_
