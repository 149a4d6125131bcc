// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/random.h"
#include "daemon/dev_files.h"
#include "daemon/opened_store.h"
#include "daemon/preparation.h"
#include "daemon/readiness.h"
#include "daemon/secret_sources.h"
#include "daemon/server_status.h"
#include "daemon/store_adoption.h"
#include "daemon/store_memory.h"
#include "flow/flow.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "provider/provider.h"
#include "refresh/due_work.h"
#include "refresh/grant_watches.h"
#include "refresh/recovery.h"
#include "refresh/recovery_files.h"
#include "refresh/refresh.h"
#include "refresh/revoker.h"
#include "rpc/server.h"
#include "store/gated_store.h"
#include "store/guarded_store.h"
#include "store/redis/redis_store.h"
#include "telemetry/log.h"
#include "vault/flows.h"
#include "vault/grants.h"
#include "vault/put_back.h"
#include "vault/root_key.h"
#include "vault/sealed.h"
#include "vault/static_secrets.h"
#include "vault/store_changes.h"

namespace grantkeep {
namespace {

// The answer to "which header does this provider's API want?", from the catalogue.
FindStaticProvider FindIn(const Catalogue& catalogue) {
  return [&catalogue](const ProviderId& id) -> absl::StatusOr<StaticProvider> {
    const Provider* provider = catalogue.Find(id);
    if (provider == nullptr) {
      return FieldError("provider", "there is no such provider", Reason::kProviderNotFound);
    }
    if (!provider->is_static()) {
      return FieldError("provider", "has a sign-in flow, not a static secret", Reason::kProviderNotStatic);
    }
    const config::v1::StaticCredential& credential = provider->record().static_credential();
    return StaticProvider{credential.header_name(), credential.value_prefix()};
  };
}

}  // namespace

// From the bottom up; destroyed from the top down, after Stop().
class Daemon::Rooms {
 public:
  Rooms(const Settings& settings, std::function<void()> on_prepared)
      : settings_(settings), on_prepared_(std::move(on_prepared)) {}

  absl::Status Start() {
    if (settings_.dev) RETURN_IF_ERROR(PrepareDevelopment());
    ASSIGN_OR_RETURN(root_key_, OpenRootKeyFile(settings_.root_key_file,
                                                settings_.root_key_file_is_mounted_secret, random_));
    ASSIGN_OR_RETURN(opened_, OpenStore(settings_.store, clock_));
    RETURN_IF_ERROR(GuardStore());
    store_ = std::make_unique<GatedStore>(*guarded_);
    readiness_ = std::make_unique<Readiness>(*store_, clock_, settings_.store.outage_serve);
    changes_ = std::make_unique<StoreChanges>(*store_);
    records_ = std::make_unique<SealedRecords>(*store_, *root_key_, clock_, random_);
    grants_ = std::make_unique<Grants>(*store_, *records_, *changes_, clock_,
                                       SnapshotCache::Limits{.entries = settings_.store.max_cached_grants,
                                                             .bytes = settings_.store.max_cached_bytes});
    flows_ = std::make_unique<Flows>(*store_, *records_);
    static_secrets_ = std::make_unique<StaticSecrets>(
        *store_, *records_, *changes_, clock_,
        StaticSecrets::Options{.limits = {.bytes = settings_.store.max_cached_bytes},
                               .outage_serve = settings_.store.outage_serve});
    put_back_ = std::make_unique<PutBack>(*records_, *grants_, *static_secrets_, clock_);
    adoption_ = std::make_unique<StoreAdoption>(*guarded_, *memory_, *records_);
    loop_ = std::make_unique<Loop>("loop");
    lost_ = changes_->OnLoss([this] {
      if (put_back_->Begin()) Spawn(loop_->context(), put_back_->Run());
    });
    preparation_ = std::make_unique<Preparation>(settings_.store, Preparation::Rooms{.opened = opened_,
                                                                                     .store = *guarded_,
                                                                                     .root_key = *root_key_,
                                                                                     .clock = clock_,
                                                                                     .random = random_});
    Spawn(loop_->context(), Prepare());
    RETURN_IF_ERROR(StartProviders());
    RETURN_IF_ERROR(StartRecovery());
    RefreshOptions refresh = settings_.refresh;
    refresh.outage_serve = settings_.store.outage_serve;
    refresh.recovery = recovery_.get();
    refresher_ = std::make_unique<Refresher>(*grants_, *store_, *catalogue_, clock_, random_,
                                             loop_->context(), refresh);
    revoker_ = std::make_unique<Revoker>(*grants_, *store_, *catalogue_, clock_, random_, loop_->context());
    due_work_ =
        std::make_unique<DueWork>(DueWorkRooms{.grants = *grants_,
                                               .store = *store_,
                                               .catalogue = *catalogue_,
                                               .refresher = *refresher_,
                                               .clock = clock_,
                                               .random = random_},
                                  loop_->context(), refresh, [this](TenantId tenant, StoredGrant tombstone) {
                                    return revoker_->Work(std::move(tenant), std::move(tombstone));
                                  });
    watches_ = std::make_unique<GrantWatches>(*refresher_, *store_, *changes_, clock_, loop_->context());
    auth_flow_ = std::make_unique<AuthFlow>(*flows_, *grants_, *store_, *catalogue_, clock_, random_,
                                            settings_.flow_lifetime);
    RETURN_IF_ERROR(AwaitPreparation());
    RETURN_IF_ERROR(StartServer());
    if (refresh.claims_due) due_work_->Start();
    return absl::OkStatus();
  }

