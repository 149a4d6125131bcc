// SPDX-License-Identifier: Apache-2.0
#include "client/token_source_core.h"

#include <pthread.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <optional>
#include <string_view>

#include "client/channel.h"
#include "client/utf8.h"
#include "grantkeep/call_error.h"

namespace grantkeep::client {
namespace {

using std::chrono::milliseconds;

// What the service takes in one request, and a little less.
constexpr size_t kMaxGrants = 1024;
constexpr size_t kMaxRequestBytes = size_t{100} * 1024;
constexpr size_t kBytesAroundNames = 16;
// What the service accepts as names (WatchGrantsRequest.Watched): it refuses a whole request for one.
constexpr size_t kMaxSubject = 256;
constexpr size_t kMaxGrantId = 64;
// Grants that are added one after the other share a stream.
constexpr milliseconds kGather{5};
// Streams beyond the fewest possible before small ones are put together.
constexpr double kSpareStreams = 3;
// How long Get() waits for the service when it has a token to fall back on, and when it asks again after that
// failed.
constexpr milliseconds kPatience{1000};
constexpr Micros kAskAgain{1'000'000};

int64_t SteadyMicros() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

absl::Status Gone() { return absl::CancelledError("the TokenSource is gone"); }

// As the service has it: UTF-8 without control characters.
bool IsSubject(std::string_view text) {
  if (text.empty() || text.size() > kMaxSubject) return false;
  while (!text.empty()) {
    const std::optional<CodePoint> c = DecodeUtf8(text);
    if (!c.has_value() || c->value < 0x20 || c->value == 0x7f) return false;
    text.remove_prefix(c->length);
  }
  return true;
}

bool IsGrantId(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:@/+=~|";
  return !text.empty() && text.size() <= kMaxGrantId &&
         std::isalnum(static_cast<unsigned char>(text[0])) != 0 &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

size_t BytesOf(const GrantTokens& tokens) {
  return tokens.subject().size() + tokens.grant_id().size() + kBytesAroundNames;
}

// How much of one request they take; more than 1: of several.
double ShareOfRequest(const std::vector<std::shared_ptr<GrantTokens>>& grants) {
  size_t bytes = 0;
  for (const auto& tokens : grants) bytes += BytesOf(*tokens);
  return std::max(static_cast<double>(grants.size()) / kMaxGrants,
                  static_cast<double>(bytes) / kMaxRequestBytes);
}

// What the service says of the grant, or of the call; everything else is the service's own trouble.
bool IsVerdict(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace

class TokenSourceCore::CancellableCall {
 public:
  CancellableCall(TokenSourceCore& core, milliseconds timeout) : core_(core) {
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    const std::lock_guard lock(core_.mutex_);
    gone_ = core_.closed_;
    if (!gone_) core_.calls_.insert(&context);
  }
  ~CancellableCall() {
    const std::lock_guard lock(core_.mutex_);
    core_.calls_.erase(&context);
  }
  CancellableCall(const CancellableCall&) = delete;
  CancellableCall& operator=(const CancellableCall&) = delete;

  bool gone() const { return gone_; }
  grpc::ClientContext context;

 private:
  TokenSourceCore& core_;
  bool gone_ = false;
};

TokenSourceCore::TokenSourceCore(TokenSourceOptions options, const std::shared_ptr<grpc::Channel>& channel)
    : options_(std::move(options)), stub_(v1::AuthService::NewStub(channel)) {}

TokenSourceCore::~TokenSourceCore() = default;

void TokenSourceCore::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "token-source");
    Run();
  });
}

void TokenSourceCore::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (grpc::ClientContext* call : calls_) call->TryCancel();
    if (waking_) {
      alarm_.Cancel();  // comes out at once
    } else {
      waking_ = true;
      alarm_.Set(&queue_, std::chrono::system_clock::now(), &wake_);
    }
  }
  thread_.join();
}

std::shared_ptr<GrantTokens> TokenSourceCore::Add(const std::string& subject, const std::string& grant_id) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<GrantTokens>& handle = handles_[{subject, grant_id}];
  if (std::shared_ptr<GrantTokens> known = handle.lock()) return known;
  auto tokens = std::make_shared<GrantTokens>(GrantTokens::Key(), shared_from_this(), subject, grant_id);
  handle = tokens;
  // One that the service would refuse: Get() says what is wrong.
  if (!IsSubject(subject) || !IsGrantId(grant_id)) return tokens;
  added_.push_back(tokens);
  WakeSoon();
  return tokens;
}

void TokenSourceCore::Removed() {
  const std::lock_guard lock(mutex_);
  WakeSoon();
}

void TokenSourceCore::WakeSoon() {
  if (closed_ || std::exchange(waking_, true)) return;
  alarm_.Set(&queue_, std::chrono::system_clock::now() + kGather, &wake_);
}

// --- Get()

