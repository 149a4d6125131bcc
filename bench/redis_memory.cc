// SPDX-License-Identifier: Apache-2.0
// How much memory does a Redis need for each grant, beyond the tokens themselves?
//
// Starts a redis-server of its own, writes grants through the vault as a sign-in does (record, due entry,
// subject's hint), and prints Redis's used_memory for each, what of it is not the tokens, and what each kind
// of key takes. Exits with 1 when a grant takes more than the budget.
//
// Usage: redis_memory [GRANTS], 100,000 unless given
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "flow/new_grant.h"
#include "net/loop.h"
#include "refresh/freshness.h"
#include "refresh/same_server.h"
#include "store/redis/redis_store.h"
#include "tests/support/redis_server.h"
#include "vault/grants.h"
#include "vault/root_key.h"
#include "vault/sealed.h"
#include "vault/store_changes.h"

namespace grantkeep::bench {
namespace {

using boost::asio::awaitable;
using testing::RedisClient;
using testing::RedisReply;
using testing::RedisServer;

constexpr uint64_t kBudget = 1024;
constexpr size_t kTokenSize = 200;
constexpr uint64_t kDefaultGrants = 100'000;
constexpr uint64_t kAtOnce = 256;
constexpr uint64_t kGrantsOfASubject = 4;
constexpr Duration kPatience = std::chrono::minutes(1);
constexpr char kTenant[] = "acme";

void Check(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

template <typename T>
T Check(absl::StatusOr<T> result) {
  Check(result.status());
  return *std::move(result);
}

// A provider with common endpoints, as the catalogue has it.
config::v1::Provider MakeProvider() {
  config::v1::Provider provider;
  provider.set_id("google");
  provider.set_issuer("https://accounts.google.com");
  return provider;
}

// What a sign-in leaves there.
Wiped<storage::v1::Grant> MakeGrant(uint64_t number, Random& random, Time now) {
  static const auto& provider = *new config::v1::Provider(MakeProvider());
  const auto token = [&] { return Secret::Take(RandomToken(random, kTokenSize).substr(0, kTokenSize)); };
  storage::v1::Flow flow;
  flow.set_subject(fmt::format("user-{:08}", number / kGrantsOfASubject));
  flow.set_provider(provider.id());
  ServerMetadata server;
  server.issuer = provider.issuer();
  server.token_endpoint = "https://oauth2.googleapis.com/token";
  server.revocation_endpoint = "https://oauth2.googleapis.com/revoke";
  KeepServer(server, {}, flow);
  flow.set_redirect_uri("https://app.example.com/oauth/callback");
  for (const char* scope : {"openid", "https://www.googleapis.com/auth/calendar.readonly",
                            "https://www.googleapis.com/auth/userinfo.email"}) {
    flow.add_scopes(scope);
  }
  flow.set_caller("spiffe://example.com/ns/prod/sa/web");
  TokenOutcome outcome;
  outcome.kind = TokenOutcome::Kind::kGranted;
  outcome.tokens.access_token = token();
  outcome.tokens.token_type = "Bearer";
  outcome.tokens.refresh_token = token();
  outcome.tokens.expires_in = std::chrono::hours(1);
  outcome.sent_time = now;
  return NewGrant(flow, outcome, provider, "gr_" + RandomToken(random, 16), now);
}

// Writes grants from a number of coroutines of one loop, so that commands travel together.
class Seeding {
 public:
  Seeding(Store& store, Grants& grants, Clock& clock, Random& random, uint64_t count)
      : store_(store), grants_(grants), clock_(clock), random_(random), count_(count) {}

  void Run() {
    Loop loop("seed");
    for (uint64_t i = 0; i < kAtOnce; ++i) Spawn(loop.context(), WriteSome());
    Check(done_.get_future().get());
    loop.Stop();
  }

 private:
  awaitable<void> WriteSome() {
    while (next_ < count_ && failure_.ok()) {
      const absl::Status written = co_await WriteOne(next_++);
      if (failure_.ok()) failure_ = written;
    }
    if (++ended_ == kAtOnce) done_.set_value(failure_);
  }

  awaitable<absl::Status> WriteOne(uint64_t number) {
    const TenantId tenant(kTenant);
    Wiped<storage::v1::Grant> grant = MakeGrant(number, random_, store_.Now());
    const GrantId id(grant->grant_id());
    const SubjectId subject(grant->subject());
    std::vector<Write> also;
    also.push_back(SetDue{Grants::KeyOf(tenant, id), RenewTime(*grant)});
    const Tick deadline = clock_.Steady() + kPatience;
    absl::StatusOr<GrantCommit> committed =
        co_await grants_.Commit(tenant, std::move(grant), 0, std::move(also), deadline);
    if (!committed.ok()) co_return committed.status();
    const absl::Status indexed = co_await grants_.Index(tenant, subject, id, deadline);
    co_return indexed;
  }

  Store& store_;
  Grants& grants_;
  Clock& clock_;
  Random& random_;
  const uint64_t count_;
  // Of the loop.
  uint64_t next_ = 0;
  uint64_t ended_ = 0;
  absl::Status failure_;
  std::promise<absl::Status> done_;
};

uint64_t UsedMemory(const RedisServer& server) { return std::stoull(server.Info("used_memory")); }

// MEMORY USAGE of all keys whose names begin with `prefix`, and how many they are. Without samples: each
// element of a sorted set is counted.
void PrintUsage(RedisClient& client, const std::string& prefix, std::string_view what, uint64_t grants) {
  uint64_t keys = 0;
  uint64_t bytes = 0;
  // Of many keys alike a part says all.
  constexpr uint64_t kEnough = 20'000;
  uint64_t looked_at = 0;
  std::string cursor = "0";
  do {
    const RedisReply page = client.Command({"SCAN", cursor, "MATCH", prefix + "*", "COUNT", "1000"});
    cursor = page.elements.at(0).text;
    for (const RedisReply& key : page.elements.at(1).elements) {
      ++keys;
      if (looked_at == kEnough) continue;
      ++looked_at;
      bytes += std::stoull(client.Command({"MEMORY", "USAGE", key.text, "SAMPLES", "0"}).text);
    }
  } while (cursor != "0");
  if (keys == 0) return;
  const double all = static_cast<double>(bytes) / static_cast<double>(looked_at) * static_cast<double>(keys);
  fmt::print("  {:<28} {:>9} keys, {:>7.1f} bytes for each grant\n", what, keys,
             all / static_cast<double>(grants));
}

int Measure(uint64_t count) {
  RedisServer server({.configuration = {"appendonly no", "save \"\""}});
  server.Start();
  SystemClock clock;
  SystemRandom random;
  testing::TempDir dir;
  Check(CreateRootKeyFile(dir / "root.key", random));
  const auto root_key = Check(OpenRootKeyFile(dir / "root.key", false, random));
  RedisOptions options;
  options.url = Check(ParseRedisUrl(server.unix_url(), "url"));
  const auto store = Check(RedisStore::Open(std::move(options), clock));
  SealedRecords records(*store, *root_key, clock, random);
  StoreChanges changes(*store);
  Grants grants(*store, records, changes, clock);

  // Connections, buffers and scripts are there before, and the tenant's keyring.
  Seeding(*store, grants, clock, random, kAtOnce).Run();
  const uint64_t before = UsedMemory(server);
  const Tick begin = clock.Steady();
  Seeding(*store, grants, clock, random, count).Run();
  const double seconds = std::chrono::duration<double>(clock.Steady() - begin).count();
  const uint64_t used = UsedMemory(server) - before;

  const uint64_t each = used / count;
  const uint64_t beyond = each - std::min<uint64_t>(each, 2 * kTokenSize);
  fmt::print("{} grants in {:.1f} s: {} bytes each, {} beyond the two tokens of {} bytes (budget {})\n",
             count, seconds, each, beyond, kTokenSize, kBudget);
  const auto client = server.Connect();
  PrintUsage(*client, "grantkeep:g:", "grants", count);
  PrintUsage(*client, "grantkeep:due:", "due", count);
  PrintUsage(*client, "grantkeep:index:*:g:", "index of grants", count);
  PrintUsage(*client, "grantkeep:index:*:h:", "subjects' hints", count);
  fmt::print("  the rest is Redis's own table of keys\n");
  return beyond < kBudget ? 0 : 1;
}

int Main(int argc, char** argv) {
  uint64_t count = kDefaultGrants;
  if (argc > 1) {
    const std::string_view given = argv[1];
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), count);
    if (error != std::errc() || end != given.data() + given.size() || count == 0 || argc > 2) {
      std::fputs("usage: redis_memory [GRANTS]\n", stderr);
      return 2;
    }
  }
  try {
    return Measure(count);
  } catch (const std::exception& error) {
    fmt::print(stderr, "redis_memory: {}\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace grantkeep::bench

int main(int argc, char** argv) { return grantkeep::bench::Main(argc, argv); }
