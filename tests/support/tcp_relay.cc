// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tcp_relay.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/relay_connection.h"
#include "tests/support/reserved_port.h"

namespace grantkeep::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Endpoint = asio::generic::stream_protocol::endpoint;
using Way = TcpRelay::Way;
using Ending = TcpRelay::Ending;

constexpr size_t kRemembered = 4096;

// A setting, and whom it hits. `arrived`: connections until it was made.
template <typename Value>
struct Setting {
  Value value;
  RelayHits hits;
  size_t arrived = 0;
  Way way = Way::kBoth;
};

template <typename Value>
bool Applies(const std::optional<Setting<Value>>& setting, const RelayConnection& connection, Way way) {
  if (!setting.has_value() || (setting->way != Way::kBoth && setting->way != way)) return false;
  const RelayHits& hits = setting->hits;
  return hits.number.value_or(connection.number) == connection.number &&
         (!hits.open_now || connection.number < setting->arrived) &&
         connection.first.find(hits.sent) != std::string::npos;
}

struct Cut {
  size_t bytes;
  Ending ending;
};

}  // namespace

// Belongs to the thread, but for the constructor and the destructor.
struct TcpRelay::State {
  explicit State(Endpoint server_in) : server(std::move(server_in)) {
    Listen();
    thread = std::thread([this] { context.run(); });
  }
  template <typename Function>
  auto Run(Function function) {
    return asio::post(context, asio::use_future(std::move(function))).get();
  }

  ~State() {
    Run([this] {
      for (const auto& connection : Open()) connection->Close(true);
    });
    context.stop();
    thread.join();
  }

  void Listen();
  std::vector<std::shared_ptr<RelayConnection>> Open() const;
  asio::awaitable<void> Accept();
  asio::awaitable<void> Serve(std::shared_ptr<RelayConnection> connection);
  asio::awaitable<void> Take(std::shared_ptr<RelayConnection> connection, Way way);
  asio::awaitable<void> Deliver(std::shared_ptr<RelayConnection> connection, Way way);
  asio::awaitable<void> DeliverBytes(std::shared_ptr<RelayConnection> connection, Way way, std::string bytes);
  // Bytes until the cut, which are counted from the first call that finds that it applies.
  uint64_t AnswersLeft(RelayConnection& connection) const;
  void DeliverEnd(RelayConnection& connection, Way way);

  const ReservedPort port;
  const Endpoint server;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  tcp::acceptor acceptor{context};
  std::vector<std::weak_ptr<RelayConnection>> connections;  // all that ever were
  std::optional<Setting<std::chrono::milliseconds>> delay;
  std::optional<Setting<bool>> black_hole;
  std::optional<Setting<Cut>> cut;
  uint64_t bytes_to_server = 0;
  uint64_t bytes_to_client = 0;
  std::thread thread;
};

void TcpRelay::State::Listen() {
  acceptor.open(tcp::v4());
  acceptor.set_option(asio::socket_base::reuse_address(true));
  acceptor.bind({asio::ip::address_v4::loopback(), port.number()});
  acceptor.listen();
  asio::co_spawn(context, Accept(), asio::detached);
}

std::vector<std::shared_ptr<RelayConnection>> TcpRelay::State::Open() const {
  std::vector<std::shared_ptr<RelayConnection>> open;
  for (const auto& connection : connections) {
    std::shared_ptr<RelayConnection> alive = connection.lock();
    if (alive != nullptr && !alive->closed) open.push_back(std::move(alive));
  }
  return open;
}

