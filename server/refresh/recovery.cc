// SPDX-License-Identifier: Apache-2.0
#include "refresh/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/reason.h"
#include "provider/provider.h"
#include "refresh/schedule.h"
#include "refresh/tombstone.h"
#include "telemetry/log.h"
#include "vault/currency.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::seconds;
using Outcome = CommitResult::Outcome;
using storage::v1::Grant;

constexpr Duration kStoreTimeout = seconds(5);
// Refreshes wait for the first reading no longer than this.
constexpr Duration kReadPatience = seconds(5);
constexpr Duration kFirstPause = seconds(1);
constexpr Duration kLongestPause = seconds(30);
constexpr int kMaxTries = 16;

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

Recovery::Recovery(RecoveryFiles& files, Rooms rooms)
    : files_(files), rooms_(rooms), reading_until_(rooms.clock.Steady() + kReadPatience) {}

awaitable<void> Recovery::Run() {
  std::string said;
  bool all = false;  // were read
  for (Duration pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    if (waiting_.empty()) {
      absl::StatusOr<std::vector<RecoveryFile>> files = co_await files_.ReadAll(rooms_.clock);
      if (files.ok()) {
        // A full folder may have more.
        all = files->size() < RecoveryFiles::kMaxFiles;
        Take(*std::move(files));
        read_.Set();
      }
      if (waiting_.empty() && all) co_return;
    }
    Files todo;
    for (const auto& [key, files] : waiting_) todo.insert(todo.end(), files.begin(), files.end());
    for (const std::shared_ptr<const Waiting>& file : todo) {
      const absl::Status replayed = co_await Replay(file);
      if (!replayed.ok() && said != MessageOf(replayed)) {
        said = MessageOf(replayed);
        Log("refresh").warn("{} waits: {}", file->name, said);
      }
      if (IsOutage(replayed)) break;
    }
    if (waiting_.empty() && all) co_return;
    co_await rooms_.clock.SleepUntil(rooms_.clock.Steady() + pause);
  }
}

void Recovery::Take(std::vector<RecoveryFile> files) {
  for (RecoveryFile& file : files) {
    std::optional<RecoveryFileParts> parts = ParseRecoveryFile(file.content);
    if (!parts.has_value()) {
      files_.SetAside(std::move(file.name), "it is no recovery file, or not a whole one");
    } else if (file.name != RecoveryFileName(parts->tenant, parts->grant, parts->presented)) {
      files_.SetAside(std::move(file.name), "it has another's name");
    } else {
      GrantKey key(parts->tenant, parts->grant);
      waiting_[std::move(key)].push_back(
          std::make_shared<const Waiting>(Waiting{std::move(file.name), *std::move(parts)}));
    }
  }
  // The tokens of later generations come last.
  for (auto& [key, of_one] : waiting_) {
    std::ranges::sort(of_one, {}, [](const auto& file) { return file->parts.presented; });
  }
}

awaitable<absl::Status> Recovery::Settle(TenantId tenant, GrantId grant) {
  co_await read_.Wait(rooms_.clock, reading_until_);
  const GrantKey key(std::move(tenant), std::move(grant));
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) co_return absl::OkStatus();
  const Files files = found->second;
  for (const std::shared_ptr<const Waiting>& file : files) {
    const absl::Status replayed = co_await Replay(file);
    if (!replayed.ok()) co_return Annotate(replayed, "tokens of a recovery file");
  }
  co_return absl::OkStatus();
}

awaitable<absl::Status> Recovery::Replay(std::shared_ptr<const Waiting> file) {
  const RecoveryFileParts& parts = file->parts;
  absl::StatusOr<Secret> opened =
      co_await rooms_.records.Open(RecoveryKey(parts.tenant, parts.grant), parts.presented.value,
                                   parts.sealed, rooms_.clock.Steady() + kStoreTimeout);
  if (HasReason(opened.status(), Reason::kStoreCorrupt)) {
    SetAside(*file, "it does not authenticate: it was altered, or belongs to another store");
    co_return absl::OkStatus();
  }
  if (!opened.ok()) co_return opened.status();
  Wiped<Grant> tokens;
  const std::string_view payload = opened->Expose();
  if (!tokens->ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    SetAside(*file, "its content cannot be read");
    co_return absl::OkStatus();
  }
  const absl::Status applied = co_await Apply(*file, *tokens);
  co_return applied;
}

