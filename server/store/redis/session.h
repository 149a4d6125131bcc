// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_SESSION_H_
#define GRANTKEEP_STORE_REDIS_SESSION_H_

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "store/redis/call.h"
#include "store/redis/change_reports.h"
#include "store/redis/coherence.h"
#include "store/redis/connection.h"
#include "store/redis/keys.h"
#include "store/redis/operations.h"
#include "store/redis/redis_options.h"
#include "store/redis/replica_barrier.h"
#include "store/redis/server_time.h"

namespace grantkeep {

// What sessions share, one after the other.
struct RedisShared {
  const RedisOptions& options;
  const RedisKeys& keys;
  Clock& clock;
  ServerTime& time;
  Coherence& coherence;
  ChangeReports& reports;
  int wait_replicas = 0;
  // A heartbeat has come back: changes are reported.
  std::function<void()> heard;
};

// The connections to one server, a master: one for commands, one that changes are reported to, and one to
// wait for replicas, if that is wanted. Ends as a whole when one of them does. One loop.
class RedisSession : public std::enable_shared_from_this<RedisSession> {
 public:
  // How often a heartbeat is sent, and how long one that has come back proves that changes are reported.
  static constexpr Duration kHeartbeat = std::chrono::milliseconds(250);
  static constexpr Duration kProof = std::chrono::milliseconds(600);

  // Connects, makes sure that it is one server and a master, subscribes to changes, and meets the store:
  // `if_none` is the identity of a store that has none.
  static boost::asio::awaitable<absl::StatusOr<std::shared_ptr<RedisSession>>> Open(RedisShared shared,
                                                                                    RedisAddress address,
                                                                                    StoreIdentity if_none);

  const RedisAddress& address() const { return address_; }
  // Which server it is, and since when: the run id and the replication id. Differs after anything that may
  // have lost writes.
  const std::string& server() const { return server_; }
  const RedisMeeting& meeting() const { return meeting_; }

  // From now on changes are reported in this epoch.
  void Begin(CoherenceEpoch epoch);
  // Carries a call out and answers it.
  void Send(const std::shared_ptr<RedisCall>& call);
  // One command beside the calls, and its reply; an error reply is an error here.
  boost::asio::awaitable<absl::StatusOr<RedisReply>> Ask(std::vector<std::string> command) {
    return data_->Call(std::move(command));
  }
  // To be called every kHeartbeat: sends one, and ends the session when something is overdue.
  void Beat();

  // Ends the session, its connections at once.
  void End(absl::Status why);
  // Ends it, but lets what is on its way be answered first. No more calls.
  boost::asio::awaitable<void> EndGently(absl::Status why);
  const Event& ended() const { return ended_; }
  bool has_ended() const { return ended_.IsSet(); }
  const absl::Status& why() const { return why_; }
  // A heartbeat has come back at least once.
  bool was_heard() const { return was_heard_; }
  // Heartbeats do not come back although commands are answered: changes are no longer reported.
  bool deaf() const { return deaf_; }
  // The server was emptied (FLUSHALL, FLUSHDB).
  bool flushed() const { return flushed_; }

  RedisSession(RedisShared shared, RedisAddress address)
      : shared_(std::move(shared)), address_(std::move(address)) {}

 private:
  boost::asio::awaitable<absl::Status> Connect(StoreIdentity if_none);
  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<RedisConnection>>> ConnectOne(Tick deadline);
  boost::asio::awaitable<absl::Status> Subscribe();
  boost::asio::awaitable<absl::Status> Meet(StoreIdentity if_none);
  void Keep(const std::shared_ptr<RedisConnection>& connection);
  void Carry(const std::shared_ptr<RedisCall>& call);
  void Answered(const std::shared_ptr<RedisCall>& call, absl::StatusOr<RedisReply> reply);
  void Pushed(const RedisReply& push);
  void HeardHeartbeat(std::string_view number);
  void CheckRole(const RedisReply& role);

  const RedisShared shared_;
  const RedisAddress address_;
  std::shared_ptr<RedisConnection> data_;
  std::shared_ptr<RedisConnection> subscriber_;
  std::shared_ptr<RedisConnection> barrier_connection_;
  std::vector<std::shared_ptr<RedisConnection>> connections_;  // all of them
  std::shared_ptr<ReplicaBarrier> barrier_;
  std::string server_;
  RedisMeeting meeting_;
  std::string channel_;  // of the heartbeats

  bool begun_ = false;
  CoherenceEpoch epoch_ = 0;
  uint64_t next_beat_ = 1;
  std::map<uint64_t, Tick> beats_;  // that have not come back: when they were sent
  int replicas_ = 0;                // connected to the master, as it last said
  bool was_heard_ = false;
  bool deaf_ = false;
  bool flushed_ = false;
  Event ended_;
  absl::Status why_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_SESSION_H_
