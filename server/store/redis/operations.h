// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_OPERATIONS_H_
#define GRANTKEEP_STORE_REDIS_OPERATIONS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "store/redis/keys.h"
#include "store/redis/reply.h"
#include "store/redis/scripts.h"
#include "store/store.h"

namespace grantkeep {

// An operation of the Store contract as a command, and what the reply to it means. Arguments have been
// checked. Pure.
template <typename Result>
struct RedisOperation {
  std::string command;                  // as it goes over the wire
  const RedisScript* script = nullptr;  // that it calls
  std::vector<Key> tracked;             // records that it may write and whose changes are reported
  bool vault = false;                   // it may write what must not be lost
  // The result, and the changes that have happened. An error: the reply makes no sense.
  std::function<absl::StatusOr<Result>(RedisReply, std::vector<Change>&)> read;
};

RedisOperation<std::optional<Record>> GetOperation(const RedisKeys& keys, Key key);
RedisOperation<CommitResult> CommitOperation(const RedisKeys& keys, const std::vector<Write>& writes);
RedisOperation<TakeResult> TakeOperation(const RedisKeys& keys, const Key& key, const std::string& guard,
                                         uint32_t burn_after);
// The claimed items, and the server's time.
struct RedisClaim {
  std::vector<DueItem> items;
  Time store_time;
};
RedisOperation<RedisClaim> ClaimDueOperation(const RedisKeys& keys, Partition partition, size_t limit,
                                             Duration lease);
RedisOperation<Page> ScanOperation(const RedisKeys& keys, Partition partition, Kind kind, TenantId tenant,
                                   const std::string& after, size_t limit);

// "ID EPOCH RESTORED_IN CLONED_IN CLONED_FROM", the last "-" when there is none, and back; nothing when it
// is none.
std::string EncodeIdentity(const StoreIdentity& identity);
std::optional<StoreIdentity> ParseIdentity(std::string_view text);

// The identity afterwards, which is `next` unless it was not `before`.
RedisOperation<StoreIdentity> AdoptOperation(const RedisKeys& keys, const StoreIdentity& before,
                                             const StoreIdentity& next);

// What the server said when it was met (MeetScript).
struct RedisMeeting {
  StoreIdentity identity;
  Time store_time;
  Duration hold = Duration(0);
};
std::string MeetCommand(const RedisKeys& keys, const StoreIdentity& if_none, std::string_view server,
                        Duration hold);
absl::StatusOr<RedisMeeting> ReadMeeting(const RedisReply& reply);

// A reply that is not what its command answers.
absl::Status StrangeReply();
// The server's time in a reply, seconds at `first` and microseconds after it; nothing when there is none.
std::optional<Time> ReadTime(const RedisReply& reply, size_t first);

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_OPERATIONS_H_
