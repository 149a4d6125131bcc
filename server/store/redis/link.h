// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_LINK_H_
#define GRANTKEEP_STORE_REDIS_LINK_H_

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "crypto/random.h"
#include "store/redis/call.h"
#include "store/redis/change_reports.h"
#include "store/redis/coherence.h"
#include "store/redis/keys.h"
#include "store/redis/master.h"
#include "store/redis/redis_options.h"
#include "store/redis/server_time.h"
#include "store/redis/session.h"
#include "store/store.h"

namespace grantkeep {

// Keeps one session with the master, one after the other, and carries calls out over it.
//
// A call that comes while there is no session waits as long as the first attempt to make a new one takes.
// Once that has failed, calls fail at once, and are told when the next attempt is.
class RedisLink {
 public:
  RedisLink(const RedisOptions& options, Clock& clock, boost::asio::io_context& loop);

  void Start();
  // On the loop: ends the session; calls that wait, and all later ones, fail.
  void Stop();

  // On the loop.
  void Carry(std::shared_ptr<RedisCall> call);
  // On the loop: answers `call` when changes are reported, without sending it anywhere.
  void AnswerWhenReady(std::shared_ptr<RedisCall> call);

  // Any thread.
  absl::Status health() const;
  StoreIdentity identity() const;
  uint64_t adopted_in() const { return adopted_in_.load(); }
  void SetIdentity(const StoreIdentity& identity);
  Tick hold_until() const { return Tick(Tick::duration(hold_until_.load())); }
  const Coherence& coherence() const { return coherence_; }
  ServerTime& time() { return time_; }
  ChangeReports& reports() { return reports_; }
  const RedisKeys& keys() const { return keys_; }
  int wait_replicas() const { return wait_replicas_; }
  void OnLoss(std::function<void()> listener);

 private:
  boost::asio::awaitable<void> Run();
  // Makes a session and serves until it ends; returns why it did, or why there was none.
  boost::asio::awaitable<absl::Status> RunSession(bool& was_of_use);
  boost::asio::awaitable<void> Serve(std::shared_ptr<RedisSession> session);
  // Ends the session when Sentinels name another master.
  boost::asio::awaitable<void> WatchMaster(std::shared_ptr<RedisSession> session);
  boost::asio::awaitable<void> ReadIdentity(std::shared_ptr<RedisSession> session);

  // True: the store may have lost writes since the last session.
  bool Met(const RedisSession& session);
  void Up(std::shared_ptr<RedisSession> session);
  void Down(const absl::Status& why, Duration pause);
  void Heard();
  void TellLoss();
  void SetHealth(absl::Status health);
  void FailWaiting(const absl::Status& why);
  StoreIdentity IdentityIfNone();
  Duration Jittered(Duration pause);

  const RedisOptions& options_;
  Clock& clock_;
  boost::asio::io_context& loop_;
  SystemRandom random_;
  const RedisKeys keys_;
  const int wait_replicas_;
  ServerTime time_;
  Coherence coherence_;
  ChangeReports reports_;
  MasterFinder finder_;

  // The loop's.
  std::shared_ptr<RedisSession> session_;  // null: there is none
  std::shared_ptr<RedisSession> ending_;   // being ended gently
  bool connecting_ = true;                 // the first attempt is under way: calls wait for it
  bool stopped_ = false;
  std::deque<std::shared_ptr<RedisCall>> waiting_;
  std::vector<std::shared_ptr<RedisCall>> until_ready_;
  std::string last_server_;  // of the last session
  bool emptied_ = false;     // the last session ended because the server was emptied
  Tick next_attempt_;
  std::string last_problem_;

  std::atomic<Tick::rep> hold_until_ = Tick::min().time_since_epoch().count();
  mutable std::mutex mutex_;
  absl::Status health_;
  StoreIdentity identity_;
  std::atomic<uint64_t> adopted_in_ = 0;
  std::function<void()> on_loss_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_LINK_H_