awaitable<absl::Status> Recovery::Apply(const Waiting& file, const Grant& tokens) {
  const RecoveryFileParts& parts = file.parts;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    absl::StatusOr<std::optional<StoredGrant>> loaded =
        co_await rooms_.grants.Load(parts.tenant, parts.grant, rooms_.clock.Steady() + kStoreTimeout);
    if (!loaded.ok()) co_return loaded.status();
    const Grant* const stored = loaded->has_value() ? &*(*loaded)->grant : nullptr;
    switch (JudgeTokens(stored, tokens, rooms_.store.identity())) {
      case TokensFate::kDrop:
        Drop(file, "the store has newer tokens");
        co_return absl::OkStatus();
      case TokensFate::kNoGrant:
        SetAside(file, "the store has no such grant");
        co_return absl::OkStatus();
      case TokensFate::kOriginals:
        SetAside(file,
                 "the store was adopted as a clone since: the tokens belong to those who use the original");
        co_return absl::OkStatus();
      case TokensFate::kToOutbox:
      case TokensFate::kInstall:
        break;
    }
    const absl::StatusOr<bool> done = co_await TryCommit(file, tokens, **loaded);
    if (!done.ok()) co_return done.status();
    if (*done) co_return absl::OkStatus();
  }
  co_return RetryableError(Reason::kStoreUnavailable, "the grant's record is changing too fast", seconds(1));
}

awaitable<absl::StatusOr<bool>> Recovery::TryCommit(const Waiting& file, const Grant& tokens,
                                                    StoredGrant& stored) {
  const bool revoked = stored.grant->state() == Grant::STATE_REVOKED;
  const Time now = rooms_.store.Now();
  if (revoked && !AddToOutbox(*stored.grant, tokens.refresh_token(), tokens.access_token(), now)) {
    Drop(file, "the outbox has its tokens");
    co_return true;
  }
  if (!revoked) InstallTokenSet(*stored.grant, tokens, now);

  const Key key = Grants::KeyOf(file.parts.tenant, file.parts.grant);
  std::vector<Write> also;
  // Whoever had the lease is dead.
  if (!tokens.intent().owner().empty()) also.push_back(EndLease{key, tokens.intent().owner()});
  if (const Provider* const provider = rooms_.catalogue.Find(ProviderId(stored.grant->provider()));
      provider != nullptr) {
    also.push_back(DueAt(key, DueTime(*stored.grant, provider->record(), 0.5)));
  }
  const absl::StatusOr<GrantCommit> commit =
      co_await rooms_.grants.Commit(file.parts.tenant, std::move(stored.grant), stored.revision,
                                    std::move(also), rooms_.clock.Steady() + kStoreTimeout);
  if (!commit.ok()) co_return commit.status();
  if (commit->outcome != Outcome::kDone) co_return false;
  Drop(file, revoked ? "its tokens are in the outbox of a revoked grant" : "its tokens are in the store");
  co_return true;
}

awaitable<std::shared_ptr<const Recovery::Copy>> Recovery::Keep(TenantId tenant, GrantId grant,
                                                                Generation presented, Wiped<Grant> tokens,
                                                                std::function<void()> written) {
  const Secret payload = Secret::Take(tokens->SerializeAsString());
  absl::StatusOr<std::string> sealed = co_await rooms_.records.Seal(
      RecoveryKey(tenant, grant), presented.value, payload.Expose(), rooms_.clock.Steady() + kStoreTimeout);
  if (!sealed.ok()) {
    Log("refresh").error("grant {}: new tokens cannot be sealed for a recovery file: {}", grant.value(),
                         MessageOf(sealed.status()));
    co_return nullptr;
  }
  auto copy = std::make_shared<Copy>();
  std::string name = RecoveryFileName(tenant, grant, presented);
  std::string content = EncodeRecoveryFile({std::move(tenant), grant, presented, *std::move(sealed)});
  files_.Write(name, std::move(content),
               [copy, grant, name, written = std::move(written)](const absl::Status& status) {
                 if (!status.ok()) {
                   copy->failed = true;
                   return;
                 }
                 Log("refresh").warn("grant {}: new tokens are in {} until the store has them", grant.value(),
                                     name);
                 if (written) written();
               });
  co_return copy;
}

void Recovery::Discard(const TenantId& tenant, const GrantId& grant, Generation presented) {
  files_.Remove(RecoveryFileName(tenant, grant, presented));
}

void Recovery::Drop(const Waiting& file, std::string_view what) {
  Log("refresh").info("{}: {}; grant {}", file.name, what, file.parts.grant.value());
  files_.Remove(file.name);
  Forget(file);
}

void Recovery::SetAside(const Waiting& file, std::string_view why) {
  files_.SetAside(file.name, std::string(why));
  Forget(file);
}

void Recovery::Forget(const Waiting& file) {
  const auto found = waiting_.find(GrantKey(file.parts.tenant, file.parts.grant));
  if (found == waiting_.end()) return;
  std::erase_if(found->second, [&](const auto& waiting) { return waiting.get() == &file; });
  if (found->second.empty()) waiting_.erase(found);
}

}  // namespace grantkeep
