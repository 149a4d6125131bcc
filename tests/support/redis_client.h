// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_REDIS_CLIENT_H_
#define GRANTKEEP_TESTS_SUPPORT_REDIS_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

struct redisReader;

namespace grantkeep::testing {

struct RedisReply {
  bool nil = false;
  std::string text = {};                  // a string, a status, or an integer in decimal
  std::vector<RedisReply> elements = {};  // of an array
};

// A connection to a Redis that blocks its thread. Everything throws std::runtime_error when the server
// cannot be reached, ends the connection, answers with an error (whose text is the exception's) or lets
// `timeout` pass; then the connection is of no more use, except after an error of the server's.
class RedisClient {
 public:
  explicit RedisClient(const std::filesystem::path& unix_socket,
                       std::chrono::milliseconds timeout = std::chrono::seconds(20));
  // Of 127.0.0.1, without TLS.
  explicit RedisClient(uint16_t port, std::chrono::milliseconds timeout = std::chrono::seconds(20));
  ~RedisClient();
  RedisClient(RedisClient&&) = delete;
  RedisClient& operator=(RedisClient&&) = delete;

  // From now on.
  void SetTimeout(std::chrono::milliseconds timeout);
  RedisReply Command(const std::vector<std::string>& words);
  // The next message, of a connection that has subscribed to something.
  RedisReply Read();

 private:
  struct FreeReader {
    void operator()(redisReader* reader) const;
  };

  void Connect(const void* address, unsigned size);

  int socket_ = -1;
  std::unique_ptr<redisReader, FreeReader> reader_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_REDIS_CLIENT_H_
