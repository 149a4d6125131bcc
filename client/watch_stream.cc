// SPDX-License-Identifier: Apache-2.0
#include "client/watch_stream.h"

#include <algorithm>

#include "grantkeep/token_source.h"

namespace grantkeep::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{5000};
constexpr int kDoublings = 7;

}  // namespace

Replacement::~Replacement() {
  for (const auto& stream : replaced) stream->End();
}

std::vector<std::shared_ptr<GrantTokens>> WatchStream::Wanted() const {
  std::vector<std::shared_ptr<GrantTokens>> wanted;
  for (const auto& grant : grants_) {
    if (auto tokens = grant.lock()) wanted.push_back(std::move(tokens));
  }
  return wanted;
}

void WatchStream::Open() {
  self_ = shared_from_this();
  Call();
}

void WatchStream::Call() {
  v1::WatchGrantsRequest request;
  request.set_tenant(tenant_);
  untold_.clear();
  for (const auto& tokens : Wanted()) {
    v1::WatchGrantsRequest::Watched& watched = *request.add_grants();
    watched.set_subject(tokens->subject());
    watched.set_grant_id(tokens->grant_id());
    untold_.emplace(tokens->subject(), tokens->grant_id());
  }
  if (untold_.empty()) ended_ = true;
  reader_.reset();  // lives in the call that the context holds
  context_ = std::make_unique<grpc::ClientContext>();
  reader_ = stub_.PrepareAsyncWatchGrants(context_.get(), request, &queue_);
  reader_->StartCall(&opened_);
  if (ended_) context_->TryCancel();
}

void WatchStream::Opened(bool ok) {
  if (ok) {
    reader_->Read(&news_, &read_);
  } else {
    reader_->Finish(&status_, &finished_);
  }
}

void WatchStream::Read(bool ok) {
  if (!ok) {
    reader_->Finish(&status_, &finished_);
    return;
  }
  breaks_ = 0;
  events_.on_news(*this, news_);
  CountAsTold(news_.grant());
  reader_->Read(&news_, &read_);
}

void WatchStream::CountAsTold(const v1::Grant& grant) {
  untold_.erase({grant.subject(), grant.grant_id()});
  if (untold_.empty()) replacement_ = nullptr;
}

void WatchStream::Finished(bool) {
  events_.on_break(*this);
  if (ended_) {
    replacement_ = nullptr;
    // May end this object, when the function does.
    const std::shared_ptr<WatchStream> last = std::move(self_);
    return;
  }
  pausing_ = true;
  alarm_.Set(&queue_, std::chrono::system_clock::now() + NextPause(), &pause_over_);
}

void WatchStream::PauseOver(bool) {
  pausing_ = false;
  if (!ended_) return Call();
  replacement_ = nullptr;
  events_.on_break(*this);
  const std::shared_ptr<WatchStream> last = std::move(self_);
}

void WatchStream::End() {
  if (std::exchange(ended_, true)) return;
  if (pausing_) {
    alarm_.Cancel();
  } else if (context_ != nullptr) {
    context_->TryCancel();
  }
}

milliseconds WatchStream::NextPause() {
  const int doublings = std::min(breaks_++, kDoublings);
  const milliseconds whole = std::min(kLongestPause, kFirstPause * (1 << doublings));
  // At least half of it, so that many clients of a service that restarts do not come back together.
  return milliseconds(std::uniform_int_distribution<int64_t>(whole.count() / 2, whole.count())(random_));
}

}  // namespace grantkeep::client
