// SPDX-License-Identifier: Apache-2.0
#include "rpc/poller.h"

#include <pthread.h>

namespace grantkeep::rpc {

Poller::~Poller() { Close(); }

void Poller::Start(const std::string& thread_name) {
  thread_ = std::thread([this, thread_name] {
    pthread_setname_np(pthread_self(), thread_name.c_str());
    void* tag = nullptr;
    bool ok = false;
    while (queue_->Next(&tag, &ok)) static_cast<Completion*>(tag)->Complete(ok);
  });
}

void Poller::Close() {
  if (closed_) return;
  closed_ = true;
  queue_->Shutdown();
  if (thread_.joinable()) {
    thread_.join();
    return;
  }
  // Never started: empty the queue here, which gRPC wants before its destruction.
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<Completion*>(tag)->Complete(ok);
}

}  // namespace grantkeep::rpc
