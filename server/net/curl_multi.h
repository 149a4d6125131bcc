// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_CURL_MULTI_H_
#define GRANTKEEP_NET_CURL_MULTI_H_

#include <curl/curl.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "net/curl_transfer.h"
#include "net/idle_sockets.h"

namespace grantkeep {

// A libcurl multi handle, with connections of its own, driven by an io_context: Asio watches the
// sockets and keeps the one timer that libcurl asks for. Used on that loop only.
//
// Code of ours that could call back into libcurl never runs inside a libcurl callback: a
// transfer that ends only cancels the timer on which Run() waits, which resumes it later.
class CurlMulti {
 public:
  explicit CurlMulti(boost::asio::io_context& loop);
  // Transfers under way end with an error; their Run() completes.
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  // Completes when `transfer` has its outcome: at `deadline` at the latest, at once on
  // cancellation, and also when this object is destroyed meanwhile.
  boost::asio::awaitable<void> Run(CurlTransfer& transfer, Tick deadline);

 private:
  struct Watch;
  class Running;

  static int OnSocket(CURL* handle, curl_socket_t socket, int wanted, void* self, void*);
  static int OnClose(void* self, curl_socket_t socket);
  static int OnTimer(CURLM* multi, long milliseconds, void* self);
  void Watched(curl_socket_t socket, int wanted);
  void Unwatch(curl_socket_t socket);
  static void Arm(const std::shared_ptr<Watch>& watch);
  static void OnReady(const std::shared_ptr<Watch>& watch, int event);
  // Lets libcurl act on `socket` (CURL_SOCKET_TIMEOUT: on time) and collects who has ended.
  void Act(curl_socket_t socket, int events);
  void Collect(CurlTransfer& transfer, CURLcode result);
  void LimitConnections();

  struct Cleanup {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };

  boost::asio::io_context& loop_;
  IdleSockets idle_;  // told by libcurl, up to its end, when a socket is closed
  std::unique_ptr<CURLM, Cleanup> multi_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<CurlMulti*> self_;  // points to null once this object is gone
  absl::flat_hash_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  absl::flat_hash_map<CurlTransfer*, boost::asio::steady_timer*> running_;
  bool starting_ = false;  // libcurl has a new transfer that has no connection yet
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_CURL_MULTI_H_
