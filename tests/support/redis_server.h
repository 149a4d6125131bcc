// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_REDIS_SERVER_H_
#define GRANTKEEP_TESTS_SUPPORT_REDIS_SERVER_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/redis_client.h"
#include "tests/support/reserved_port.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ca.h"

namespace grantkeep::testing {

// A real redis-server on a port of 127.0.0.1 and on a unix socket. Port, data directory and
// configuration, with all that CONFIG REWRITE has made of it, last as long as this object; what is in
// memory only is gone when the program ends. Without `configuration` it writes nothing to disk.
//
// Start() from a thread that lives on: the kernel kills the server when its starter ends.
class RedisServer {
 public:
  enum class Tls {
    kOff,
    kOn,                  // on the port; the unix socket is always plain
    kClientCertificates,  // a client must show a certificate of `ca`
  };
  struct Options {
    std::vector<std::string> configuration = {};  // lines of redis.conf, which win against ours
    std::vector<std::string> users = {};          // as ACL SETUSER has them: "default off"
    Tls tls = Tls::kOff;
    const TestCa* ca = nullptr;  // for TLS; used by the constructor only
    std::vector<std::string> certificate_names = {"127.0.0.1", "localhost"};
    bool sentinel = false;  // a redis-sentinel (SentinelGroup makes them)
  };

  explicit RedisServer(const Options& options);
  RedisServer() : RedisServer(Options{}) {}
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  // `options` for a replica of `master`; the TLS of both must be the same.
  static Options ReplicaOf(const RedisServer& master, Options options);
  static Options ReplicaOf(const RedisServer& master) { return ReplicaOf(master, Options{}); }

  // Starts it and waits until it answers: its data are loaded. Also after Stop() and Kill(). Throws
  // std::runtime_error with the output of a server that does not start.
  void Start();
  // SIGTERM, and waits for the end. A master waits for its replicas, at most 10 s (shutdown-timeout).
  void Stop();
  // SIGKILL.
  void Kill();
  void Restart();
  // SIGSTOP, after which it does nothing any more, and SIGCONT.
  void Pause();
  void Continue();
  // Started, and not paused.
  bool running() const { return process_ != nullptr && !paused_; }

  // redis://127.0.0.1:PORT/0, rediss:// with TLS.
  std::string url() const;
  // unix:///PATH?db=0
  std::string unix_url() const;
  uint16_t port() const { return port_.number(); }
  std::filesystem::path unix_socket() const { return dir_ / "redis.sock"; }
  // With TLS: what it shows to clients, which may show the same to it.
  std::filesystem::path certificate_file() const { return dir_ / "certificate.pem"; }
  std::filesystem::path key_file() const { return dir_ / "key.pem"; }

  // By the unix socket, on a connection of its own, as a user who may do everything whatever becomes of
  // the others. Throws as RedisClient does.
  RedisReply Command(const std::vector<std::string>& words,
                     std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;
  // Such a connection, for what takes more than one command.
  std::unique_ptr<RedisClient> Connect(std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;
  // Until so many replicas confirm what is written. One that is connected gets nothing before it has
  // acknowledged what it was sent at first, which can take it a second. Throws after 100 s.
  void WaitForReplicas(int count) const;
  // A field of INFO: Info("role"). Empty when there is none.
  std::string Info(std::string_view field) const;

  // Everything that it has written to stdout and stderr so far, all runs.
  std::string Output() const { return ReadFile(dir_ / "output"); }
  std::filesystem::path data_dir() const { return dir_.path(); }
  pid_t pid() const { return process_ == nullptr ? -1 : process_->pid(); }

  // The user of Command().
  static constexpr std::string_view kAdmin = "admin-of-the-test";
  static constexpr std::string_view kAdminPassword = "password-of-the-admin-of-the-test";

 private:
  std::string Configuration(const Options& options) const;
  bool Answers() const;

  const bool tls_;
  const bool sentinel_;
  ReservedPort port_;
  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  bool paused_ = false;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_REDIS_SERVER_H_
