// SPDX-License-Identifier: Apache-2.0
#include "tests/support/redis_client.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace grantkeep::testing {
namespace {

[[noreturn]] void ThrowSystemError(const char* what) {
  // What a socket says when its time limit has passed.
  const char* const why =
      errno == EAGAIN || errno == EINPROGRESS ? "no answer in time" : std::strerror(errno);
  throw std::runtime_error(fmt::format("Redis: {}: {}", what, why));
}

RedisReply Copy(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return {.text = std::to_string(reply.integer)};
    case REDIS_REPLY_NIL:
      return {.nil = true};
    case REDIS_REPLY_ARRAY: {
      RedisReply copy;
      for (size_t i = 0; i < reply.elements; ++i) copy.elements.push_back(Copy(*reply.element[i]));
      return copy;
    }
    default:
      return {.text = std::string(reply.str, reply.len)};
  }
}

}  // namespace

RedisClient::RedisClient(const std::filesystem::path& unix_socket, std::chrono::milliseconds timeout)
    : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), reader_(redisReaderCreate()) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = unix_socket.string();
  std::copy_n(path.begin(), std::min(path.size(), sizeof(address.sun_path) - 1), address.sun_path);
  SetTimeout(timeout);
  Connect(&address, sizeof(address));
}

RedisClient::RedisClient(uint16_t port, std::chrono::milliseconds timeout)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), reader_(redisReaderCreate()) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SetTimeout(timeout);
  Connect(&address, sizeof(address));
}

RedisClient::~RedisClient() { close(socket_); }

void RedisClient::FreeReader::operator()(redisReader* reader) const { redisReaderFree(reader); }

void RedisClient::SetTimeout(std::chrono::milliseconds timeout) {
  const timeval limit = {.tv_sec = timeout.count() / 1000, .tv_usec = timeout.count() % 1000 * 1000};
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));  // also of connect
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

void RedisClient::Connect(const void* address, unsigned size) {
  if (connect(socket_, static_cast<const sockaddr*>(address), size) != 0) {
    const int error = errno;
    close(socket_);
    errno = error;
    ThrowSystemError("connect");
  }
}

RedisReply RedisClient::Command(const std::vector<std::string>& words) {
  std::vector<const char*> pointers;
  std::vector<size_t> sizes;
  for (const std::string& word : words) {
    pointers.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* formatted = nullptr;
  const int size =
      redisFormatCommandArgv(&formatted, static_cast<int>(words.size()), pointers.data(), sizes.data());
  if (size < 0) throw std::runtime_error("Redis: the command cannot be formatted");
  const std::string bytes(formatted, static_cast<size_t>(size));
  redisFreeCommand(formatted);
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t now = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now < 0) ThrowSystemError(words.front().c_str());
    sent += static_cast<size_t>(now);
  }
  return Read();
}

RedisReply RedisClient::Read() {
  void* parsed = nullptr;
  while (true) {
    if (redisReaderGetReply(reader_.get(), &parsed) != REDIS_OK) {
      throw std::runtime_error(fmt::format("Redis: {}", reader_->errstr));
    }
    if (parsed != nullptr) break;
    std::array<char, 16384> buffer;
    const ssize_t size = recv(socket_, buffer.data(), buffer.size(), 0);
    if (size < 0) ThrowSystemError("read");
    if (size == 0) throw std::runtime_error("Redis: the server has ended the connection");
    redisReaderFeed(reader_.get(), buffer.data(), static_cast<size_t>(size));
  }
  const std::unique_ptr<void, void (*)(void*)> owner(parsed, freeReplyObject);
  const auto& reply = *static_cast<const redisReply*>(parsed);
  if (reply.type == REDIS_REPLY_ERROR) throw std::runtime_error(std::string(reply.str, reply.len));
  return Copy(reply);
}

}  // namespace grantkeep::testing
