// SPDX-License-Identifier: Apache-2.0
#include "rpc/answer_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/reason.h"
#include "rpc/stream_call.h"

namespace grantkeep::rpc {

boost::asio::awaitable<bool> AnswerStream::Send(grpc::ByteBuffer message) {
  const std::shared_ptr<AnswerStream> self = shared_from_this();
  if (ended()) co_return false;
  const auto executor = co_await boost::asio::this_coro::executor;
  writing_ = true;
  call_->Write(message);
  auto woken =
      boost::asio::bind_cancellation_slot(sent_.slot(), boost::asio::as_tuple(boost::asio::use_awaitable));
  boost::asio::awaitable<void> sleep = clock_.SleepUntil(Tick::max());
  co_await boost::asio::co_spawn(executor, std::move(sleep), woken);
  co_return !ended();
}

void AnswerStream::End(const absl::Status& status) {
  if (ended()) return;
  end_ = status;
  FinishIfReady();
  if (const auto listener = std::exchange(on_end_, nullptr)) listener();
}

void AnswerStream::FinishIfReady() {
  if (writing_ || call_ == nullptr) return;
  unlink();
  StreamCall* const call = std::exchange(call_, nullptr);
  if (end_->ok()) {
    call->Succeed();
  } else {
    call->Fail(*end_);
  }
}

void AnswerStream::Join(OpenStreams& open) {
  open.streams_.push_back(*this);
  if (!open.ended_.ok()) End(open.ended_);
}

void AnswerStream::Left() { End(Error(Reason::kDeadline, "the caller has left")); }

void AnswerStream::Sent(bool ok) {
  writing_ = false;
  if (ended()) {
    FinishIfReady();
  } else if (!ok) {
    Left();
  }
  sent_.emit(boost::asio::cancellation_type::terminal);
}

void AnswerStream::CancelIfStuck() {
  if (call_ != nullptr && ended()) call_->Cancel();
}

void OpenStreams::EndAll(const absl::Status& status) {
  ended_ = status;
  for (auto next = streams_.begin(); next != streams_.end();) {
    // Ending may take the stream off the list, and let go of it.
    const std::shared_ptr<AnswerStream> stream = (next++)->shared_from_this();
    stream->End(status);
  }
}

void OpenStreams::CancelStuck() {
  for (AnswerStream& stream : streams_) stream.CancelIfStuck();
}

}  // namespace grantkeep::rpc
