// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_RELAY_CONNECTION_H_
#define GRANTKEEP_TESTS_SUPPORT_RELAY_CONNECTION_H_

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/tcp_relay.h"

namespace grantkeep::testing {

struct RelayChunk {
  enum class Kind { kBytes, kEnd, kReset };  // of the last two, without bytes, nothing follows

  std::chrono::steady_clock::time_point due;
  Kind kind = Kind::kBytes;
  std::string bytes = {};
};

// One way of a connection: what is on its way, oldest first.
struct RelayLane {
  explicit RelayLane(boost::asio::io_context& context) : wake(context) {}

  std::deque<RelayChunk> chunks;
  boost::asio::steady_timer wake;  // cancelled when there is news for whoever delivers
  bool lost = false;               // delivers nothing any more
  bool ended = false;              // its end has been delivered
};

// What a TcpRelay has for each client. Belongs to its thread.
struct RelayConnection {
  using Socket = boost::asio::generic::stream_protocol::socket;

  RelayConnection(boost::asio::io_context& context, size_t number_in, Socket client_in)
      : number(number_in),
        client(std::move(client_in)),
        server(context),
        to_server(context),
        to_client(context) {}

  RelayLane& lane(TcpRelay::Way way) { return way == TcpRelay::Way::kToServer ? to_server : to_client; }
  Socket& from(TcpRelay::Way way) { return way == TcpRelay::Way::kToServer ? client : server; }
  Socket& to(TcpRelay::Way way) { return way == TcpRelay::Way::kToServer ? server : client; }

  // At once. `reset`: with RST instead of FIN.
  void Close(bool reset) {
    closed = true;
    for (Socket* socket : {&client, &server}) {
      boost::system::error_code ignored;
      if (reset) socket->set_option(boost::asio::socket_base::linger(true, 0), ignored);
      socket->close(ignored);
    }
    to_server.wake.cancel();
    to_client.wake.cancel();
  }

  const size_t number;
  Socket client;
  Socket server;
  RelayLane to_server;
  RelayLane to_client;
  std::string first;                    // what the client has sent, the first 4096 bytes
  uint64_t answered = 0;                // bytes
  std::optional<uint64_t> answers_end;  // the value of `answered` at which it is cut
  bool closed = false;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_RELAY_CONNECTION_H_
