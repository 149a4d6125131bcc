// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_WIRE_H_
#define GRANTKEEP_RPC_WIRE_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include <optional>

#include "rpc/error_model.h"

namespace grantkeep::rpc {

// Reads `bytes`, which are used up, into `message`. What to answer when that fails: larger than
// `max_bytes` (RESOURCE_EXHAUSTED, MESSAGE_TOO_LARGE), cut short, malformed, or a string that is
// not UTF-8 (INVALID_ARGUMENT, INVALID_FIELD).
std::optional<Failure> Parse(grpc::ByteBuffer& bytes, size_t max_bytes, google::protobuf::Message& message);

// The message's bytes in one slice.
grpc::ByteBuffer Serialize(const google::protobuf::Message& message);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_WIRE_H_
