// SPDX-License-Identifier: Apache-2.0
#include "net/curl_multi.h"

#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <new>
#include <utility>

namespace grantkeep {
namespace {

// Idle connections that are kept.
constexpr size_t kMaxIdleConnections = 128;

}  // namespace

// A socket of libcurl's. Pending waits share it, so it may outlive the CurlMulti for a turn.
struct CurlMulti::Watch {
  CurlMulti* owner;  // null once libcurl has let go of the socket
  boost::asio::posix::stream_descriptor descriptor;
  int wanted = 0;  // CURL_POLL_*, whose bits are those of CURL_CSELECT_*
  bool reading = false;
  bool writing = false;
};

CurlMulti::CurlMulti(boost::asio::io_context& loop)
    : loop_(loop), multi_(curl_multi_init()), timer_(loop), self_(std::make_shared<CurlMulti*>(this)) {
  if (multi_ == nullptr) throw std::bad_alloc();
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

CurlMulti::~CurlMulti() {
  *self_ = nullptr;
  for (const auto& [transfer, done] : running_) {
    curl_multi_remove_handle(multi_.get(), transfer->handle());
    transfer->Abandon("the HTTP client was closed");
    done->cancel();
  }
  while (!watches_.empty()) Unwatch(watches_.begin()->first);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, nullptr);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, nullptr);
}

// A transfer's stay in the multi handle; also ends when the waiting coroutine is destroyed.
class CurlMulti::Running {
 public:
  Running(CurlMulti& multi, CurlTransfer& transfer, boost::asio::steady_timer& done)
      : multi_(multi.self_), transfer_(transfer) {
    curl_easy_setopt(transfer.handle(), CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::OnClose);
    curl_easy_setopt(transfer.handle(), CURLOPT_CLOSESOCKETDATA, &multi);
    multi.running_.emplace(&transfer, &done);
    multi.LimitConnections();
    multi.starting_ = true;
    if (curl_multi_add_handle(multi.multi_.get(), transfer.handle()) != CURLM_OK) {
      transfer.Abandon("libcurl did not take the request");
    }
  }
  ~Running() {
    if (*multi_ == nullptr || (*multi_)->running_.erase(&transfer_) == 0) return;
    curl_multi_remove_handle((*multi_)->multi_.get(), transfer_.handle());
    (*multi_)->LimitConnections();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  const std::shared_ptr<CurlMulti*> multi_;
  CurlTransfer& transfer_;
};

boost::asio::awaitable<void> CurlMulti::Run(CurlTransfer& transfer, Tick deadline) {
  // From the first suspension on *this may be gone.
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer done(executor, deadline);
  const Running running(*this, transfer, done);
  boost::system::error_code error;
  if (!transfer.done()) {
    co_await done.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, error));
  }
  if (transfer.done()) co_return;
  if (error) {
    transfer.Abandon("cancelled");
  } else {
    transfer.Complete(CURLE_OPERATION_TIMEDOUT);
  }
}

void CurlMulti::Act(curl_socket_t socket, int events) {
  if (std::exchange(starting_, false)) idle_.ShutDownEnded();
  int ignored = 0;
  curl_multi_socket_action(multi_.get(), socket, events, &ignored);
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &ignored)) {
    if (message->msg != CURLMSG_DONE) continue;
    Collect(CurlTransfer::Of(message->easy_handle), message->data.result);
  }
}

void CurlMulti::Collect(CurlTransfer& transfer, CURLcode result) {
  curl_socket_t kept = CURL_SOCKET_BAD;
  curl_easy_getinfo(transfer.handle(), CURLINFO_ACTIVESOCKET, &kept);
  if (kept != CURL_SOCKET_BAD && !watches_.contains(kept)) {  // or the next request has it already
    long version = CURL_HTTP_VERSION_NONE;
    curl_easy_getinfo(transfer.handle(), CURLINFO_HTTP_VERSION, &version);
    idle_.Add(kept, version == CURL_HTTP_VERSION_2_0);
  }
  curl_multi_remove_handle(multi_.get(), transfer.handle());
  transfer.Complete(result);
  const auto entry = running_.find(&transfer);
  entry->second->cancel();
  running_.erase(entry);
  LimitConnections();
}

