// SPDX-License-Identifier: Apache-2.0
#include "rpc/wire.h"

#include <fmt/format.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>

#include <string>

#include "base/reason.h"

namespace grantkeep::rpc {
namespace {

bool ParseFrom(grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
  // Nearly every request arrives in one piece.
  grpc::Slice slice;
  if (bytes.TrySingleSlice(&slice).ok()) {
    return message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  }
  grpc::ProtoBufferReader reader(&bytes);
  return reader.status().ok() && message.ParseFromZeroCopyStream(&reader) && reader.status().ok();
}

}  // namespace

std::optional<Failure> Parse(grpc::ByteBuffer& bytes, size_t max_bytes, google::protobuf::Message& message) {
  const size_t size = bytes.Length();
  if (size > max_bytes) {
    return ToFailure(Error(Reason::kMessageTooLarge,
                           fmt::format("the request must have at most {} bytes, has {}", max_bytes, size)));
  }
  const bool parsed = ParseFrom(bytes, message);
  bytes.Clear();
  if (parsed) return std::nullopt;
  return ToFailure(
      Error(Reason::kInvalidField,
            fmt::format("the request is not a valid {}: it is cut short or malformed, or a string in "
                        "it is not UTF-8",
                        message.GetTypeName())));
}

grpc::ByteBuffer Serialize(const google::protobuf::Message& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace grantkeep::rpc
