// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_OPERATION_H_
#define GRANTKEEP_STORE_SQLITE_OPERATION_H_

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/reason.h"
#include "net/event.h"
#include "store/postbox.h"
#include "store/sqlite/session.h"

namespace grantkeep {

// One call of the store on its way: made on a loop, performed on the storage thread, answered on
// the loop. The fields belong to one of the two at a time, except `abandoned`.
class Operation {
 public:
  enum class Access { kRead, kWrite };

  Operation(Access access_, size_t bytes_, boost::asio::any_io_executor executor)
      : access(access_), bytes(bytes_), executor_(std::move(executor)), postbox_(executor_) {}
  virtual ~Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // Performs it in the transaction that is open, and keeps the answer. May be called again after
  // a rollback. An error is SQLite's.
  virtual absl::Status Perform(Session& session) = 0;
  virtual void Fail(absl::Status status) = 0;
  // Gives the answer back to the loop.
  static void Answer(const std::shared_ptr<Operation>& operation) {
    operation->postbox_.Post(operation->executor_, [operation] { operation->answered_.Set(); });
  }

  const Access access;
  const size_t bytes;  // what it takes up in the queue
  Time time;           // of the store, when it was queued
  // Nobody waits any more.
  std::atomic<bool> abandoned = false;

 protected:
  Event answered_;

 private:
  boost::asio::any_io_executor executor_;
  Postbox postbox_;
};

template <typename Result>
class TypedOperation final : public Operation {
 public:
  using Body = std::function<absl::StatusOr<Result>(Session&, Time)>;

  TypedOperation(Access access_, size_t bytes_, boost::asio::any_io_executor executor, Body body)
      : Operation(access_, bytes_, std::move(executor)), body_(std::move(body)) {}

  absl::Status Perform(Session& session) override {
    result_ = body_(session, time);
    return result_.status();
  }
  void Fail(absl::Status status) override { result_ = std::move(status); }

  // On the loop: the answer, or kDeadline.
  static boost::asio::awaitable<absl::StatusOr<Result>> Wait(std::shared_ptr<TypedOperation> operation,
                                                             Clock& clock, Tick deadline) {
    Event answered = operation->answered_;
    if (co_await answered.Wait(clock, deadline)) co_return std::move(operation->result_);
    operation->abandoned = true;
    co_return Error(Reason::kDeadline, "store: not answered in time");
  }

 private:
  Body body_;
  absl::StatusOr<Result> result_ = absl::UnknownError("not performed");
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_OPERATION_H_