// libcurl's limit counts connections in use, too: a fixed one would leave none to be kept when many are.
void CurlMulti::LimitConnections() {
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                    static_cast<long>(running_.size() + kMaxIdleConnections));
}

int CurlMulti::OnClose(void* self, curl_socket_t socket) {
  static_cast<CurlMulti*>(self)->idle_.Remove(socket);
  return close(socket);
}

int CurlMulti::OnTimer(CURLM*, long milliseconds, void* self) {
  CurlMulti& multi = *static_cast<CurlMulti*>(self);
  const auto act = [alive = multi.self_](boost::system::error_code error) {
    if (!error && *alive != nullptr) (*alive)->Act(CURL_SOCKET_TIMEOUT, 0);
  };
  multi.timer_.cancel();
  if (milliseconds == 0) {  // with every new transfer: cheaper than a timer
    boost::asio::post(multi.loop_, [act] { act({}); });
  } else if (milliseconds > 0) {
    multi.timer_.expires_after(std::chrono::milliseconds(milliseconds));
    multi.timer_.async_wait(act);
  }
  return 0;
}

int CurlMulti::OnSocket(CURL*, curl_socket_t socket, int wanted, void* self, void*) {
  CurlMulti& multi = *static_cast<CurlMulti*>(self);
  if (wanted == CURL_POLL_REMOVE) {
    multi.Unwatch(socket);
  } else {
    multi.Watched(socket, wanted);
  }
  return 0;
}

void CurlMulti::Watched(curl_socket_t socket, int wanted) {
  idle_.Remove(socket);
  std::shared_ptr<Watch>& watch = watches_[socket];
  if (watch == nullptr) {
    watch = std::make_shared<Watch>(this, boost::asio::posix::stream_descriptor(loop_));
    // When the kernel has no room to watch it, nobody acts on the socket, and who uses it ends
    // at the deadline.
    boost::system::error_code full;
    watch->descriptor.assign(socket, full);
  }
  watch->wanted = wanted;
  Arm(watch);
}

// Lets go of the socket, which is libcurl's to close, before its number can be used again.
void CurlMulti::Unwatch(curl_socket_t socket) {
  const auto entry = watches_.find(socket);
  if (entry == watches_.end()) return;
  entry->second->owner = nullptr;
  if (entry->second->descriptor.is_open()) entry->second->descriptor.release();
  watches_.erase(entry);
}

void CurlMulti::Arm(const std::shared_ptr<Watch>& watch) {
  using boost::asio::posix::descriptor_base;
  if (!watch->descriptor.is_open()) return;
  if ((watch->wanted & CURL_POLL_IN) != 0 && !watch->reading) {
    watch->reading = true;
    watch->descriptor.async_wait(descriptor_base::wait_read, [watch](boost::system::error_code error) {
      watch->reading = false;
      if (!error) OnReady(watch, CURL_CSELECT_IN);
    });
  }
  if ((watch->wanted & CURL_POLL_OUT) != 0 && !watch->writing) {
    watch->writing = true;
    watch->descriptor.async_wait(descriptor_base::wait_write, [watch](boost::system::error_code error) {
      watch->writing = false;
      if (!error) OnReady(watch, CURL_CSELECT_OUT);
    });
  }
}

void CurlMulti::OnReady(const std::shared_ptr<Watch>& watch, int event) {
  if (watch->owner == nullptr || (watch->wanted & event) == 0) return;
  watch->owner->Act(watch->descriptor.native_handle(), event);
  if (watch->owner != nullptr) Arm(watch);
}

}  // namespace grantkeep