  std::optional<absl::Status> prepared() const {
    const std::lock_guard lock(prepared_mutex_);
    return prepared_;
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    if (server_ != nullptr) {
      const Tick deadline = clock_.Steady() + settings_.drain_timeout;
      server_->StopServing();
      // No new flights from now on; those under way go on while calls drain.
      std::promise<void> drained;
      Spawn(loop_->context(), DrainFlights(deadline + LongestCall() + kStoreGrace, drained));
      server_->Drain(deadline);
      drained.get_future().wait();
      server_->Close();
    }
    if (loop_ != nullptr) loop_->Stop();
    // What was to be written is, if the disk does not hang.
    recovery_.reset();
    recovery_files_.reset();
    // The store's threads tell the rooms of changes: they end while the rooms live.
    opened_ = OpenedStore();
  }

  ~Rooms() { Stop(); }
  Rooms(const Rooms&) = delete;
  Rooms& operator=(const Rooms&) = delete;

  const RpcServer& server() const { return *server_; }
  const Catalogue& catalogue() const { return *catalogue_; }

 private:
  // Flights outlive the calls that wait for them: a token that was redeemed must be stored.
  static constexpr Duration kStoreGrace = std::chrono::seconds(5);
  // How long a start waits for a store that other processes have.
  static constexpr Duration kStoreWait = std::chrono::seconds(3);

  absl::Status PrepareDevelopment() {
    RETURN_IF_ERROR(PrepareDataDir(settings_.data_dir));
    ASSIGN_OR_RETURN(const bool made, PrepareRootKey(settings_.root_key_file, settings_.store.path, random_));
    if (made) Log("main").info("made a root key for development: {}", settings_.root_key_file);
    ForgetLostDatabase(settings_.store.path, settings_.store.identity.file);
    return absl::OkStatus();
  }

  // From here on the store is only written while it is the one that this daemon was left with.
  absl::Status GuardStore() {
    ASSIGN_OR_RETURN(memory_, StoreMemory::Open(settings_.store.identity));
    guarded_ = std::make_unique<GuardedStore>(
        *opened_.store, [this](const StoreIdentity& identity) { return memory_->Judge(identity); });
    // Whatever it says is in the log, and read-only is no reason not to start.
    guarded_->CheckOpen().IgnoreError();
    return absl::OkStatus();
  }

  boost::asio::awaitable<void> Prepare() {
    const absl::Status done = co_await preparation_->Run();
    if (done.ok()) {
      store_->Open();
      readiness_->SetPrepared();
    }
    {
      const std::lock_guard lock(prepared_mutex_);
      prepared_ = done;
    }
    prepared_changed_.notify_all();
    if (on_prepared_) on_prepared_();
  }

  // OK also while the store is not reached.
  absl::Status AwaitPreparation() {
    std::unique_lock lock(prepared_mutex_);
    const auto known = [this] { return prepared_.has_value(); };
    if (opened_.is_redis()) {
      prepared_changed_.wait_for(lock, kStoreWait, known);
    } else {
      prepared_changed_.wait(lock, known);
    }
    if (prepared_.has_value()) return *prepared_;
    absl::Status why = store_->health();
    if (why.ok()) why = Error(Reason::kStoreUnavailable, "it is being checked");
    Log("main").warn("serving without the store, which is waited for: {}",
                     std::string_view(why.message().data(), why.message().size()));
    return absl::OkStatus();
  }

  absl::Status StartProviders() {
    auto http = CreateHttpClient(loop_->context(), settings_.http);
    if (!http.ok()) return Annotate(http.status(), "http");
    http_ = *std::move(http);
    Provider::Dependencies dependencies{.http = *http_,
                                        .clock = clock_,
                                        .resolve_secret = ReadSecretsFrom(*static_secrets_),
                                        .development = settings_.dev};
    ASSIGN_OR_RETURN(catalogue_, Catalogue::Create(settings_.providers, dependencies));
    return absl::OkStatus();
  }

