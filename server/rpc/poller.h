// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_POLLER_H_
#define GRANTKEEP_RPC_POLLER_H_

#include <grpcpp/completion_queue.h>

#include <memory>
#include <string>
#include <thread>

namespace grantkeep::rpc {

// What a tag in a completion queue points at.
class Completion {
 public:
  // On the poller's thread. `ok` as gRPC defines it for the operation that ended.
  virtual void Complete(bool ok) = 0;

 protected:
  ~Completion() = default;
};

// One completion queue and the thread that empties it.
class Poller {
 public:
  explicit Poller(std::unique_ptr<grpc::ServerCompletionQueue> queue) : queue_(std::move(queue)) {}
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

  // Begins to poll. Once, after the server has started.
  void Start(const std::string& thread_name);
  // Shuts the queue down, lets the thread empty it and joins. Nothing may be put into the queue
  // from here on, so the grpc::Server must have been shut down before. Idempotent.
  void Close();

 private:
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  bool closed_ = false;
};

// CPUs that this process may use: its affinity mask, cut by the CPU quota of its cgroup
// (version 1 or 2), rounded up.
int UsableCpus();
// One poller for every two usable CPUs, at least one.
int DefaultPollers(int usable_cpus);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_POLLER_H_
