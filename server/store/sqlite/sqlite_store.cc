// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/sqlite_store.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/this_coro.hpp>
#include <mutex>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/random.h"
#include "store/identity.h"
#include "store/limits.h"
#include "store/sqlite/background_check.h"
#include "store/sqlite/lock_file.h"
#include "store/sqlite/operation.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/storage_thread.h"
#include "store/store_time.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using Access = Operation::Access;

// What an operation takes up in the queue beside its values.
constexpr size_t kOperationBytes = 1024;

size_t SizeOf(const std::vector<Write>& writes) {
  size_t bytes = kOperationBytes;
  for (const Write& write : writes) {
    if (const auto* put = std::get_if<Put>(&write)) bytes += put->value.size();
    if (const auto* restore = std::get_if<Restore>(&write)) bytes += restore->value.size();
  }
  return bytes;
}

}  // namespace

// In this order: the lock is given up last, after the thread has closed the file.
struct SqliteStore::State {
  State(std::optional<LockFile> lock_, Clock& clock_) : lock(std::move(lock_)), clock(clock_), time(clock_) {}

  std::optional<LockFile> lock;
  Clock& clock;
  StoreTime time;
  mutable std::mutex identity_mutex;
  StoreIdentity identity;
  std::atomic<uint64_t> adopted_in = 0;
  std::unique_ptr<StorageThread> thread;
  std::unique_ptr<BackgroundCheck> check;

  template <typename Result>
  awaitable<absl::StatusOr<Result>> Perform(Access access, size_t bytes,
                                            typename TypedOperation<Result>::Body body, Tick deadline) {
    if (clock.Steady() >= deadline) {
      co_return Error(Reason::kDeadline, "store: the deadline had passed before the operation");
    }
    const auto executor = co_await boost::asio::this_coro::executor;
    auto operation = std::make_shared<TypedOperation<Result>>(access, bytes, executor, std::move(body));
    const absl::Status queued = thread->Queue(operation);
    if (!queued.ok()) co_return queued;
    // From here on the store may end before the coroutine goes on.
    auto answer = TypedOperation<Result>::Wait(std::move(operation), clock, deadline);
    co_return co_await std::move(answer);
  }
};

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(Options options, Clock& clock) {
  if (options.path.empty())
    return Error(Reason::kStoreUnavailable, "store: the path of the database is empty");
  std::optional<LockFile> lock;
  if (options.path != ":memory:") {
    ASSIGN_OR_RETURN(LockFile acquired, LockFile::Acquire(options.path + ".lock"));
    lock.emplace(std::move(acquired));
  }
  ASSIGN_OR_RETURN(OpenedFile file, OpenFile(options.path, options.max_pages));
  auto state = std::make_unique<State>(std::move(lock), clock);
  state->adopted_in = AdoptedIn(file.identity);
  state->identity = std::move(file.identity);
  const StorageThread::Options limits{options.max_queued, options.max_queued_bytes, options.expiry_interval};
  auto thread = StorageThread::Start(std::move(file.database), state->time, limits);
  if (!thread.ok()) return Annotate(thread.status(), fmt::format("store: {}", options.path));
  state->thread = *std::move(thread);
  if (file.needs_check) {
    Log("store").warn("{} was not closed in order; it is checked in the background", options.path);
    state->check = std::make_unique<BackgroundCheck>(options.path);
  }
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(state)));
}

SqliteStore::SqliteStore(std::unique_ptr<State> state) : state_(std::move(state)) {}

SqliteStore::~SqliteStore() {
  const bool sound = state_->check == nullptr || state_->check->Stop();
  if (!sound) state_->thread->LeaveUnmarked();
}

bool SqliteStore::checking() const { return state_->check != nullptr && state_->check->running(); }

absl::Status SqliteStore::health() const {
  return state_->check == nullptr ? absl::OkStatus() : state_->check->result();
}

