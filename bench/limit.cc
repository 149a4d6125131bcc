// SPDX-License-Identifier: Apache-2.0
// The limit: what a gRPC server of this kind costs when it does nothing. An ordinary typed
// completion-queue service that answers every Refresh with one fixed message of realistic size.
// It has as many pollers as grantkeepd and the same server settings.
//
// Usage: limit ADDRESS READY_FILE [POLLERS]
// Serves until it is killed. The address is written to READY_FILE.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "grantkeep/v1/auth.grpc.pb.h"

namespace grantkeep::bench {
namespace {

constexpr int kAskedAhead = 32;

using Service = v1::AuthService::WithAsyncMethod_Refresh<v1::AuthService::Service>;

v1::RefreshResponse MakeAnswer() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  v1::RefreshResponse answer;
  answer.set_access_token(std::string(300, 't'));
  answer.set_token_type("Bearer");
  answer.mutable_expire_time()->set_seconds(std::chrono::duration_cast<std::chrono::seconds>(now).count() +
                                            7200);
  answer.mutable_expire_time()->set_nanos(123'456'000);
  answer.set_generation(1);
  answer.add_scopes("read");
  answer.add_scopes("write");
  answer.set_freshness(v1::FRESHNESS_FRESH);
  return answer;
}

// One call, in the manner of gRPC's own examples: a new object for each.
class Echo {
 public:
  Echo(Service& service, grpc::ServerCompletionQueue& queue, const v1::RefreshResponse& answer)
      : service_(service), queue_(queue), answer_(answer), writer_(&context_) {
    service_.RequestRefresh(&context_, &request_, &writer_, &queue_, &queue_, this);
  }

  void Proceed(bool ok) {
    if (!ok || answered_) {
      delete this;
      return;
    }
    answered_ = true;
    new Echo(service_, queue_, answer_);
    writer_.Finish(answer_, grpc::Status::OK, this);
  }

 private:
  Service& service_;
  grpc::ServerCompletionQueue& queue_;
  const v1::RefreshResponse& answer_;
  grpc::ServerContext context_;
  v1::RefreshRequest request_;
  grpc::ServerAsyncResponseWriter<v1::RefreshResponse> writer_;
  bool answered_ = false;
};

int Serve(const std::string& address, const std::string& ready_file, size_t pollers) {
  Service service;
  const v1::RefreshResponse answer = MakeAnswer();
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
  for (size_t i = 0; i < pollers; ++i) queues.push_back(builder.AddCompletionQueue());
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::fprintf(stderr, "limit: cannot listen on %s\n", address.c_str());
    return 1;
  }
  std::vector<std::thread> threads;
  for (const auto& queue : queues) {
    for (int i = 0; i < kAskedAhead; ++i) new Echo(service, *queue, answer);
    threads.emplace_back([&queue] {
      void* tag = nullptr;
      bool ok = false;
      while (queue->Next(&tag, &ok)) static_cast<Echo*>(tag)->Proceed(ok);
    });
  }
  const bool is_unix = address.starts_with("unix:");
  const std::string reached =
      is_unix ? address : address.substr(0, address.rfind(':') + 1) + std::to_string(port);
  std::ofstream(ready_file) << reached << '\n';
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace grantkeep::bench

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: limit ADDRESS READY_FILE [POLLERS]\n");
    return 2;
  }
  const size_t cpus = std::max(1u, std::thread::hardware_concurrency());
  const size_t pollers = argc == 4 ? std::stoul(argv[3]) : (cpus + 1) / 2;
  return grantkeep::bench::Serve(argv[1], argv[2], pollers);
}