asio::awaitable<void> TcpRelay::State::Accept() {
  while (true) {
    error_code error;
    tcp::socket client(context);
    co_await acceptor.async_accept(client, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    client.set_option(tcp::no_delay(true), error);
    auto connection = std::make_shared<RelayConnection>(context, connections.size(), std::move(client));
    connections.push_back(connection);
    asio::co_spawn(context, Serve(std::move(connection)), asio::detached);
  }
}

asio::awaitable<void> TcpRelay::State::Serve(std::shared_ptr<RelayConnection> connection) {
  error_code error;
  co_await connection->server.async_connect(server, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    connection->Close(true);
    co_return;
  }
  connection->server.set_option(tcp::no_delay(true), error);  // means nothing to a unix socket
  for (const Way way : {Way::kToServer, Way::kToClient}) {
    asio::co_spawn(context, Take(connection, way), asio::detached);
    asio::co_spawn(context, Deliver(connection, way), asio::detached);
  }
}

// Takes whatever comes, so that neither side ever waits for the other's window.
asio::awaitable<void> TcpRelay::State::Take(std::shared_ptr<RelayConnection> connection, Way way) {
  RelayLane& lane = connection->lane(way);
  std::string buffer(16384, '\0');
  error_code error;
  while (!error) {
    const size_t size = co_await connection->from(way).async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (connection->closed) co_return;
    RelayChunk chunk = {.due = std::chrono::steady_clock::now(), .bytes = buffer.substr(0, size)};
    if (error) chunk.kind = error == asio::error::eof ? RelayChunk::Kind::kEnd : RelayChunk::Kind::kReset;
    std::string& first = connection->first;
    if (way == Way::kToServer) first += chunk.bytes.substr(0, kRemembered - first.size());
    AnswersLeft(*connection);
    if (Applies(delay, *connection, way)) chunk.due += delay->value;
    if (!lane.chunks.empty()) chunk.due = std::max(chunk.due, lane.chunks.back().due);
    lane.chunks.push_back(std::move(chunk));
    lane.wake.cancel();
  }
}

asio::awaitable<void> TcpRelay::State::Deliver(std::shared_ptr<RelayConnection> connection, Way way) {
  RelayLane& lane = connection->lane(way);
  while (!connection->closed && !lane.ended) {
    const auto now = std::chrono::steady_clock::now();
    if (lane.chunks.empty() || lane.chunks.front().due > now) {
      lane.wake.expires_at(lane.chunks.empty() ? asio::steady_timer::time_point::max()
                                               : lane.chunks.front().due);
      error_code ignored;
      co_await lane.wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      continue;
    }
    RelayChunk chunk = std::move(lane.chunks.front());
    lane.chunks.pop_front();
    lane.lost = lane.lost || Applies(black_hole, *connection, way);
    if (lane.lost) continue;
    if (chunk.kind == RelayChunk::Kind::kReset) {
      connection->Close(true);
    } else if (chunk.kind == RelayChunk::Kind::kEnd) {
      DeliverEnd(*connection, way);
    } else {
      co_await DeliverBytes(connection, way, std::move(chunk.bytes));
    }
  }
}

uint64_t TcpRelay::State::AnswersLeft(RelayConnection& connection) const {
  if (!Applies(cut, connection, Way::kToClient)) return UINT64_MAX;
  if (!connection.answers_end.has_value()) connection.answers_end = connection.answered + cut->value.bytes;
  return *connection.answers_end - connection.answered;
}

asio::awaitable<void> TcpRelay::State::DeliverBytes(std::shared_ptr<RelayConnection> connection, Way way,
                                                    std::string bytes) {
  const uint64_t left = way == Way::kToClient ? AnswersLeft(*connection) : UINT64_MAX;
  const bool last = bytes.size() >= left;
  const Ending ending = last ? cut->value.ending : Ending::kReset;
  if (last) bytes.resize(left);
  // Counted before anybody can have read them.
  (way == Way::kToServer ? bytes_to_server : bytes_to_client) += bytes.size();
  if (way == Way::kToClient) connection->answered += bytes.size();
  error_code error;
  co_await asio::async_write(connection->to(way), asio::buffer(bytes),
                             asio::redirect_error(asio::use_awaitable, error));
  if (last && ending == Ending::kSilence) {
    connection->lane(way).lost = true;
  } else if (last) {
    connection->Close(ending == Ending::kReset);
  } else if (error && !connection->closed) {
    connection->Close(true);
  }
}

void TcpRelay::State::DeliverEnd(RelayConnection& connection, Way way) {
  error_code ignored;
  connection.to(way).shutdown(asio::socket_base::shutdown_send, ignored);
  connection.lane(way).ended = true;
  if (connection.to_server.ended && connection.to_client.ended) connection.Close(false);
}

TcpRelay::TcpRelay(uint16_t server_port)
    : state_(std::make_unique<State>(tcp::endpoint(asio::ip::address_v4::loopback(), server_port))) {}

TcpRelay::TcpRelay(const std::filesystem::path& unix_socket)
    : state_(std::make_unique<State>(asio::local::stream_protocol::endpoint(unix_socket.string()))) {}

TcpRelay::~TcpRelay() = default;

uint16_t TcpRelay::port() const { return state_->port.number(); }

void TcpRelay::SetDelay(std::chrono::milliseconds delay, RelayHits hits, Way way) {
  state_->Run([&] { state_->delay = {delay, hits, state_->connections.size(), way}; });
}

void TcpRelay::BlackHole(bool on, RelayHits hits, Way way) {
  state_->Run([&] {
    state_->black_hole.reset();
    if (on) state_->black_hole = {true, hits, state_->connections.size(), way};
  });
}

void TcpRelay::CutAnswersAfter(size_t bytes, Ending ending, RelayHits hits) {
  state_->Run([&] {
    state_->cut = {{bytes, ending}, hits, state_->connections.size(), Way::kToClient};
    for (const auto& connection : state_->Open()) {
      connection->answers_end.reset();
      state_->AnswersLeft(*connection);
    }
  });
}

void TcpRelay::ResetAll(RelayHits hits) {
  state_->Run([&] {
    const std::optional<Setting<bool>> now = {{true, hits, state_->connections.size()}};
    for (const auto& connection : state_->Open()) {
      if (Applies(now, *connection, Way::kBoth)) connection->Close(true);
    }
  });
}

void TcpRelay::Refuse(bool on) {
  state_->Run([&] {
    if (on) state_->acceptor.close();
    if (!on && !state_->acceptor.is_open()) state_->Listen();
  });
}

void TcpRelay::Heal() {
  Refuse(false);
  state_->Run([&] {
    state_->delay.reset();
    state_->black_hole.reset();
    state_->cut.reset();
  });
}

size_t TcpRelay::connections() const {
  return state_->Run([&] { return state_->connections.size(); });
}

size_t TcpRelay::open_connections() const {
  return state_->Run([&] { return state_->Open().size(); });
}

uint64_t TcpRelay::bytes(Way way) const {
  return state_->Run([&] {
    return (way == Way::kToClient ? 0 : state_->bytes_to_server) +
           (way == Way::kToServer ? 0 : state_->bytes_to_client);
  });
}

}  // namespace grantkeep::testing
