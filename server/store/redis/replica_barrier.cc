// SPDX-License-Identifier: Apache-2.0
#include "store/redis/replica_barrier.h"

#include <fmt/format.h>

#include <utility>

#include "base/reason.h"
#include "store/redis/operations.h"

namespace grantkeep {

void ReplicaBarrier::Wait(std::function<void(absl::Status)> done) {
  waiting_.push_back(std::move(done));
  if (!asking_) Ask();
}

void ReplicaBarrier::Ask() {
  asking_ = true;
  const std::string replicas = std::to_string(replicas_);
  const std::string timeout = std::to_string(std::chrono::ceil<std::chrono::milliseconds>(timeout_).count());
  const auto written = std::make_shared<absl::StatusOr<RedisReply>>(RedisReply());
  connection_->Send(FormatRedisCommand({"SET", key_, "1"}),
                    [written](absl::StatusOr<RedisReply> reply) { *written = std::move(reply); });
  connection_->Send(FormatRedisCommand({"WAIT", replicas, timeout}),
                    [self = shared_from_this(), written,
                     asked = std::exchange(waiting_, {})](const absl::StatusOr<RedisReply>& reply) {
                      // Without that write the number of replicas says nothing.
                      const bool refused = written->ok() && (*written)->is(RedisReply::Type::kError);
                      self->End(asked, refused ? RedisError((*written)->text) : reply);
                    });
}

void ReplicaBarrier::End(const std::vector<std::function<void(absl::Status)>>& asked,
                         const absl::StatusOr<RedisReply>& reply) {
  absl::Status outcome;
  if (!reply.ok() || !reply->is(RedisReply::Type::kInteger)) {
    const absl::Status why = reply.ok() ? StrangeReply() : reply.status();
    outcome = Annotate(why, "the write is done, but whether a replica has it is not known");
  } else if (reply->integer < replicas_) {
    outcome =
        RetryableError(Reason::kStoreUnavailable,
                       fmt::format("store: the write is done, but only {} of {} replicas have confirmed it",
                                   reply->integer, replicas_),
                       std::chrono::seconds(1));
  }
  asking_ = false;
  if (!waiting_.empty()) Ask();
  for (const auto& done : asked) done(outcome);
}

}  // namespace grantkeep