StoreIdentity SqliteStore::identity() const {
  const std::lock_guard lock(state_->identity_mutex);
  return state_->identity;
}

uint64_t SqliteStore::adopted_in() const { return state_->adopted_in; }

Time SqliteStore::Now() const { return state_->time.Now(); }

awaitable<absl::StatusOr<std::optional<Record>>> SqliteStore::Get(Key key, Tick deadline) {
  const absl::Status checked = CheckGet(key);
  if (!checked.ok()) co_return checked;
  TypedOperation<std::optional<Record>>::Body body = [key = std::move(key)](Session& session, Time now) {
    return session.Get(key, now);
  };
  auto answer =
      state_->Perform<std::optional<Record>>(Access::kRead, kOperationBytes, std::move(body), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<CommitResult>> SqliteStore::Commit(std::vector<Write> writes, Tick deadline) {
  const absl::Status checked = CheckCommit(writes);
  if (!checked.ok()) co_return checked;
  const size_t bytes = SizeOf(writes);
  TypedOperation<CommitResult>::Body body = [writes = std::move(writes)](Session& session, Time now) {
    return session.Commit(writes, now);
  };
  auto answer = state_->Perform<CommitResult>(Access::kWrite, bytes, std::move(body), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<TakeResult>> SqliteStore::Take(Key key, std::string guard, uint32_t burn_after,
                                                        Tick deadline) {
  const absl::Status checked = CheckTake(key, guard, burn_after);
  if (!checked.ok()) co_return checked;
  TypedOperation<TakeResult>::Body body = [key = std::move(key), guard = std::move(guard), burn_after](
                                              Session& session, Time now) {
    return session.Take(key, guard, burn_after, now);
  };
  auto answer = state_->Perform<TakeResult>(Access::kWrite, kOperationBytes, std::move(body), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<std::vector<DueItem>>> SqliteStore::ClaimDue(Partition partition, size_t limit,
                                                                      Duration lease, Tick deadline) {
  const absl::Status checked = CheckClaimDue(partition, limit, lease);
  if (!checked.ok()) co_return checked;
  TypedOperation<std::vector<DueItem>>::Body body = [=](Session& session, Time now) {
    return session.ClaimDue(partition, limit, lease, now);
  };
  auto answer =
      state_->Perform<std::vector<DueItem>>(Access::kWrite, kOperationBytes, std::move(body), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<Page>> SqliteStore::Scan(Partition partition, Kind kind, TenantId tenant,
                                                  std::string after, size_t limit, Tick deadline) {
  const absl::Status checked = CheckScan(partition, kind, tenant, after, limit);
  if (!checked.ok()) co_return checked;
  TypedOperation<Page>::Body body = [=, tenant = std::move(tenant), after = std::move(after)](
                                        Session& session, Time now) {
    return session.Scan(partition, kind, tenant, after, limit, now);
  };
  auto answer = state_->Perform<Page>(Access::kRead, kOperationBytes, std::move(body), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<StoreIdentity>> SqliteStore::Adopt(Adoption as, Tick deadline) {
  SystemRandom random;
  StoreIdentity next = NextIdentity(identity(), as, random);
  TypedOperation<StoreIdentity>::Body body = [next](Session& session, Time) -> absl::StatusOr<StoreIdentity> {
    RETURN_IF_ERROR(session.SetIdentity(next));
    return next;
  };
  auto answer = state_->Perform<StoreIdentity>(Access::kWrite, kOperationBytes, std::move(body), deadline);
  auto adopted = co_await std::move(answer);
  if (adopted.ok()) {
    const std::lock_guard lock(state_->identity_mutex);
    state_->identity = *adopted;
    state_->adopted_in = AdoptedIn(*adopted);
  }
  co_return adopted;
}

void SqliteStore::OnChange(std::function<void(const Change&)> listener) {
  state_->thread->OnChange(std::move(listener));
}

}  // namespace grantkeep
