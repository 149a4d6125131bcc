// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BENCH_SERVER_PROCESS_H_
#define GRANTKEEP_BENCH_SERVER_PROCESS_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::bench {

// The kind of socket that both servers listen on.
enum class Socket { kUnix, kTcp };

// A server under measurement, killed with this object.
class ServerProcess {
 public:
  // grantkeepd --dev over `data_dir`, with a provider "bench" that is never reached.
  static std::unique_ptr<ServerProcess> Grantkeepd(const std::string& data_dir, Socket socket);
  // The bare echo.
  static std::unique_ptr<ServerProcess> Limit(Socket socket);

  const std::string& address() const { return address_; }
  pid_t pid() const { return process_->pid(); }

 private:
  ServerProcess() = default;
  std::string ListenAddress(Socket socket) const;
  // Throws, with the program's output, when it does not come up.
  void Start(std::vector<std::string> command);

  testing::TempDir dir_;
  std::unique_ptr<testing::ChildProcess> process_;
  std::string address_;
};

}  // namespace grantkeep::bench

#endif  // GRANTKEEP_BENCH_SERVER_PROCESS_H_