  // What an earlier process has left is given to the store while this one serves; no refresh comes before it.
  absl::Status StartRecovery() {
    if (settings_.recovery_dir.empty()) {
      Log("refresh").warn(
          "refresh.recovery_dir is not set: new tokens that the store does not accept are in memory only, "
          "and a crash at that time loses them");
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(recovery_files_, RecoveryFiles::Open(settings_.recovery_dir));
    recovery_ = std::make_unique<Recovery>(*recovery_files_, Recovery::Rooms{.records = *records_,
                                                                             .grants = *grants_,
                                                                             .store = *store_,
                                                                             .catalogue = *catalogue_,
                                                                             .clock = clock_});
    Spawn(loop_->context(), recovery_->Run());
    return absl::OkStatus();
  }

  absl::Status StartServer() {
    RpcServerOptions options = settings_.rpc;
    options.request_id_prefix = RandomToken(random_, 6);
    server_status_ = std::make_unique<ServerStatus>(
        ServerStatus::Facts{
            .version = GRANTKEEP_VERSION, .development = settings_.dev, .store_kind = opened_.kind()},
        ServerStatus::Rooms{.store = *store_,
                            .catalogue = *catalogue_,
                            .http = *http_,
                            .clock = clock_,
                            .resolve_secret = ReadSecretsFrom(*static_secrets_),
                            .find_risks = FindRisks(),
                            .has_ephemeral = opened_.ephemeral != nullptr});
    RpcRooms rooms{.flow = *auth_flow_,
                   .refresher = *refresher_,
                   .revoker = *revoker_,
                   .grants = *grants_,
                   .static_secrets = *static_secrets_,
                   .find_static_provider = FindIn(*catalogue_),
                   .gather_server_status =
                       [this](bool check_providers, Tick deadline) {
                         return server_status_->Gather(check_providers, deadline);
                       },
                   .ready = {.auth = [this] { return readiness_->AuthIsReady(); },
                             .vault_admin = [this] { return readiness_->VaultAdminIsReady(); }},
                   .clock = clock_,
                   .loop = loop_->context()};
    rooms.watches = watches_.get();
    rooms.adopt_store = [this](v1::AdoptStoreRequest request, Tick deadline) {
      return adoption_->Adopt(std::move(request), deadline);
    };
    ASSIGN_OR_RETURN(server_, RpcServer::Start(options, rooms));
    return absl::OkStatus();
  }

  FindStoreRisks FindRisks() const {
    RedisStore* const redis = opened_.redis;
    if (redis == nullptr) return nullptr;
    return [redis](Tick deadline) { return RisksOf(redis, deadline); };
  }

  static boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>> RisksOf(RedisStore* redis,
                                                                                  Tick deadline) {
    absl::StatusOr<RedisDurability> durability = co_await redis->CheckDurability(deadline);
    if (!durability.ok()) co_return durability.status();
    co_return std::move(durability->risks);
  }

  // The longest that one request to a provider may take.
  Duration LongestCall() const {
    Duration longest(0);
    for (const Provider* provider : catalogue_->All())
      longest = std::max(longest, provider->request_timeout());
    return longest;
  }

  boost::asio::awaitable<void> DrainFlights(Tick deadline, std::promise<void>& drained) {
    due_work_->Stop();
    co_await refresher_->Drain(deadline);
    co_await auth_flow_->Drain(deadline);
    drained.set_value();
  }

  const Settings& settings_;
  const std::function<void()> on_prepared_;
  bool stopped_ = false;
  mutable std::mutex prepared_mutex_;
  std::condition_variable prepared_changed_;
  std::optional<absl::Status> prepared_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<KeyWrapper> root_key_;
  OpenedStore opened_;
  // Outside in: what the rooms use waits for the preparation, then for the store to be the right one.
  std::unique_ptr<StoreMemory> memory_;
  std::unique_ptr<GuardedStore> guarded_;
  std::unique_ptr<GatedStore> store_;
  std::unique_ptr<Readiness> readiness_;
  std::unique_ptr<StoreChanges> changes_;
  std::unique_ptr<SealedRecords> records_;
  std::unique_ptr<Grants> grants_;
  std::unique_ptr<Flows> flows_;
  std::unique_ptr<StaticSecrets> static_secrets_;
  std::unique_ptr<PutBack> put_back_;
  std::unique_ptr<Preparation> preparation_;
  std::unique_ptr<StoreAdoption> adoption_;
  std::unique_ptr<Loop> loop_;
  StoreChanges::Subscription lost_;  // ends before the loop on which it starts the sweep
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<RecoveryFiles> recovery_files_;
  std::unique_ptr<Recovery> recovery_;
  std::unique_ptr<Refresher> refresher_;
  std::unique_ptr<Revoker> revoker_;
  std::unique_ptr<DueWork> due_work_;
  std::unique_ptr<GrantWatches> watches_;
  std::unique_ptr<AuthFlow> auth_flow_;
  std::unique_ptr<ServerStatus> server_status_;
  std::unique_ptr<RpcServer> server_;
};

Daemon::Daemon(const Settings& settings, std::function<void()> on_prepared)
    : rooms_(std::make_unique<Rooms>(settings, std::move(on_prepared))) {}
Daemon::~Daemon() = default;
absl::Status Daemon::Start() { return rooms_->Start(); }
void Daemon::Stop() { rooms_->Stop(); }
std::optional<absl::Status> Daemon::prepared() const { return rooms_->prepared(); }
const std::string& Daemon::address() const { return rooms_->server().address(); }
int Daemon::pollers() const { return rooms_->server().pollers(); }
size_t Daemon::providers() const { return rooms_->catalogue().All().size(); }

}  // namespace grantkeep
