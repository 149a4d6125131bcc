// SPDX-License-Identifier: Apache-2.0
#include "store/redis/durability.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "store/redis/info.h"

namespace grantkeep {
namespace {

std::string Setting(const RedisFacts& facts, const std::string& name) {
  const auto found = facts.settings.find(name);
  return found == facts.settings.end() ? std::string() : found->second;
}

int Number(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

RedisDurability AssessDurability(const RedisFacts& facts) {
  RedisDurability durability;
  std::vector<std::string>& risks = durability.risks;
  std::string policy = Setting(facts, "maxmemory-policy");
  if (policy.empty()) policy = InfoField(facts.info, "maxmemory_policy");
  const std::string append_only = InfoField(facts.info, "aof_enabled");
  const std::string fsync = Setting(facts, "appendfsync");
  const std::string min_replicas = Setting(facts, "min-replicas-to-write");
  const bool replicated = facts.wait_replicas > 0;
  durability.readable = !policy.empty() && !append_only.empty() && !fsync.empty();

  if (policy.starts_with("allkeys")) {
    risks.push_back(fmt::format(
        "maxmemory-policy is {}: Redis may throw grants and secrets away (set noeviction)", policy));
  } else if (!policy.empty() && policy != "noeviction") {
    risks.push_back(fmt::format(
        "maxmemory-policy is {}: Redis may throw leases away, and two replicas then refresh one grant "
        "(set noeviction)",
        policy));
  }
  if (append_only == "0") {
    risks.push_back(
        "appendonly is no: when Redis ends, everything since its last snapshot is lost (set appendonly yes)");
  } else if (fsync == "no" || (fsync == "everysec" && !replicated)) {
    risks.push_back(fmt::format(
        "appendfsync is {}: when the machine of Redis ends, the last writes are lost, {} (set always)", fsync,
        fsync == "no" ? "up to half a minute of them" : "up to two seconds of them"));
  }
  if (facts.sentinels && !replicated) {
    risks.push_back("wait_replicas is 0: a failover loses the writes that no replica has yet");
  }
  if (replicated && Number(min_replicas) == 0 && !min_replicas.empty()) {
    risks.push_back(
        "min-replicas-to-write is 0: a master that is cut off goes on taking writes, which are lost (set 1)");
  }
  const int connected = Number(InfoField(facts.info, "connected_slaves"));
  if (connected < facts.wait_replicas) {
    risks.push_back(fmt::format("{} replicas are connected, but wait_replicas is {}: writes will fail",
                                connected, facts.wait_replicas));
  }
  if (!durability.readable) {
    risks.push_back("Redis does not tell all of its settings (CONFIG GET): what it may lose is not known");
  }
  return durability;
}

}  // namespace grantkeep
