// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_REPLY_H_
#define GRANTKEEP_STORE_REDIS_REPLY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct redisReader;

namespace grantkeep {

// A reply of a Redis server (RESP2), owned.
struct RedisReply {
  enum class Type : uint8_t { kNil, kString, kStatus, kError, kInteger, kArray };
  Type type = Type::kNil;
  std::string text;  // kString, kStatus, kError
  int64_t integer = 0;
  std::vector<RedisReply> elements;

  bool is(Type of) const { return type == of; }
};

// Reads replies out of a stream of bytes. What a server can make it allocate is bounded. One thread.
class RedisReplyReader {
 public:
  // The longest reply in bytes, and how many elements it may have at all depths together.
  static constexpr size_t kMaxBytes = size_t{64} * 1024 * 1024;
  static constexpr size_t kMaxElements = 100'000;

  RedisReplyReader();
  ~RedisReplyReader();
  RedisReplyReader(const RedisReplyReader&) = delete;
  RedisReplyReader& operator=(const RedisReplyReader&) = delete;

  void Feed(std::string_view bytes);
  // The next reply; nothing: it has not arrived whole. An error is final: what follows makes no sense.
  absl::StatusOr<std::optional<RedisReply>> Next();

 private:
  friend struct RedisReplyBuilder;
  struct Free {
    void operator()(redisReader* reader) const;
  };
  size_t bytes_ = 0;     // fed since the last whole reply
  size_t elements_ = 0;  // of the reply being read
  std::unique_ptr<redisReader, Free> reader_;
};

// `arguments` as a command (RESP2).
std::string FormatRedisCommand(const std::vector<std::string_view>& arguments);

// What an error reply means to those who asked: kStoreUnavailable, to be tried again. Says which error it
// is, not what the server wrote beside it.
absl::Status RedisError(std::string_view error);

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_REPLY_H_
