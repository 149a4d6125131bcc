// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_WATCH_STREAM_H_
#define GRANTKEEP_CLIENT_WATCH_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "grantkeep/v1/auth.grpc.pb.h"

namespace grantkeep {

class GrantTokens;

namespace client {

// What a tag in the queue points at.
class Completion {
 public:
  virtual void Complete(bool ok) = 0;

 protected:
  ~Completion() = default;
};

class WatchStream;

// Streams whose grants others watch from now on. Each of the others holds this until it has told of all of
// its grants, or has ended; the last that lets go ends them.
struct Replacement {
  Replacement() = default;
  ~Replacement();
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  std::vector<std::shared_ptr<WatchStream>> replaced;
};

// One WatchGrants stream that is opened again when it breaks off, after a pause that grows and is random.
// Used by the thread that empties the queue, and lives until its last event has come out of it.
class WatchStream : public std::enable_shared_from_this<WatchStream> {
 public:
  struct Events {
    std::function<void(WatchStream& stream, v1::WatchGrantsResponse& news)> on_news;
    // It has broken off, or was ended; it opens again by itself unless it was ended.
    std::function<void(WatchStream& stream)> on_break;
  };

  // `grants` must fit one request.
  WatchStream(v1::AuthService::Stub& stub, grpc::CompletionQueue& queue, Events events, std::string tenant,
              std::vector<std::weak_ptr<GrantTokens>> grants, std::shared_ptr<Replacement> replacement)
      : stub_(stub),
        queue_(queue),
        events_(std::move(events)),
        tenant_(std::move(tenant)),
        grants_(std::move(grants)),
        replacement_(std::move(replacement)) {}

  // Opens it; from then on it lives by itself until it has ended.
  void Open();
  // Ends it for good, soon.
  void End();
  bool ended() const { return ended_; }

  // Those of its grants that are still wanted.
  std::vector<std::shared_ptr<GrantTokens>> Wanted() const;
  size_t size() const { return grants_.size(); }
  // Others take its place.
  bool replaced = false;

 private:
  template <void (WatchStream::*Run)(bool)>
  struct Event final : Completion {
    explicit Event(WatchStream& owner) : stream(owner) {}
    void Complete(bool ok) override { (stream.*Run)(ok); }
    WatchStream& stream;
  };

  void Call();
  void Opened(bool ok);
  void Read(bool ok);
  void Finished(bool ok);
  void PauseOver(bool ok);
  std::chrono::milliseconds NextPause();
  void CountAsTold(const v1::Grant& grant);

  v1::AuthService::Stub& stub_;
  grpc::CompletionQueue& queue_;
  const Events events_;
  const std::string tenant_;
  std::vector<std::weak_ptr<GrantTokens>> grants_;
  std::shared_ptr<Replacement> replacement_;
  std::set<std::pair<std::string, std::string>> untold_;  // since it was opened
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::WatchGrantsResponse>> reader_;
  v1::WatchGrantsResponse news_;
  grpc::Status status_;
  grpc::Alarm alarm_;
  bool pausing_ = false;
  bool ended_ = false;
  int breaks_ = 0;  // since it last brought news
  std::minstd_rand random_{std::random_device()()};
  Event<&WatchStream::Opened> opened_{*this};
  Event<&WatchStream::Read> read_{*this};
  Event<&WatchStream::Finished> finished_{*this};
  Event<&WatchStream::PauseOver> pause_over_{*this};
  std::shared_ptr<WatchStream> self_;  // from Open() until the end
};

}  // namespace client
}  // namespace grantkeep

#endif  // GRANTKEEP_CLIENT_WATCH_STREAM_H_
