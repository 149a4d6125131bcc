// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_CALL_H_
#define GRANTKEEP_STORE_REDIS_CALL_H_

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/reason.h"
#include "net/event.h"
#include "store/postbox.h"
#include "store/redis/operations.h"
#include "store/redis/reply.h"

namespace grantkeep {

// An operation on its way: made on a caller's loop, carried out on the store's, answered on the caller's.
// The fields belong to one of the two at a time, except `abandoned`.
class RedisCall {
 public:
  RedisCall(std::string command_, const RedisScript* script_, std::vector<Key> tracked_, bool vault_,
            Tick deadline_, std::shared_ptr<void> share, boost::asio::any_io_executor executor)
      : command(std::move(command_)),
        script(script_),
        tracked(std::move(tracked_)),
        vault(vault_),
        deadline(deadline_),
        share_(std::move(share)),
        executor_(std::move(executor)),
        postbox_(executor_) {}
  virtual ~RedisCall() = default;
  RedisCall(const RedisCall&) = delete;
  RedisCall& operator=(const RedisCall&) = delete;

  // Keeps the result that `reply` stands for, and returns what has changed.
  virtual std::vector<Change> Read(RedisReply reply) = 0;
  virtual void Fail(absl::Status status) = 0;
  // Gives the result back to the caller; once.
  static void Answer(const std::shared_ptr<RedisCall>& call) {
    call->postbox_.Post(call->executor_, [call] { call->answered_.Set(); });
  }

  const std::string command;
  const RedisScript* const script;
  const std::vector<Key> tracked;
  const bool vault;
  const Tick deadline;
  bool resent = false;  // after the server did not know the script
  // Nobody waits any more.
  std::atomic<bool> abandoned = false;

 protected:
  Event answered_;
  std::shared_ptr<void> share_;  // of what may be on its way at a time

 private:
  boost::asio::any_io_executor executor_;
  Postbox postbox_;
};

template <typename Result>
class TypedRedisCall final : public RedisCall {
 public:
  TypedRedisCall(RedisOperation<Result> operation, Tick until, std::shared_ptr<void> share,
                 boost::asio::any_io_executor executor)
      : RedisCall(std::move(operation.command), operation.script, std::move(operation.tracked),
                  operation.vault, until, std::move(share), std::move(executor)),
        read_(std::move(operation.read)) {}

  std::vector<Change> Read(RedisReply reply) override {
    std::vector<Change> changes;
    result_ = read_(std::move(reply), changes);
    return changes;
  }
  void Fail(absl::Status status) override { result_ = std::move(status); }

  // On the caller's loop: the result, or kDeadline.
  static boost::asio::awaitable<absl::StatusOr<Result>> Wait(std::shared_ptr<TypedRedisCall> call,
                                                             Clock& clock) {
    Event answered = call->answered_;
    if (co_await answered.Wait(clock, call->deadline)) {
      call->share_.reset();  // the store's loop may hold the call a moment longer
      co_return std::move(call->result_);
    }
    call->abandoned = true;
    co_return Error(Reason::kDeadline, "store: not answered in time");
  }

 private:
  std::function<absl::StatusOr<Result>(RedisReply, std::vector<Change>&)> read_;
  absl::StatusOr<Result> result_ = absl::UnknownError("not carried out");
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_CALL_H_
