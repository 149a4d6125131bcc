// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_STORE_H_
#define GRANTKEEP_STORE_STORE_H_

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ids.h"

namespace grantkeep {

// Where records live. One contract for every store; tests/conformance holds each to it.
//
// Every operation touches one partition and is atomic and durable when it answers: after a
// crash an acknowledged write is there, and a write is never there in part. An operation that
// fails with kStoreUnavailable may or may not have happened; nothing is ever resent by the
// store itself. kFlow records cannot be scanned. All operations are called on, and complete on, the executor
// of the awaiting coroutine; they take at most until `deadline` (kDeadline: the write may still happen).
// Values are opaque bytes; the vault seals them.

using Partition = uint16_t;
inline constexpr Partition kPartitions = 256;

enum class Kind : uint8_t {
  kKeyring = 1,
  kFlow = 2,
  kGrant = 3,
  // Which grants a subject has: a hint, verified on use. A hint is its key (IsHint).
  kSubjectGrant = 4,
  kStaticSecret = 5,
  kStaticSecretVersion = 6,
};

// A record of such a kind says all by being there. It is put once, empty and for ever (replaces 0, no ttl, no
// guard; again: kRevisionMismatch), and scanned, as revision 1 without a value. Whatever else names its key
// is refused with kInvalidField. So a store need keep nothing but the key.
constexpr bool IsHint(Kind kind) { return kind == Kind::kSubjectGrant; }

// Names one record. `partition` is part of the name: it is derived by the constructors below
// (first 8 bits of SHA-256 over length-prefixed fields), never chosen.
struct Key {
  Partition partition = 0;
  Kind kind{};
  TenantId tenant;
  std::string id;  // any bytes, 1..512

  // hash(tenant, id): grants, flows.
  static Key Of(Kind kind, const TenantId& tenant, std::string id);
  // hash(tenant, root): records that share a partition and are scanned together (all static
  // secrets of a tenant: root ""; the grants of a subject: root = subject).
  static Key Under(Kind kind, const TenantId& tenant, std::string_view root, std::string id);

  friend bool operator==(const Key&, const Key&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Key& key) {
    return H::combine(std::move(h), static_cast<uint8_t>(key.kind), key.tenant, key.id);
  }
};

// Counts the writes of one record, from 1. 0: there is no record.
using Revision = uint64_t;

struct Record {
  Key key;
  Revision revision = 0;
  std::string value;
};

// Writes. A put or delete names the revision it replaces (0: the record must be absent; a put
// then makes revision 1), so that a value can be sealed for the revision it will have. A record
// that expires or is taken counts as absent and starts again at revision 1; records whose old
// revisions may be remembered somewhere are therefore replaced by tombstones, not deleted.
struct Put {
  Key key;
  Revision replaces = 0;
  std::string value;                      // up to kMaxValue
  std::optional<Duration> ttl = {};       // absent: for ever; the record is gone after it, never before
  std::optional<std::string> guard = {};  // Take succeeds only with the same bytes; 1..64
};
struct Delete {
  Key key;
  Revision replaces = 0;
};
// Puts a record back that a store has lost (a failover, a restart without its last writes), as the
// revision that it had. The commit fails with kRevisionMismatch unless what is there is older or absent.
struct Restore {
  Key key;
  Revision revision = 0;
  std::string value;
};
// An entry in the partition's due-index, at most one per key; replaces the one that is there.
struct SetDue {
  Key key;
  Time at;
};
struct ClearDue {
  Key key;
};
// Takes or renews the lease on a key for `owner`. The commit fails with kLeased while another
// owner holds it. A lease ends by itself after `duration`.
struct TakeLease {
  Key key;
  std::string owner;  // unguessable, 1..64
  Duration duration;
};
// Gives the lease up if `owner` still holds it; otherwise does nothing.
struct EndLease {
  Key key;
  std::string owner;
};
// A precondition without a write: `owner` holds the lease on `key` at this moment.
struct RequireLease {
  Key key;
  std::string owner;
};
using Write = std::variant<Put, Delete, Restore, SetDue, ClearDue, TakeLease, EndLease, RequireLease>;

struct CommitResult {
  enum class Outcome {
    kDone,
    kRevisionMismatch,  // nothing was written; `current` is what is there (absent: no record)
    kLeased,            // nothing was written; another owner holds a lease until `lease_end`
    kLeaseLost,         // nothing was written; RequireLease failed
  };
  Outcome outcome = Outcome::kDone;
  Time store_time = {};                // the store's clock at the operation, whatever the outcome
  std::optional<Record> current = {};  // kRevisionMismatch, kLeased: the record under the key concerned
  Time lease_end = {};                 // kLeased
};

struct TakeResult {
  enum class Outcome {
    kTaken,     // `value` is the record, which is gone
    kAbsent,    // never there, expired, or taken
    kMismatch,  // the guard differs; the record stays, unless this was the `burn_after`th mismatch
  };
  Outcome outcome = Outcome::kAbsent;
  std::string value;
  Revision revision = 0;
};

struct DueItem {
  Key key;
  Time due;
};

struct Page {
  std::vector<Record> records;      // in order of id
  std::optional<std::string> next;  // pass as `after` for the next page; absent at the end
};

// Names a store and its history. A restored copy has the same id and a lower epoch.
struct StoreIdentity {
  std::string id;  // 32 hex digits, random at creation; empty: the store has not been reached yet
  uint64_t epoch = 0;
  // The last epochs that began by adopting a restored backup and a clone; 0: none did. What was
  // written in an earlier epoch may differ from what providers remember.
  uint64_t restored_in = 0;
  uint64_t cloned_in = 0;
  std::string cloned_from = {};  // the id that it had before epoch `cloned_in`
  friend bool operator==(const StoreIdentity&, const StoreIdentity&) = default;
};
// How a store that is not the one that was left is taken into use.
enum class Adoption { kRestore, kClone };

// A record was written. Revision 0: it was deleted, expired or taken, or somebody else wrote it;
// whatever was read of it is no longer current.
struct Change {
  Key key;
  Revision revision = 0;
};

// Counts the times since when a store reports every change, from 1.
using CoherenceEpoch = uint64_t;

class Store {
 public:
  static constexpr size_t kMaxKeyId = 512;
  static constexpr size_t kMaxTenant = 128;
  static constexpr size_t kMaxGuard = 64;
  static constexpr size_t kMaxOwner = 64;
  // Of a ttl or a lease; they are more than zero.
  static constexpr Duration kMaxDuration = std::chrono::hours(24 * 36525);
  static constexpr size_t kMaxValue = size_t{256} * 1024;
  static constexpr size_t kMaxWrites = 32;
  static constexpr size_t kMaxPage = 1000;

