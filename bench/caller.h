// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BENCH_CALLER_H_
#define GRANTKEEP_BENCH_CALLER_H_

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bench/measure.h"

namespace grantkeep::bench {

// Calls one method over one connection, with a fixed number of calls outstanding.
class Caller {
 public:
  virtual ~Caller() = default;
  // Makes `calls` calls; adds the time of each to `times`. Throws when one fails.
  virtual void Run(int calls, int outstanding, std::vector<Nanos>& times) = 0;
};

template <typename Request, typename Response>
class UnaryCaller final : public Caller {
 public:
  using Reader = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>>;
  using Start = std::function<Reader(grpc::ClientContext*, const Request&, grpc::CompletionQueue*)>;

  // `is_right` looks at every answer.
  UnaryCaller(Request request, Start start, std::function<bool(const Response&)> is_right)
      : request_(std::move(request)), start_(std::move(start)), is_right_(std::move(is_right)) {}
  ~UnaryCaller() override {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) delete static_cast<Pending*>(tag);
  }

  void Run(int calls, int outstanding, std::vector<Nanos>& times) override {
    int begun = 0;
    for (; begun < outstanding && begun < calls; ++begun) Begin();
    for (int ended = 0; ended < calls; ++ended) {
      void* tag = nullptr;
      bool ok = false;
      queue_.Next(&tag, &ok);
      const std::unique_ptr<Pending> pending(static_cast<Pending*>(tag));
      times.push_back(std::chrono::steady_clock::now() - pending->begin);
      if (!pending->status.ok()) {
        throw std::runtime_error(fmt::format("a call failed: {}", pending->status.error_message()));
      }
      if (!is_right_(pending->response)) throw std::runtime_error("a call brought a wrong answer");
      if (begun < calls) {
        Begin();
        ++begun;
      }
    }
  }

 private:
  struct Pending {
    std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
    grpc::ClientContext context;
    Reader reader;
    Response response;
    grpc::Status status;
  };

  void Begin() {
    auto* pending = new Pending;
    pending->reader = start_(&pending->context, request_, &queue_);
    pending->reader->Finish(&pending->response, &pending->status, pending);
  }

  const Request request_;
  const Start start_;
  const std::function<bool(const Response&)> is_right_;
  grpc::CompletionQueue queue_;
};

}  // namespace grantkeep::bench

#endif  // GRANTKEEP_BENCH_CALLER_H_
