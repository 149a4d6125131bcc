// SPDX-License-Identifier: Apache-2.0
#include "store/redis/master.h"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "store/redis/connection.h"
#include "store/redis/watchdog.h"

namespace grantkeep {

using boost::asio::awaitable;

awaitable<absl::StatusOr<RedisAddress>> MasterFinder::Find() {
  const std::vector<RedisAddress>& addresses = options_.url.addresses;
  if (!asks_sentinels()) co_return addresses.front();
  absl::Status last;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const size_t index = (first_ + i) % addresses.size();
    absl::StatusOr<RedisAddress> master = co_await Ask(addresses[index]);
    if (master.ok()) {
      first_ = index;
      co_return master;
    }
    last = Annotate(master.status(), fmt::format("Sentinel {}", ToString(addresses[index])));
  }
  co_return last;
}

awaitable<absl::StatusOr<RedisAddress>> MasterFinder::Ask(RedisAddress sentinel) {
  const Tick deadline = clock_.Steady() + options_.connect_timeout;
  auto connection =
      co_await RedisConnection::Connect(std::move(sentinel), options_, options_.sentinel_username,
                                        options_.sentinel_password_file, clock_, deadline);
  if (!connection.ok()) co_return connection.status();
  const std::shared_ptr<RedisConnection> asked = *std::move(connection);
  const Watchdog watchdog(co_await boost::asio::this_coro::executor, clock_, deadline,
                          [asked] { asked->Close(Error(Reason::kStoreUnavailable, "does not answer")); });
  std::vector<std::string> question = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", options_.url.master_name};
  absl::StatusOr<RedisReply> reply = co_await asked->Call(std::move(question));
  asked->Close(Error(Reason::kStoreUnavailable, "it has answered"));
  if (!reply.ok()) co_return reply.status();
  if (reply->is(RedisReply::Type::kNil)) {
    co_return Error(Reason::kStoreUnavailable, fmt::format("knows no master '{}'", options_.url.master_name));
  }
  RedisAddress master;
  if (reply->elements.size() == 2) {
    const std::string& port = reply->elements[1].text;
    master.host = reply->elements[0].text;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), master.port);
    if (error != std::errc() || end != port.data() + port.size()) master.port = 0;
  }
  if (master.host.empty() || master.port == 0) {
    co_return Error(Reason::kStoreUnavailable, "gives no address of the master");
  }
  co_return master;
}

}  // namespace grantkeep