std::shared_ptr<const Token> TokenSourceCore::FindInMemory(const GrantTokens::State& grant, Micros slack) {
  if (!grant.watched.load(std::memory_order_acquire)) return nullptr;
  const uint64_t rejected = grant.rejected.load(std::memory_order_relaxed);
  const int64_t then = WallMicros() + slack.count();
  return grant.known.With([rejected, then](const KnownGrant& known) -> std::shared_ptr<const Token> {
    if (then >= known.serve_until_us || known.token->generation <= rejected) return nullptr;
    return known.token;
  });
}

absl::StatusOr<std::shared_ptr<const Token>> TokenSourceCore::Ask(GrantTokens& tokens, milliseconds timeout) {
  GrantTokens::State& grant = *tokens.state_;
  uint64_t ends_told = 0;
  {
    const std::lock_guard lock(grant.mutex);
    ends_told = grant.ends_told;
  }
  const bool watched = grant.watched.load(std::memory_order_acquire);
  const KnownGrant known = grant.known.With([](const KnownGrant& newest) { return newest; });
  if (watched && !known.refusal.ok()) return known.refusal;

  const bool rejected = known.token != nullptr && known.token->generation <= grant.rejected.load();
  const int64_t now = SteadyMicros();
  const bool vouched_for = watched || now - grant.vouched_us.load() < Micros(options_.outage_serve).count();
  const bool usable = known.token != nullptr && !rejected && vouched_for && IsValid(*known.token);
  if (usable && now < grant.ask_again_us.load()) return known.token;

  absl::StatusOr<v1::RefreshResponse> answer = Refresh(tokens, rejected ? known.token->generation : 0,
                                                       usable ? std::min(timeout, kPatience) : timeout);
  if (answer.ok()) return TakeAnswer(tokens, *std::move(answer), ends_told);
  if (!usable || IsVerdict(answer.status()) || IsClosed()) return answer.status();
  grant.ask_again_us.store(SteadyMicros() + kAskAgain.count());
  return known.token;
}

absl::StatusOr<v1::RefreshResponse> TokenSourceCore::Refresh(const GrantTokens& tokens, uint64_t rejected,
                                                             milliseconds timeout) {
  v1::RefreshRequest request;
  request.set_tenant(options_.tenant);
  request.set_subject(tokens.subject());
  request.set_grant_id(tokens.grant_id());
  request.set_rejected_generation(rejected);
  request.mutable_min_ttl()->set_seconds(options_.min_ttl.count() / 1000);
  request.mutable_min_ttl()->set_nanos(static_cast<int32_t>(options_.min_ttl.count() % 1000 * 1'000'000));
  CancellableCall call(*this, timeout);
  if (call.gone()) return Gone();
  v1::RefreshResponse response;
  const grpc::Status status = stub_->Refresh(&call.context, request, &response);
  if (status.error_code() == grpc::StatusCode::CANCELLED && IsClosed()) return Gone();
  if (!status.ok()) return FromGrpc(status);
  return response;
}

absl::StatusOr<std::shared_ptr<const Token>> TokenSourceCore::TakeAnswer(GrantTokens& tokens,
                                                                         v1::RefreshResponse answer,
                                                                         uint64_t ends_told) {
  GrantTokens::State& grant = *tokens.state_;
  KnownGrant known = KnownFrom(answer, options_.min_ttl);
  std::shared_ptr<const Token> token = known.token;
  const std::lock_guard lock(grant.mutex);
  if (grant.ends_told != ends_told) {
    // The answer may be older than what the stream has told since.
    const KnownGrant newest = grant.known.With([](const KnownGrant& known_now) { return known_now; });
    if (!newest.refusal.ok()) return newest.refusal;
    if (newest.token != nullptr && newest.token->generation > token->generation) return newest.token;
  }
  grant.vouched_us.store(SteadyMicros());
  if (token->generation >= grant.newest) {
    grant.newest = token->generation;
    grant.known.Replace(std::make_unique<const KnownGrant>(std::move(known)));
  }
  return token;
}

bool TokenSourceCore::IsClosed() {
  const std::lock_guard lock(mutex_);
  return closed_;
}

// --- The thread

void TokenSourceCore::Run() {
  void* tag = nullptr;
  bool ok = false;
  bool shut_down = false;
  while (queue_.Next(&tag, &ok)) {
    static_cast<Completion*>(tag)->Complete(ok);
    // A stream that ends needs the queue until it has.
    if (closing_ && streams_.empty() && !std::exchange(shut_down, true)) queue_.Shutdown();
  }
}

void TokenSourceCore::Wake::Complete(bool) {
  {
    const std::lock_guard lock(core.mutex_);
    core.waking_ = false;
    core.closing_ = core.closed_;
  }
  if (!core.closing_) return core.Regroup();
  for (const auto& stream : core.streams_) stream->End();
}

