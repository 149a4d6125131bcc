// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_ROOMS_H_
#define GRANTKEEP_TESTS_SUPPORT_ROOMS_H_

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/call.h"
#include "config/yaml.h"
#include "crypto/random.h"
#include "grantkeep/config/v1/config.pb.h"
#include "provider/provider.h"
#include "store/sqlite/sqlite_store.h"
#include "telemetry/redact.h"
#include "tests/support/interposed_store.h"
#include "tests/support/scripted_http.h"
#include "tests/support/test_loop.h"
#include "vault/flows.h"
#include "vault/grants.h"
#include "vault/root_key.h"
#include "vault/sealed.h"
#include "vault/store_changes.h"

namespace grantkeep::testing {

// The rooms below refresh and flow, real but for time and HTTP: SQLite in memory, a root key in a
// temporary file, providers from YAML.
class Rooms {
 public:
  // `root_key`: of other Rooms over the same store; null: a new one.
  explicit Rooms(const std::string& providers_yaml,
                 std::string store_path = ":memory:", std::unique_ptr<KeyWrapper> root_key = nullptr) {
    SqliteStore::Options options;
    options.path = std::move(store_path);
    sqlite = SqliteStore::Open(options, clock).value();
    store = std::make_unique<InterposedStore>(*sqlite);
    root = root_key != nullptr ? std::move(root_key) : MakeRootKey();
    records = std::make_unique<SealedRecords>(*store, *root, clock, random);
    changes = std::make_unique<StoreChanges>(*store);
    grants = std::make_unique<Grants>(*store, *records, *changes, clock);
    flows = std::make_unique<Flows>(*store, *records);
    config::v1::Config config;
    const absl::Status read = ReadYaml(providers_yaml, "test.yaml", config);
    if (!read.ok()) throw std::runtime_error(std::string(read.message()));
    Provider::Dependencies dependencies{http, clock,
                                        [this](config::v1::SecretReference reference, Tick deadline) {
                                          secret_reads.push_back({reference, deadline});
                                          const absl::Status failure =
                                              secret_failure ? secret_failure(reference) : absl::OkStatus();
                                          return ResolveSecret(std::move(reference), failure);
                                        },
                                        false};
    auto created = Catalogue::Create(config.providers(), dependencies);
    if (!created.ok()) throw std::runtime_error(std::string(created.status().message()));
    catalogue = *std::move(created);
  }

  Call NewCall(Duration timeout = std::chrono::seconds(30)) {
    return Call{Caller{"caller"}, clock.Steady() + timeout, "request-1"};
  }

  // Stores a grant of tenant "t", subject "u", provider "p", and returns it as stored.
  StoredGrant PutGrant(const std::string& id, Duration lifetime,
                       const std::function<void(storage::v1::Grant&)>& change = {}) {
    Wiped<storage::v1::Grant> grant;
    grant->set_grant_id(id);
    grant->set_subject("u");
    grant->set_provider("p");
    grant->set_token_endpoint("https://as.example/token");
    grant->set_generation(1);
    grant->set_access_token("at-1");
    grant->set_token_type("Bearer");
    grant->set_refresh_token("rt-1");
    grant->set_state(storage::v1::Grant::STATE_ACTIVE);
    grant->set_issue_time_us(ToMicros(clock.Now()));
    if (lifetime > Duration(0)) grant->set_expire_time_us(ToMicros(clock.Now() + lifetime));
    if (change) change(*grant);
    auto commit = loop.Run(grants->Commit(TenantId("t"), std::move(grant), 0, {}, clock.Steady() + kLong));
    return std::move(*commit.value().current);
  }

  StoredGrant LoadGrant(const std::string& id) {
    auto loaded = loop.Run(grants->Load(TenantId("t"), GrantId(id), clock.Steady() + kLong));
    return std::move(*loaded.value());
  }

  static constexpr Duration kLong = std::chrono::hours(1);

  ManualClock clock;
  SystemRandom random;
  ScriptedHttp http{clock};
  std::unique_ptr<SqliteStore> sqlite;
  std::unique_ptr<InterposedStore> store;
  std::unique_ptr<KeyWrapper> root;
  std::unique_ptr<SealedRecords> records;
  std::unique_ptr<StoreChanges> changes;
  std::unique_ptr<Grants> grants;
  std::unique_ptr<Flows> flows;
  std::unique_ptr<Catalogue> catalogue;
  // Why a client secret cannot be read; every one can while there is no function.
  std::function<absl::Status(const config::v1::SecretReference&)> secret_failure;
  struct SecretRead {
    config::v1::SecretReference reference;
    Tick deadline;
  };
  std::vector<SecretRead> secret_reads;
  // Ends first: coroutines that still wait are destroyed while the rooms live.
  TestLoop loop;

 private:
  static boost::asio::awaitable<absl::StatusOr<Secret>> ResolveSecret(config::v1::SecretReference reference,
                                                                      absl::Status failure) {
    if (!failure.ok()) co_return failure;
    co_return Secret("secret-of-" + reference.env());
  }

  std::unique_ptr<KeyWrapper> MakeRootKey() {
    const auto dir = std::filesystem::temp_directory_path() / ("grantkeep-rooms-" + RandomToken(random, 9));
    std::filesystem::create_directory(dir);
    const std::string path = dir / "root.key";
    if (!CreateRootKeyFile(path, random).ok()) throw std::runtime_error("no root key");
    auto key = OpenRootKeyFile(path, false, random).value();
    std::filesystem::remove_all(dir);
    return key;
  }
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_ROOMS_H_
