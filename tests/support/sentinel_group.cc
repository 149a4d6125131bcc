// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sentinel_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "tests/support/eventually.h"

namespace grantkeep::testing {
namespace {

constexpr size_t kSentinels = 3;
constexpr int kQuorum = 2;
const std::string kMaster(SentinelGroup::kName);

using Fields = std::map<std::string, std::string>;

// What Sentinel answers: names and values by turns.
Fields ToFields(const RedisReply& reply) {
  Fields fields;
  for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    fields[reply.elements[i].text] = reply.elements[i + 1].text;
  }
  return fields;
}

bool All(const RedisReply& reply, size_t count, const Fields& wanted) {
  return reply.elements.size() == count &&
         std::ranges::all_of(reply.elements, [&](const RedisReply& element) {
           const Fields fields = ToFields(element);
           return std::ranges::includes(fields, wanted);
         });
}

RedisServer::Options Node(const SentinelGroup::Options& options) {
  RedisServer::Options node = options.node;
  const std::string line = fmt::format("min-replicas-to-write {}", options.min_replicas_to_write);
  node.configuration.insert(node.configuration.begin(), line);
  return node;
}

RedisServer::Options Sentinel(const SentinelGroup::Options& options, const RedisServer& master) {
  RedisServer::Options sentinel = options.sentinel;
  sentinel.sentinel = true;
  const std::vector<std::string> lines = {
      fmt::format("sentinel monitor {} 127.0.0.1 {} {}", kMaster, master.port(), kQuorum),
      fmt::format("sentinel auth-user {} {}", kMaster, RedisServer::kAdmin),
      fmt::format("sentinel auth-pass {} {}", kMaster, RedisServer::kAdminPassword),
      fmt::format("sentinel sentinel-user {}", RedisServer::kAdmin),
      fmt::format("sentinel sentinel-pass {}", RedisServer::kAdminPassword),
      fmt::format("sentinel down-after-milliseconds {} {}", kMaster, options.down_after.count()),
      // An attempt that has failed is repeated after twice this time.
      fmt::format("sentinel failover-timeout {} 3000", kMaster),
  };
  sentinel.configuration.insert(sentinel.configuration.begin(), lines.begin(), lines.end());
  return sentinel;
}

// Otherwise a Sentinel looks every 10 s which replicas there are, waits 1 s before it connects again,
// which makes it take a new master for dead, and does nothing for 30 s after its process has got no
// processor time for 2 s. What a replica has told of itself counts for five pings when the master is
// down, and is asked for every second.
//
// `publish`, in milliseconds: how often it tells the others about itself, 2 s otherwise. For four times
// as long it stands a replica that has become a master before it has heard why.
void Hurry(const RedisServer& sentinel, const std::string& publish) {
  sentinel.Command({"SENTINEL", "DEBUG", "INFO-PERIOD", "500", "PING-PERIOD", "300", "ASK-PERIOD", "200",
                    "TILT-TRIGGER", "20000", "TILT-PERIOD", "1000", "PUBLISH-PERIOD", publish});
}

}  // namespace

SentinelGroup::SentinelGroup(const Options& options)
    : replicas_(options.replicas),
      min_replicas_to_write_(options.min_replicas_to_write),
      tls_(options.sentinel.tls != RedisServer::Tls::kOff) {
  nodes_.push_back(std::make_unique<RedisServer>(Node(options)));
  while (nodes_.size() < replicas_ + 1) {
    nodes_.push_back(std::make_unique<RedisServer>(RedisServer::ReplicaOf(*nodes_.front(), Node(options))));
  }
  while (sentinels_.size() < kSentinels) {
    sentinels_.push_back(std::make_unique<RedisServer>(Sentinel(options, *nodes_.front())));
  }
}

void SentinelGroup::Start() {
  for (const auto& node : nodes_) node->Start();
  for (const auto& sentinel : sentinels_) {
    sentinel->Start();
    Hurry(*sentinel, "100");
  }
  WaitUntilWhole();
  for (const auto& sentinel : sentinels_) Hurry(*sentinel, "600");
}

void SentinelGroup::WaitUntilWhole() {
  if (Eventually([&] { return Whole(); }, std::chrono::seconds(60))) return;
  throw std::runtime_error("the Sentinels' view of the group is not whole:\n" + Output());
}