  virtual ~Store() = default;

  // Any thread.
  virtual StoreIdentity identity() const = 0;
  // The last epoch that an adoption began (restored_in or cloned_in); 0: none did. Any thread, without a
  // lock: what was written since is as good as ever.
  virtual uint64_t adopted_in() const = 0;
  // The store's clock, estimated from its last answer; exact for an embedded store. Any thread.
  virtual Time Now() const = 0;
  // OK while the store answers; otherwise what is wrong with it. Any thread, without waiting.
  virtual absl::Status health() const = 0;

  // Whether what was read once is still current. What was read after epoch() had answered `epoch`,
  // and was not reported to the listener since the read began, is current until
  // CurrentUntil(epoch): a tick in the past when changes are no longer, or not provably, reported.
  // Tick::max() for a store with one process. Any thread, without waiting.
  virtual CoherenceEpoch epoch() const = 0;
  virtual Tick CurrentUntil(CoherenceEpoch epoch) const = 0;
  // After the store may have lost acknowledged writes: until when those who remember them are given
  // time to put them back, and nobody may act on what the store says is the newest. Any thread.
  virtual Tick HoldUntil() const = 0;

  virtual boost::asio::awaitable<absl::StatusOr<std::optional<Record>>> Get(Key key, Tick deadline) = 0;
  // All preconditions hold and all writes happen, or nothing does. All keys must share a
  // partition, no two puts or deletes a key. kInvalidField names a broken limit.
  virtual boost::asio::awaitable<absl::StatusOr<CommitResult>> Commit(std::vector<Write> writes,
                                                                      Tick deadline) = 0;
  // Removes a guarded record and returns it, to exactly one of any number of callers.
  virtual boost::asio::awaitable<absl::StatusOr<TakeResult>> Take(Key key, std::string guard,
                                                                  uint32_t burn_after, Tick deadline) = 0;
  // Up to `limit` entries of the partition that are due, earliest first, each moved `lease`
  // into the future so that it comes back if the claimer dies: at least once.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<DueItem>>> ClaimDue(Partition partition,
                                                                                size_t limit, Duration lease,
                                                                                Tick deadline) = 0;
  // Records of one kind and tenant in one partition with id > `after`. A record that exists
  // during the whole scan is returned exactly once; one written meanwhile may or may not be.
  virtual boost::asio::awaitable<absl::StatusOr<Page>> Scan(Partition partition, Kind kind, TenantId tenant,
                                                            std::string after, size_t limit,
                                                            Tick deadline) = 0;

  // Begins a new epoch of a store whose id or epoch is not the one that was left. kClone also gives
  // it a new id. Answers with the identity from now on.
  virtual boost::asio::awaitable<absl::StatusOr<StoreIdentity>> Adopt(Adoption as, Tick deadline) = 0;

  // Calls `listener` after every change that this process can see, its own included, from a
  // thread of the store. Set once, before the first operation; must not block.
  virtual void OnChange(std::function<void(const Change&)> listener) = 0;
  // Calls `listener` whenever the store may have lost acknowledged writes, from a thread of the
  // store. Set once, before the first operation; must not block.
  virtual void OnLoss(std::function<void()> listener) = 0;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_STORE_H_
