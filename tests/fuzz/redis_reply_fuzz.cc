// SPDX-License-Identifier: Apache-2.0
// Bytes of a hostile Redis: whatever they are, they are an error, or a reply that each operation makes a
// result or an error of.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "store/redis/operations.h"
#include "store/redis/reply.h"

namespace grantkeep {
namespace {

template <typename Result>
void Read(const RedisOperation<Result>& operation, const RedisReply& reply) {
  std::vector<Change> changes;
  [[maybe_unused]] const auto result = operation.read(reply, changes);
}

void ReadByAll(const RedisReply& reply) {
  static const RedisKeys keys("grantkeep");
  const Key key = Key::Of(Kind::kGrant, TenantId("acme"), "g");
  std::vector<Write> writes;
  writes.emplace_back(Put{.key = key, .replaces = 1, .value = "v"});
  writes.emplace_back(TakeLease{.key = key, .owner = "me", .duration = std::chrono::seconds(1)});
  Read(GetOperation(keys, key), reply);
  Read(CommitOperation(keys, writes), reply);
  Read(TakeOperation(keys, key, "guard", 5), reply);
  Read(ClaimDueOperation(keys, key.partition, 10, std::chrono::seconds(1)), reply);
  Read(ScanOperation(keys, key.partition, key.kind, key.tenant, "", 10), reply);
  const StoreIdentity identity{.id = std::string(32, 'a'), .epoch = 1};
  Read(AdoptOperation(keys, identity, identity), reply);
  [[maybe_unused]] const auto meeting = ReadMeeting(reply);
  [[maybe_unused]] const auto record = keys.ParseRecord(reply.text);
  if (reply.is(RedisReply::Type::kError)) [[maybe_unused]]
    const auto error = RedisError(reply.text);
}

}  // namespace
}  // namespace grantkeep

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  grantkeep::RedisReplyReader reader;
  reader.Feed({reinterpret_cast<const char*>(data), size});
  for (;;) {
    const auto next = reader.Next();
    if (!next.ok() || !next->has_value()) return 0;
    grantkeep::ReadByAll(**next);
  }
}
