// SPDX-License-Identifier: Apache-2.0
#include "bench/seed.h"

#include <chrono>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <utility>

#include "crypto/random.h"
#include "net/loop.h"
#include "store/sqlite/sqlite_store.h"
#include "vault/grants.h"
#include "vault/root_key.h"
#include "vault/sealed.h"
#include "vault/static_secrets.h"
#include "vault/store_changes.h"

namespace grantkeep::bench {
namespace {

template <typename T>
using Awaitable = boost::asio::awaitable<absl::StatusOr<T>>;

void Check(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

template <typename T>
T Check(absl::StatusOr<T> result) {
  Check(result.status());
  return *std::move(result);
}

template <typename T>
boost::asio::awaitable<void> Deliver(Awaitable<T> task, std::promise<absl::Status>& done) {
  absl::StatusOr<T> result = co_await std::move(task);
  done.set_value(result.status());
}

template <typename T>
void Run(Loop& loop, Awaitable<T> task) {
  std::promise<absl::Status> done;
  Spawn(loop.context(), Deliver(std::move(task), done));
  Check(done.get_future().get());
}

storage::v1::Grant MakeGrant(Time now) {
  const auto two_hours = std::chrono::hours(2);
  storage::v1::Grant grant;
  grant.set_grant_id(kGrant);
  grant.set_subject(kSubject);
  grant.set_provider("bench");
  grant.set_token_endpoint("http://127.0.0.1:1/token");
  grant.add_scopes("read");
  grant.add_scopes("write");
  grant.set_create_time_us(ToMicros(now));
  grant.set_generation(1);
  grant.set_access_token(std::string(kTokenSize, 'a'));
  grant.set_token_type("Bearer");
  grant.set_refresh_token(std::string(kTokenSize, 'r'));
  grant.set_issue_time_us(ToMicros(now));
  grant.set_expire_time_us(ToMicros(now + two_hours));
  grant.set_state(storage::v1::Grant::STATE_ACTIVE);
  grant.set_state_time_us(ToMicros(now));
  return grant;
}

}  // namespace

void Seed(const std::string& data_dir) {
  std::filesystem::create_directory(data_dir);
  std::filesystem::permissions(data_dir, std::filesystem::perms::owner_all);
  SystemClock clock;
  SystemRandom random;
  Check(CreateRootKeyFile(data_dir + "/root.key", random));
  const auto root_key = Check(OpenRootKeyFile(data_dir + "/root.key", false, random));
  SqliteStore::Options options;
  options.path = data_dir + "/grantkeep.db";
  const auto store = Check(SqliteStore::Open(std::move(options), clock));
  SealedRecords records(*store, *root_key, clock, random);
  StoreChanges changes(*store);
  Grants grants(*store, records, changes, clock);
  StaticSecrets static_secrets(*store, records, changes, clock);
  Loop loop("seed");
  const TenantId tenant(kTenant);
  const Tick deadline = clock.Steady() + std::chrono::seconds(30);
  Run(loop, grants.Commit(tenant, Wiped<storage::v1::Grant>(MakeGrant(clock.Now())), 0, {}, deadline));
  Run(loop, static_secrets.Put(tenant, kSecretName, Secret(std::string(kTokenSize, 's')), ProviderId(),
                               std::nullopt, deadline));
  loop.Stop();
}

}  // namespace grantkeep::bench
