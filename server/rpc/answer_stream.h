// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_ANSWER_STREAM_H_
#define GRANTKEEP_RPC_ANSWER_STREAM_H_

#include <grpcpp/support/byte_buffer.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/intrusive/list.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "base/clock.h"

namespace grantkeep::rpc {

class OpenStreams;
class StreamCall;

// The answers to one call that streams them, as a coroutine on the loop sends them. Used on the loop only.
// Shared by that coroutine and what the poller posts, either of which may outlive the other and the server.
//
// At most one message is with gRPC at a time: a reader that is slow makes Send() wait, and costs no memory
// but what the coroutine keeps.
class AnswerStream
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
      public std::enable_shared_from_this<AnswerStream> {
 public:
  // `call` lives until it is told to finish, which this does exactly once.
  AnswerStream(StreamCall& call, Clock& clock) : call_(&call), clock_(clock) {}
  AnswerStream(const AnswerStream&) = delete;
  AnswerStream& operator=(const AnswerStream&) = delete;

  // Sends a message, and completes when gRPC takes another. False: the stream has ended.
  boost::asio::awaitable<bool> Send(grpc::ByteBuffer message);
  // Ends the stream, with OK or a failure. Whatever comes later does nothing.
  void End(const absl::Status& status);
  bool ended() const { return end_.has_value(); }

  // Calls `listener` when the stream ends, unless this goes first.
  class EndListener {
   public:
    EndListener(std::shared_ptr<AnswerStream> stream, std::function<void()> listener)
        : stream_(std::move(stream)) {
      stream_->on_end_ = std::move(listener);
    }
    ~EndListener() { stream_->on_end_ = nullptr; }
    EndListener(const EndListener&) = delete;
    EndListener& operator=(const EndListener&) = delete;

   private:
    const std::shared_ptr<AnswerStream> stream_;
  };

  // From here on a shutdown ends the stream: at once, if there was one already.
  void Join(OpenStreams& open);
  // What the poller has learned: the client has left or its deadline has passed; a message is out.
  void Left();
  void Sent(bool ok);

 private:
  friend class OpenStreams;
  // Once no message is with gRPC.
  void FinishIfReady();
  // A message that nobody reads is taken back.
  void CancelIfStuck();

  StreamCall* call_;  // null once it was told to finish
  Clock& clock_;
  bool writing_ = false;
  boost::asio::cancellation_signal sent_;  // wakes Send()
  std::optional<absl::Status> end_;
  std::function<void()> on_end_;
};

// The streams that coroutines write to, so that a shutdown can end them. Used on the loop only.
class OpenStreams {
 public:
  // Ends all of them with `status`, and every later one as soon as it gets here.
  void EndAll(const absl::Status& status);
  // Of those that were ended, cancels the ones whose reader does not read.
  void CancelStuck();

 private:
  friend class AnswerStream;
  boost::intrusive::list<AnswerStream, boost::intrusive::constant_time_size<false>> streams_;
  absl::Status ended_;
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_ANSWER_STREAM_H_
