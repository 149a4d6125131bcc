// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_TOKEN_SOURCE_CORE_H_
#define GRANTKEEP_CLIENT_TOKEN_SOURCE_CORE_H_

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/known_grant.h"
#include "client/published.h"
#include "client/watch_stream.h"
#include "grantkeep/token_source.h"
#include "grantkeep/v1/auth.grpc.pb.h"

namespace grantkeep {

struct GrantTokens::State {
  // Read by every Get().
  std::atomic<bool> watched{false};   // a stream is up that has told of this grant
  std::atomic<uint64_t> rejected{0};  // the highest generation that an API refused
  client::Published<client::KnownGrant> known{std::make_unique<const client::KnownGrant>()};

  // Written under the mutex, so that what is newer wins.
  std::mutex mutex;
  uint64_t newest = 0;                   // generation of what `known` says
  uint64_t ends_told = 0;                // how often a stream has told that there is no token any more
  std::atomic<int64_t> vouched_us{0};    // when the service last stood by it, beside the stream; steady
  std::atomic<int64_t> ask_again_us{0};  // the service failed: nobody who has a token asks before; steady
  // The stream that told of the grant last. The source's thread.
  const client::WatchStream* told_by = nullptr;
};

namespace client {

// What a TokenSource and its handles share. Its thread belongs to the TokenSource, and is gone after Close().
class TokenSourceCore : public std::enable_shared_from_this<TokenSourceCore> {
 public:
  TokenSourceCore(TokenSourceOptions options, const std::shared_ptr<grpc::Channel>& channel);
  ~TokenSourceCore();

  // Once each.
  void Start();
  void Close();

  std::shared_ptr<GrantTokens> Add(const std::string& subject, const std::string& grant_id);
  // A handle is gone.
  void Removed();
  size_t streams() const { return stream_count_.load(); }

  const TokenSourceOptions& options() const { return options_; }
  // What Get() finds without asking; it would do so `slack` later, too.
  static std::shared_ptr<const Token> FindInMemory(const GrantTokens::State& grant, Micros slack);
  // The way of Get() when the token is not in memory.
  absl::StatusOr<std::shared_ptr<const Token>> Ask(GrantTokens& tokens, std::chrono::milliseconds timeout);

 private:
  // Registers a call, so that Close() can cancel it.
  class CancellableCall;

  absl::StatusOr<v1::RefreshResponse> Refresh(const GrantTokens& tokens, uint64_t rejected,
                                              std::chrono::milliseconds timeout);
  // `ends_told`: of the grant, before the service was asked.
  absl::StatusOr<std::shared_ptr<const Token>> TakeAnswer(GrantTokens& tokens, v1::RefreshResponse answer,
                                                          uint64_t ends_told);
  bool IsClosed();
  // Wakes the thread soon. The mutex is held.
  void WakeSoon();

  // The thread.
  void Run();
  void Regroup();
  // Streams for these grants, which take the place of others once they have told of everything.
  void OpenStreams(const std::vector<std::shared_ptr<GrantTokens>>& grants,
                   std::vector<std::shared_ptr<WatchStream>> replaced);
  void TakeNews(WatchStream& stream, v1::WatchGrantsResponse& news);
  void StreamBroke(WatchStream& stream);

  struct Wake final : Completion {
    explicit Wake(TokenSourceCore& owner) : core(owner) {}
    void Complete(bool ok) override;
    TokenSourceCore& core;
  };

  const TokenSourceOptions options_;
  const std::unique_ptr<v1::AuthService::Stub> stub_;
  grpc::CompletionQueue queue_;
  std::thread thread_;

  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<GrantTokens>> handles_;
  std::vector<std::weak_ptr<GrantTokens>> added_;
  std::set<grpc::ClientContext*> calls_;
  bool closed_ = false;
  bool waking_ = false;
  Wake wake_{*this};
  grpc::Alarm alarm_;

  std::atomic<size_t> stream_count_{0};
  // The thread's.
  bool closing_ = false;
  std::vector<std::shared_ptr<WatchStream>> streams_;
};

}  // namespace client
}  // namespace grantkeep

#endif  // GRANTKEEP_CLIENT_TOKEN_SOURCE_CORE_H_
