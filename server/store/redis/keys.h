// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_KEYS_H_
#define GRANTKEEP_STORE_REDIS_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/store.h"

namespace grantkeep {

// The names of everything that RedisStore keeps, for PREFIX "grantkeep", partition 7, tenant "acme":
//
//   grantkeep:g:{p007}:4:acme:ID          a record; g is its kind's letter (below), 4 the tenant's length
//   grantkeep:lease:{p007}:g:4:acme:ID    who holds the lease on it: the owner, with a time to live
//   grantkeep:due:{p007}                  sorted set: score is the due time, member "g:4:acme:ID"
//   grantkeep:index:{p007}:g:acme         sorted set of ids, all with score 0: what Scan goes through
//   grantkeep:index:{p007}:h:acme         the same of hints (h), which have no records
//   grantkeep:{meta}:identity             "ID EPOCH RESTORED_IN CLONED_IN CLONED_FROM"
//   grantkeep:{meta}:history              the run id and replication id of the server last seen
//   grantkeep:{meta}:hold                 there until the hold after a change of that ends
//   grantkeep:{meta}:barrier              written before WAIT
//   grantkeep:heartbeat:NONCE             a channel: a process tells itself that it hears
//
// Kinds: k keyring, f flow, g grant, h subject's grant, s static secret, v version of one. Flows have no
// index. Tenants and ids are raw bytes. What is in braces decides the slot in a Redis Cluster, so that
// all keys of an operation are in one.
//
// A record's value is revision (8 bytes, big-endian), mismatches so far (4 bytes, big-endian), length of
// the guard (1 byte), guard, value. Times are microseconds since the Unix epoch by the server's TIME.
class RedisKeys {
 public:
  explicit RedisKeys(std::string_view prefix) : prefix_(prefix) {}

  std::string Record(const Key& key) const;
  // What Record gives for any key of this kind, tenant and partition, up to the id.
  std::string RecordPrefix(Partition partition, Kind kind, const TenantId& tenant) const;
  std::string Lease(const Key& key) const;
  std::string Due(Partition partition) const;
  std::string Index(Partition partition, Kind kind, const TenantId& tenant) const;
  std::string Meta(std::string_view name) const;
  std::string Heartbeat(std::string_view nonce) const;
  // Begins the names of all records of a kind.
  std::string KindPrefix(Kind kind) const;

  // Nothing when it is not the name of a record.
  std::optional<Key> ParseRecord(std::string_view name) const;

 private:
  std::string prefix_;
};

// A key as a member of the due set, and back; nothing when it is none.
std::string DueMember(const Key& key);
std::optional<Key> ParseDueMember(Partition partition, std::string_view member);

// Kinds whose changes are asked to be reported: the ones that are kept in memory.
bool IsTracked(Kind kind);
// Kinds that Scan can go through.
inline bool IsIndexed(Kind kind) { return kind != Kind::kFlow; }
// Kinds that must not be lost: their writes wait for replicas where that is configured.
inline bool IsVault(Kind kind) { return kind != Kind::kFlow; }

struct RedisRecord {
  Revision revision = 0;
  std::string_view value;  // into the bytes that were parsed
};
// The bytes under a record's key. Nothing when they are none.
std::string EncodeRecord(Revision revision, std::string_view guard, std::string_view value);
std::optional<RedisRecord> ParseRedisRecord(std::string_view bytes);
// The first 8 bytes of a record at this revision; empty for 0, no record.
std::string RevisionBytes(Revision revision);
// The inverse; 0 for anything else.
Revision ParseRevisionBytes(std::string_view bytes);

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_KEYS_H_
