// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_EDGE_H_
#define GRANTKEEP_RPC_EDGE_H_

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <utility>

#include "access/access.h"
#include "base/clock.h"
#include "rpc/answer_stream.h"
#include "rpc/in_hand.h"
#include "rpc/request_ids.h"
#include "telemetry/log.h"

namespace grantkeep::rpc {

// When to come back after OVERLOADED.
inline constexpr Duration kOverloadRetry = std::chrono::milliseconds(200);

// What all calls of a server share.
struct Edge {
  Edge(boost::asio::io_context& loop_, Clock& clock_, const std::string& request_id_prefix, Access access_,
       int max_in_flight_)
      : loop(loop_),
        clock(clock_),
        access(std::move(access_)),
        max_in_flight(max_in_flight_),
        request_ids(request_id_prefix) {}

  boost::asio::io_context& loop;
  Clock& clock;
  const Access access;
  const int max_in_flight;
  // Calls that have arrived and are not over. Any thread.
  std::atomic<int> in_flight{0};
  RequestIds request_ids;
  spdlog::logger& log = Log("rpc");
  // Streams among them, which stay long: half of the places are not for them.
  int max_streams() const { return std::max(1, max_in_flight / 2); }
  std::atomic<int> streams{0};
  // The loop's.
  InHand in_hand;
  // The loop's; coroutines there may outlive the server.
  const std::shared_ptr<OpenStreams> open_streams = std::make_shared<OpenStreams>();
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_EDGE_H_
