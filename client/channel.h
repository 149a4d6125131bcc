// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CHANNEL_H_
#define GRANTKEEP_CLIENT_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "absl/status/status.h"

namespace grantkeep::client {

// A channel to a target of TargetOf. Does not connect.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target);

// A call's status as Client gives it: the service's code and message with the details attached.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace grantkeep::client

#endif  // GRANTKEEP_CLIENT_CHANNEL_H_