void TokenSourceCore::Regroup() {
  std::vector<std::shared_ptr<GrantTokens>> grants;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& added : std::exchange(added_, {})) {
      if (auto tokens = added.lock()) grants.push_back(std::move(tokens));
    }
    std::erase_if(handles_, [](const auto& entry) { return entry.second.expired(); });
  }
  // Which streams have become too small, for what is left of them, or beside so many others.
  std::vector<std::pair<std::shared_ptr<WatchStream>, std::vector<std::shared_ptr<GrantTokens>>>> current;
  double total = ShareOfRequest(grants);
  for (const auto& stream : streams_) {
    if (stream->ended() || stream->replaced) continue;
    current.emplace_back(stream, stream->Wanted());
    total += ShareOfRequest(current.back().second);
  }
  const bool too_many =
      static_cast<double>(current.size() + (grants.empty() ? 0 : 1)) > std::ceil(total) + kSpareStreams;
  std::vector<std::shared_ptr<WatchStream>> replaced;
  for (auto& [stream, wanted] : current) {
    if (wanted.empty()) {
      stream->End();
    } else if (wanted.size() * 2 < stream->size() || (too_many && ShareOfRequest(wanted) < 0.5)) {
      stream->replaced = true;
      replaced.push_back(stream);
      std::move(wanted.begin(), wanted.end(), std::back_inserter(grants));
    }
  }
  OpenStreams(grants, std::move(replaced));
}

void TokenSourceCore::OpenStreams(const std::vector<std::shared_ptr<GrantTokens>>& grants,
                                  std::vector<std::shared_ptr<WatchStream>> replaced) {
  std::vector<std::vector<std::weak_ptr<GrantTokens>>> requests;
  size_t bytes = kMaxRequestBytes;
  for (const auto& tokens : grants) {
    const size_t size = BytesOf(*tokens);
    if (bytes + size > kMaxRequestBytes || requests.back().size() == kMaxGrants) {
      requests.emplace_back();
      bytes = 0;
    }
    requests.back().push_back(tokens);
    bytes += size;
  }
  auto replacement = std::make_shared<Replacement>();
  replacement->replaced = std::move(replaced);
  const WatchStream::Events events{
      .on_news = [this](WatchStream& stream, v1::WatchGrantsResponse& news) { TakeNews(stream, news); },
      .on_break = [this](WatchStream& stream) { StreamBroke(stream); }};
  for (auto& request : requests) {
    streams_.push_back(std::make_shared<WatchStream>(*stub_, queue_, events, options_.tenant,
                                                     std::move(request), replacement));
    streams_.back()->Open();
  }
  stream_count_.store(streams_.size());
}

void TokenSourceCore::TakeNews(WatchStream& stream, v1::WatchGrantsResponse& news) {
  std::shared_ptr<GrantTokens> tokens;
  {
    const std::lock_guard lock(mutex_);
    const auto found = handles_.find({news.grant().subject(), news.grant().grant_id()});
    if (found != handles_.end()) tokens = found->second.lock();
  }
  const uint64_t generation = news.grant().generation();
  KnownGrant known = KnownFrom(news, options_.min_ttl);
  if (tokens == nullptr) return;
  GrantTokens::State& grant = *tokens->state_;
  // The one that takes its place is told everything, too.
  if (stream.replaced && grant.told_by != nullptr && grant.told_by != &stream) return;
  {
    const std::lock_guard lock(grant.mutex);
    // An answer to Refresh may have brought a newer token than this.
    const bool overtaken = known.token != nullptr && generation < grant.newest;
    if (!overtaken) {
      grant.newest = known.token != nullptr ? generation : 0;
      if (known.token == nullptr) ++grant.ends_told;
      // A store that was restored has gone back behind it.
      if (known.token != nullptr && generation < grant.rejected.load()) grant.rejected.store(0);
      grant.known.Replace(std::make_unique<const KnownGrant>(std::move(known)));
    }
  }
  grant.told_by = &stream;
  grant.watched.store(true, std::memory_order_release);
}

void TokenSourceCore::StreamBroke(WatchStream& stream) {
  std::vector<std::shared_ptr<GrantTokens>> handles;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : handles_) {
      if (auto tokens = entry.second.lock()) handles.push_back(std::move(tokens));
    }
  }
  const int64_t now = SteadyMicros();
  for (const auto& tokens : handles) {
    GrantTokens::State& grant = *tokens->state_;
    if (grant.told_by != &stream) continue;
    grant.told_by = nullptr;
    grant.vouched_us.store(now);
    {
      // What the next stream begins with holds, also when a restored store has gone back.
      const std::lock_guard lock(grant.mutex);
      grant.newest = 0;
    }
    grant.watched.store(false, std::memory_order_release);
  }
  if (!stream.ended()) return;
  std::erase_if(streams_, [&](const auto& other) { return other.get() == &stream; });
  stream_count_.store(streams_.size());
}

}  // namespace grantkeep::client
