// SPDX-License-Identifier: Apache-2.0
#include "daemon/preparation.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "store/redis/redis_store.h"
#include "telemetry/log.h"
#include "vault/sealed.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

// How long one try of one step may take, and the pause before the next.
constexpr Duration kTry = std::chrono::seconds(5);
constexpr Duration kPause = std::chrono::milliseconds(500);

bool MayMend(const absl::Status& status) {
  for (const Reason reason : {Reason::kStoreUnavailable, Reason::kDeadline, Reason::kOverloaded}) {
    if (HasReason(status, reason)) return true;
  }
  return false;
}

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

Preparation::Preparation(const StoreSettings& settings, Rooms rooms) : settings_(settings), rooms_(rooms) {}

awaitable<absl::Status> Preparation::Run() {
  std::vector<Step> steps;
  if (RedisStore* const redis = rooms_.opened.redis; redis != nullptr) {
    steps.emplace_back([redis](Tick deadline) { return redis->WaitUntilReady(deadline); });
    steps.emplace_back([this](Tick deadline) { return CheckDurability(deadline); });
  }
  steps.emplace_back([this](Tick deadline) { return CheckRootKey(deadline); });
  // Last, so that what is wrong with the vault is found out without it.
  if (rooms_.opened.ephemeral != nullptr) {
    steps.emplace_back([this](Tick deadline) { return ReachEphemeral(deadline); });
  }
  for (Step& step : steps) {
    const absl::Status done = co_await Insist(std::move(step));
    if (!done.ok()) co_return done;
  }
  co_return absl::OkStatus();
}

awaitable<absl::Status> Preparation::Insist(Step step) {
  std::string said;
  for (;;) {
    const absl::Status done = co_await step(rooms_.clock.Steady() + kTry);
    if (done.ok() || !rooms_.opened.is_redis() || !MayMend(done)) co_return done;
    // What keeps a store from being reached the store says itself.
    if (rooms_.store.health().ok() && said != MessageOf(done)) {
      said = MessageOf(done);
      Log("main").warn("not ready: {}", said);
    }
    co_await rooms_.clock.SleepUntil(rooms_.clock.Steady() + kPause);
  }
}

awaitable<absl::Status> Preparation::ReachEphemeral(Tick deadline) {
  const absl::Status reached = co_await rooms_.opened.ephemeral->WaitUntilReady(deadline);
  co_return Annotate(reached, "store.ephemeral");
}

awaitable<absl::Status> Preparation::CheckDurability(Tick deadline) {
  const absl::StatusOr<RedisDurability> durability = co_await rooms_.opened.redis->CheckDurability(deadline);
  if (!durability.ok()) co_return Annotate(durability.status(), "what the store may lose");
  if (durability->risks.empty()) co_return absl::OkStatus();
  if (settings_.redis->require_durable) {
    std::string what = "this Redis may lose what was written to the vault";
    for (const std::string& risk : durability->risks) what += "\nstore.redis: " + risk;
    what += "\nstore.redis: mend this in the Redis, or accept it with require_durable: false";
    co_return FieldError("store.redis.require_durable", what);
  }
  for (const std::string& risk : durability->risks) Log("store").warn("{}", risk);
  co_return absl::OkStatus();
}

awaitable<absl::Status> Preparation::CheckRootKey(Tick deadline) {
  // Records of its own: the rooms' see the store as closed.
  SealedRecords records(rooms_.store, rooms_.root_key, rooms_.clock, rooms_.random);
  const absl::Status checked = co_await records.CheckRootKey(deadline);
  co_return Annotate(checked, "root key");
}

}  // namespace grantkeep
