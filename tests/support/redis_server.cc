// SPDX-License-Identifier: Apache-2.0
#include "tests/support/redis_server.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <stdexcept>
#include <utility>

#include "tests/support/eventually.h"

namespace grantkeep::testing {

using std::chrono::seconds;

RedisServer::RedisServer(const Options& options)
    : tls_(options.tls != Tls::kOff), sentinel_(options.sentinel) {
  if (tls_) {
    if (options.ca == nullptr) throw std::runtime_error("a Redis with TLS needs a TestCa");
    const TestCa::Identity identity = options.ca->Issue(options.certificate_names);
    std::ofstream(certificate_file()) << identity.certificate_pem;
    std::ofstream(key_file()) << identity.key_pem;
    std::filesystem::copy_file(options.ca->file(), dir_ / "ca.pem");
  }
  std::ofstream(dir_ / "redis.conf") << Configuration(options);
}

RedisServer::Options RedisServer::ReplicaOf(const RedisServer& master, Options options) {
  const std::vector<std::string> lines = {fmt::format("replicaof 127.0.0.1 {}", master.port())};
  options.configuration.insert(options.configuration.begin(), lines.begin(), lines.end());
  return options;
}

std::string RedisServer::Configuration(const Options& options) const {
  std::vector<std::string> lines = {
      "bind 127.0.0.1",
      fmt::format("port {}", tls_ ? 0 : port()),
      fmt::format("unixsocket {}", unix_socket().string()),
      fmt::format("dir {}", data_dir().string()),
      "save \"\"",
      "appendonly no",
      "protected-mode no",
      "daemonize no",
      "enable-debug-command yes",
      "repl-diskless-sync-delay 0",
      // For the time after a failover, when it may be a replica of any other.
      fmt::format("masteruser {}", kAdmin),
      fmt::format("masterauth {}", kAdminPassword),
      fmt::format("user {} on >{} ~* &* +@all", kAdmin, kAdminPassword),
  };
  if (tls_) {
    lines.push_back(fmt::format("tls-port {}", port()));
    lines.push_back(fmt::format("tls-cert-file {}", certificate_file().string()));
    lines.push_back(fmt::format("tls-key-file {}", key_file().string()));
    lines.push_back(fmt::format("tls-ca-cert-file {}", (dir_ / "ca.pem").string()));
    lines.push_back(
        fmt::format("tls-auth-clients {}", options.tls == Tls::kClientCertificates ? "yes" : "no"));
    lines.push_back("tls-replication yes");
  }
  for (const std::string& user : options.users) lines.push_back("user " + user);
  lines.insert(lines.end(), options.configuration.begin(), options.configuration.end());
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

void RedisServer::Start() {
  ChildProcess::Options options = {.command = {REDIS_SERVER, (dir_ / "redis.conf").string()},
                                   .environment = {},
                                   .output = dir_ / "output"};
  if (sentinel_) options.command.push_back("--sentinel");
  auto process = ChildProcess::Start(options);
  if (!process.ok()) throw std::runtime_error(std::string(process.status().message()));
  process_ = *std::move(process);
  paused_ = false;
  bool answers = false;
  Eventually([&] { return (answers = Answers()) || process_->Wait(seconds(0)).has_value(); }, seconds(100));
  if (!answers) {
    process_.reset();
    throw std::runtime_error(fmt::format("{} has not started:\n{}", REDIS_SERVER, Output()));
  }
}

bool RedisServer::Answers() const {
  try {
    return Command({"PING"}).text == "PONG";
  } catch (const std::runtime_error&) {
    return false;  // not there yet, or loading
  }
}

void RedisServer::Stop() {
  if (process_ == nullptr) return;
  process_->Signal(SIGTERM);
  Continue();
  const bool ended = process_->Wait().has_value();
  Kill();
  if (!ended) throw std::runtime_error("redis-server does not end");
}

void RedisServer::Kill() {
  process_.reset();
  paused_ = false;
}

void RedisServer::Restart() {
  Stop();
  Start();
}

void RedisServer::Pause() {
  process_->Signal(SIGSTOP);
  // The signal takes effect some time after it is sent.
  siginfo_t stopped;
  if (waitid(P_PID, static_cast<id_t>(pid()), &stopped, WSTOPPED) != 0) {
    throw std::runtime_error("redis-server has ended before it was paused");
  }
  paused_ = true;
}

void RedisServer::Continue() {
  process_->Signal(SIGCONT);
  paused_ = false;
}

std::string RedisServer::url() const {
  return fmt::format("{}://127.0.0.1:{}/0", tls_ ? "rediss" : "redis", port());
}

std::string RedisServer::unix_url() const { return fmt::format("unix://{}?db=0", unix_socket().string()); }

RedisReply RedisServer::Command(const std::vector<std::string>& words,
                                std::chrono::milliseconds timeout) const {
  return Connect(timeout)->Command(words);
}

std::unique_ptr<RedisClient> RedisServer::Connect(std::chrono::milliseconds timeout) const {
  auto client = std::make_unique<RedisClient>(unix_socket(), timeout);
  client->Command({"AUTH", std::string(kAdmin), std::string(kAdminPassword)});
  return client;
}

void RedisServer::WaitForReplicas(int count) const {
  const auto client = Connect();
  const std::string wanted = std::to_string(count);
  const bool confirmed = Eventually(
      [&] {
        // Without a replica nothing is counted as written, which anybody has.
        if (std::stoi(Info("connected_slaves")) < count) return false;
        client->Command({"PUBLISH", "replicas", "confirm"});  // goes to replicas, and leaves no key
        return std::stoi(client->Command({"WAIT", wanted, "100"}).text) >= count;
      },
      seconds(100));
  if (!confirmed) throw std::runtime_error("too few replicas confirm writes: " + Info("slave0"));
}

std::string RedisServer::Info(std::string_view field) const {
  const std::string all = "\r\n" + Command({"INFO"}).text;
  const std::string name = fmt::format("\r\n{}:", field);
  const size_t found = all.find(name);
  if (found == std::string::npos) return "";
  const size_t begin = found + name.size();
  return all.substr(begin, all.find("\r\n", begin) - begin);
}

}  // namespace grantkeep::testing
