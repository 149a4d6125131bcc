// SPDX-License-Identifier: Apache-2.0
#include "store/redis/reply.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "base/reason.h"

namespace grantkeep {
namespace {

constexpr Duration kRetryAfter = std::chrono::seconds(1);

// Words of a server's that are shown: upper case and short, so that they cannot carry anything else.
std::string_view CodeOf(std::string_view error) {
  const std::string_view code = error.substr(0, error.find(' '));
  const bool plain = !code.empty() && code.size() <= 20 &&
                     std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; });
  return plain ? code : "an error that it does not name";
}

std::string_view MeaningOf(std::string_view code) {
  if (code == "OOM") return "it is out of memory (maxmemory) and refuses writes";
  if (code == "READONLY") return "it has become a replica and refuses writes";
  if (code == "NOREPLICAS") return "it has too few replicas (min-replicas-to-write) and refuses writes";
  if (code == "MISCONF") return "it cannot save to disk and refuses writes";
  if (code == "LOADING") return "it is still loading its data";
  if (code == "MASTERDOWN") return "it is a replica without a master";
  if (code == "BUSY") return "a script keeps it busy";
  if (code == "NOAUTH") return "it wants a password (password_file)";
  if (code == "WRONGPASS") return "it refuses the user name or the password (username, password_file)";
  if (code == "NOPERM") return "its ACL does not allow this to our user";
  if (code == "CLUSTERDOWN" || code == "MOVED" || code == "ASK" || code == "CROSSSLOT" ||
      code == "TRYAGAIN") {
    return "it is part of a Redis Cluster, which this version does not support";
  }
  return {};
}

}  // namespace

// Builds replies out of what hiredis reads.
struct RedisReplyBuilder {
  static void* String(const redisReadTask* task, char* text, size_t size) {
    RedisReply* const reply = Place(task);
    switch (task->type) {
      case REDIS_REPLY_ERROR:
        reply->type = RedisReply::Type::kError;
        break;
      case REDIS_REPLY_STATUS:
        reply->type = RedisReply::Type::kStatus;
        break;
      default:
        reply->type = RedisReply::Type::kString;
    }
    reply->text.assign(text, size);
    return reply;
  }

  // `Count` is int or size_t, as the version of hiredis has it.
  template <typename Count>
  static void* Array(const redisReadTask* task, Count count) {
    auto* const reader = static_cast<RedisReplyReader*>(task->privdata);
    const auto elements = static_cast<size_t>(count);
    if (elements > RedisReplyReader::kMaxElements - reader->elements_) return nullptr;
    reader->elements_ += elements;
    RedisReply* const reply = Place(task);
    reply->type = RedisReply::Type::kArray;
    reply->elements.resize(elements);
    return reply;
  }

  static void* Integer(const redisReadTask* task, long long value) {
    RedisReply* const reply = Place(task);
    reply->type = RedisReply::Type::kInteger;
    reply->integer = value;
    return reply;
  }

  static void* Nil(const redisReadTask* task) { return Place(task); }

  // Elements belong to their array.
  static void Free(void* root) { delete static_cast<RedisReply*>(root); }

  static RedisReply* Place(const redisReadTask* task) {
    if (task->parent == nullptr) return std::make_unique<RedisReply>().release();
    return &static_cast<RedisReply*>(task->parent->obj)->elements[static_cast<size_t>(task->idx)];
  }

  static redisReplyObjectFunctions* Functions() {
    static redisReplyObjectFunctions functions = [] {
      redisReplyObjectFunctions made{};
      made.createString = &String;
      made.createArray = &Array;
      made.createInteger = &Integer;
      made.createNil = &Nil;
      made.freeObject = &Free;
      return made;
    }();
    return &functions;
  }
};

void RedisReplyReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

RedisReplyReader::RedisReplyReader()
    : reader_(redisReaderCreateWithFunctions(RedisReplyBuilder::Functions())) {
  reader_->privdata = this;
}

RedisReplyReader::~RedisReplyReader() = default;

void RedisReplyReader::Feed(std::string_view bytes) {
  bytes_ += bytes.size();
  redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

absl::StatusOr<std::optional<RedisReply>> RedisReplyReader::Next() {
  void* root = nullptr;
  if (redisReaderGetReply(reader_.get(), &root) != REDIS_OK) {
    return Error(Reason::kStoreUnavailable, "Redis sent something that is not its protocol (RESP2)");
  }
  if (root == nullptr) {
    if (bytes_ <= kMaxBytes) return std::nullopt;
    return Error(Reason::kStoreUnavailable,
                 fmt::format("Redis sent a reply of more than {} MiB", kMaxBytes / (size_t{1024} * 1024)));
  }
  const std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(root));
  bytes_ = 0;
  elements_ = 0;
  return std::optional<RedisReply>(std::move(*reply));
}

std::string FormatRedisCommand(const std::vector<std::string_view>& arguments) {
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  texts.reserve(arguments.size());
  sizes.reserve(arguments.size());
  for (const std::string_view argument : arguments) {
    texts.push_back(argument.data() == nullptr ? "" : argument.data());
    sizes.push_back(argument.size());
  }
  char* formatted = nullptr;
  const auto size =
      redisFormatCommandArgv(&formatted, static_cast<int>(texts.size()), texts.data(), sizes.data());
  std::string command(formatted, static_cast<size_t>(size));
  OPENSSL_cleanse(formatted, command.size());  // it may be AUTH
  redisFreeCommand(formatted);
  return command;
}

absl::Status RedisError(std::string_view error) {
  const std::string_view code = CodeOf(error);
  const std::string_view meaning = MeaningOf(code);
  return RetryableError(Reason::kStoreUnavailable,
                        meaning.empty() ? fmt::format("Redis answers with {}", code)
                                        : fmt::format("Redis answers {}: {}", code, meaning),
                        kRetryAfter);
}

}  // namespace grantkeep