bool SentinelGroup::Whole() const {
  const RedisServer* const master = AgreedMaster();
  if (master == nullptr || !master->running() || master->Info("role") != "master") return false;
  const auto follows = [&](const auto& node) {
    return node.get() == master || (node->running() && node->Info("master_link_status") == "up");
  };
  if (master->Info("connected_slaves") != std::to_string(replicas_)) return false;
  if (!std::ranges::all_of(nodes_, follows)) return false;
  if (min_replicas_to_write_ > 0 &&
      std::stoi(master->Info("min_slaves_good_slaves")) < min_replicas_to_write_)
    return false;
  return std::ranges::all_of(sentinels_, [&](const auto& sentinel) {
    if (!sentinel->running()) return true;
    const auto others = std::ranges::count_if(
        sentinels_, [&](const auto& other) { return other != sentinel && other->running(); });
    const auto connection = sentinel->Connect();
    const auto ask = [&](const char* what) { return connection->Command({"SENTINEL", what, kMaster}); };
    return ToFields(ask("MASTER"))["flags"] == "master" &&
           All(ask("REPLICAS"), replicas_, {{"flags", "slave"}, {"master-link-status", "ok"}}) &&
           std::ranges::count_if(ask("SENTINELS").elements, [](const RedisReply& other) {
             return ToFields(other)["flags"] == "sentinel";
           }) == others;
  });
}

std::string SentinelGroup::url() const {
  std::vector<std::string> addresses;
  addresses.reserve(sentinels_.size());
  for (const auto& sentinel : sentinels_) addresses.push_back(fmt::format("127.0.0.1:{}", sentinel->port()));
  return fmt::format("{}+sentinel://{}/{}/0", tls_ ? "rediss" : "redis", fmt::join(addresses, ","), kMaster);
}

RedisServer* SentinelGroup::MasterOf(const RedisServer& sentinel) const {
  const RedisReply address = sentinel.Command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", kMaster});
  const auto node = std::ranges::find_if(nodes_, [&](const auto& candidate) {
    return address.elements.size() == 2 && address.elements[1].text == std::to_string(candidate->port());
  });
  return node == nodes_.end() ? nullptr : node->get();
}

RedisServer* SentinelGroup::AgreedMaster() const {
  RedisServer* master = nullptr;
  for (const auto& sentinel : sentinels_) {
    if (!sentinel->running()) continue;
    RedisServer* const named = MasterOf(*sentinel);
    if (named == nullptr || (master != nullptr && named != master)) return nullptr;
    master = named;
  }
  return master;
}

RedisServer& SentinelGroup::CurrentMaster() {
  const auto sentinel =
      std::ranges::find_if(sentinels_, [](const auto& candidate) { return candidate->running(); });
  RedisServer* const master = sentinel == sentinels_.end() ? nullptr : MasterOf(**sentinel);
  if (master == nullptr) throw std::runtime_error("no Sentinel names a master");
  return *master;
}

RedisServer* SentinelGroup::NewMaster(const RedisServer& old) const {
  RedisServer* const master = AgreedMaster();
  const bool is_new =
      master != nullptr && master != &old && master->running() && master->Info("role") == "master";
  return is_new ? master : nullptr;
}

RedisServer& SentinelGroup::WaitForNewMaster(const RedisServer& old, std::chrono::seconds limit) {
  RedisServer* master = nullptr;
  if (!Eventually([&] { return (master = NewMaster(old)) != nullptr; }, limit)) {
    throw std::runtime_error("no new master:\n" + Output());
  }
  return *master;
}

RedisServer& SentinelGroup::Failover(std::chrono::seconds limit) {
  const RedisServer& old = CurrentMaster();
  std::string refusal;
  const auto ask = [&](RedisServer& sentinel) {
    try {
      sentinel.Command({"SENTINEL", "FAILOVER", kMaster});
    } catch (const std::runtime_error& error) {
      // On its way already (INPROG), or not yet possible (NOGOODSLAVE): asked again.
      refusal = error.what();
    }
  };
  RedisServer* master = nullptr;
  const bool done = Eventually(
      [&] {
        // One that was asked for and has failed is not repeated by the Sentinel.
        if (MasterOf(*sentinels_.front()) == &old) ask(*sentinels_.front());
        return (master = NewMaster(old)) != nullptr;
      },
      limit);
  if (!done) throw std::runtime_error("no new master: " + refusal + "\n" + Output());
  return *master;
}

std::string SentinelGroup::Output() const {
  std::string output;
  for (const auto* servers : {&sentinels_, &nodes_}) {
    for (const auto& server : *servers) output += server->Output();
  }
  return output;
}

}  // namespace grantkeep::testing
