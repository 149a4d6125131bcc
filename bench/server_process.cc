// SPDX-License-Identifier: Apache-2.0
#include "bench/server_process.h"

#include <fstream>
#include <stdexcept>
#include <utility>

namespace grantkeep::bench {
namespace {

constexpr char kConfig[] = R"(
providers:
  - id: bench
    authorization_endpoint: http://127.0.0.1:1/authorize
    token_endpoint: http://127.0.0.1:1/token
    client:
      client_id: bench
    redirect_uris:
      - http://127.0.0.1/callback
)";

}  // namespace

std::unique_ptr<ServerProcess> ServerProcess::Grantkeepd(const std::string& data_dir, Socket socket) {
  std::unique_ptr<ServerProcess> server(new ServerProcess);
  const std::string config = (server->dir_ / "config.yaml").string();
  std::ofstream(config) << kConfig;
  server->Start({GRANTKEEPD, "--dev", "--data-dir", data_dir, "--config", config, "--listen",
                 server->ListenAddress(socket), "--ready-file", (server->dir_ / "ready").string()});
  return server;
}

std::unique_ptr<ServerProcess> ServerProcess::Limit(Socket socket) {
  std::unique_ptr<ServerProcess> server(new ServerProcess);
  server->Start({BENCH_LIMIT, server->ListenAddress(socket), (server->dir_ / "ready").string()});
  return server;
}

std::string ServerProcess::ListenAddress(Socket socket) const {
  return socket == Socket::kTcp ? "127.0.0.1:0" : "unix:" + (dir_ / "socket").string();
}

void ServerProcess::Start(std::vector<std::string> command) {
  testing::ChildProcess::Options options;
  options.command = std::move(command);
  options.output = dir_ / "output";
  auto process = testing::ChildProcess::Start(options);
  if (!process.ok()) throw std::runtime_error(process.status().ToString());
  process_ = *std::move(process);
  if (const absl::Status ready = process_->WaitForFile(dir_ / "ready"); !ready.ok()) {
    throw std::runtime_error(ready.ToString() + "\n" + testing::ReadFile(options.output));
  }
  address_ = testing::ReadFile(dir_ / "ready");
  while (address_.ends_with('\n')) address_.pop_back();
}

}  // namespace grantkeep::bench
