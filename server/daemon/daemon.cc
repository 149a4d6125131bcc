// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/random.h"
#include "daemon/dev_files.h"
#include "daemon/secret_sources.h"
#include "daemon/server_status.h"
#include "flow/flow.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "provider/provider.h"
#include "refresh/refresh.h"
#include "rpc/server.h"
#include "store/sqlite/sqlite_store.h"
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
  explicit Rooms(const Settings& settings) : settings_(settings) {}

  absl::Status Start() {
    if (settings_.dev) RETURN_IF_ERROR(PrepareDevelopment());
    ASSIGN_OR_RETURN(root_key_, OpenRootKeyFile(settings_.root_key_file,
                                                settings_.root_key_file_is_mounted_secret, random_));
    SqliteStore::Options store_options;
    store_options.path = settings_.store_path;
    ASSIGN_OR_RETURN(store_, SqliteStore::Open(std::move(store_options), clock_));
    changes_ = std::make_unique<StoreChanges>(*store_);
    records_ = std::make_unique<SealedRecords>(*store_, *root_key_, clock_, random_);
    grants_ = std::make_unique<Grants>(*store_, *records_, *changes_, clock_);
    flows_ = std::make_unique<Flows>(*store_, *records_);
    static_secrets_ = std::make_unique<StaticSecrets>(*store_, *records_, *changes_, clock_);
    put_back_ = std::make_unique<PutBack>(*records_, *grants_, *static_secrets_, clock_);
    loop_ = std::make_unique<Loop>("loop");
    lost_ = changes_->OnLoss([this] {
      if (put_back_->Begin()) Spawn(loop_->context(), put_back_->Run());
    });
    RETURN_IF_ERROR(CheckRootKey());
    RETURN_IF_ERROR(StartProviders());
    refresher_ =
        std::make_unique<Refresher>(*grants_, *store_, *catalogue_, clock_, random_, loop_->context());
    auth_flow_ = std::make_unique<AuthFlow>(*flows_, *grants_, *store_, *catalogue_, clock_, random_,
                                            settings_.flow_lifetime);
    return StartServer();
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
  }

  ~Rooms() { Stop(); }
  Rooms(const Rooms&) = delete;
  Rooms& operator=(const Rooms&) = delete;

  const RpcServer& server() const { return *server_; }
  const Catalogue& catalogue() const { return *catalogue_; }

 private:
  // Flights outlive the calls that wait for them: a token that was redeemed must be stored.
  static constexpr Duration kStoreGrace = std::chrono::seconds(5);

  absl::Status PrepareDevelopment() {
    RETURN_IF_ERROR(PrepareDataDir(settings_.data_dir));
    ASSIGN_OR_RETURN(const bool made, PrepareRootKey(settings_.root_key_file, settings_.store_path, random_));
    if (made) Log("main").info("made a root key for development: {}", settings_.root_key_file);
    return absl::OkStatus();
  }

  absl::Status CheckRootKey() {
    std::promise<absl::Status> checked;
    Spawn(loop_->context(), CheckRootKeyThen(checked));
    return Annotate(checked.get_future().get(), "root key");
  }

  boost::asio::awaitable<void> CheckRootKeyThen(std::promise<absl::Status>& checked) {
    const absl::Status status = co_await records_->CheckRootKey(clock_.Steady() + kStoreGrace);
    checked.set_value(status);
  }

  absl::Status StartProviders() {
    auto http = CreateHttpClient(loop_->context(), settings_.http);
    if (!http.ok()) return Annotate(http.status(), "http");
    http_ = *std::move(http);
    Provider::Dependencies dependencies{.http = *http_,
                                        .clock = clock_,
                                        .resolve_secret = ReadSecretsFrom(*static_secrets_),
                                        .development = settings_.dev};
    ASSIGN_OR_RETURN(catalogue_, Catalogue::Create(settings_.providers, std::move(dependencies)));
    return absl::OkStatus();
  }

  absl::Status StartServer() {
    RpcServerOptions options = settings_.rpc;
    options.request_id_prefix = RandomToken(random_, 6);
    server_status_ = std::make_unique<ServerStatus>(
        ServerStatus::Facts{
            .version = GRANTKEEP_VERSION, .development = settings_.dev, .store_kind = "sqlite"},
        ServerStatus::Rooms{.store = *store_,
                            .catalogue = *catalogue_,
                            .http = *http_,
                            .clock = clock_,
                            .resolve_secret = ReadSecretsFrom(*static_secrets_)});
    RpcRooms rooms{.flow = *auth_flow_,
                   .refresher = *refresher_,
                   .grants = *grants_,
                   .static_secrets = *static_secrets_,
                   .find_static_provider = FindIn(*catalogue_),
                   .gather_server_status =
                       [this](bool check_providers, Tick deadline) {
                         return server_status_->Gather(check_providers, deadline);
                       },
                   .clock = clock_,
                   .loop = loop_->context()};
    ASSIGN_OR_RETURN(server_, RpcServer::Start(std::move(options), std::move(rooms)));
    return absl::OkStatus();
  }

  // The longest that one request to a provider may take.
  Duration LongestCall() const {
    Duration longest(0);
    for (const Provider* provider : catalogue_->All())
      longest = std::max(longest, provider->request_timeout());
    return longest;
  }

  boost::asio::awaitable<void> DrainFlights(Tick deadline, std::promise<void>& drained) {
    co_await refresher_->Drain(deadline);
    co_await auth_flow_->Drain(deadline);
    drained.set_value();
  }

  const Settings& settings_;
  bool stopped_ = false;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<KeyWrapper> root_key_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<StoreChanges> changes_;
  std::unique_ptr<SealedRecords> records_;
  std::unique_ptr<Grants> grants_;
  std::unique_ptr<Flows> flows_;
  std::unique_ptr<StaticSecrets> static_secrets_;
  std::unique_ptr<PutBack> put_back_;
  std::unique_ptr<Loop> loop_;
  StoreChanges::Subscription lost_;  // ends before the loop on which it starts the sweep
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<Refresher> refresher_;
  std::unique_ptr<AuthFlow> auth_flow_;
  std::unique_ptr<ServerStatus> server_status_;
  std::unique_ptr<RpcServer> server_;
};

Daemon::Daemon(const Settings& settings) : rooms_(std::make_unique<Rooms>(settings)) {}
Daemon::~Daemon() = default;
absl::Status Daemon::Start() { return rooms_->Start(); }
void Daemon::Stop() { rooms_->Stop(); }
const std::string& Daemon::address() const { return rooms_->server().address(); }
int Daemon::pollers() const { return rooms_->server().pollers(); }
size_t Daemon::providers() const { return rooms_->catalogue().All().size(); }

}  // namespace grantkeep
