// SPDX-License-Identifier: Apache-2.0
// Reads flags and configuration, wires the rooms together, and ends them in order. The only file
// that knows every room.
#include <fmt/format.h>
#include <google/protobuf/stubs/common.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "config/yaml.h"
#include "crypto/random.h"
#include "daemon/command_line.h"
#include "daemon/dev_files.h"
#include "daemon/prerequisites.h"
#include "daemon/ready_file.h"
#include "daemon/secret_sources.h"
#include "daemon/server_status.h"
#include "daemon/settings.h"
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
#include "vault/root_key.h"
#include "vault/sealed.h"
#include "vault/static_secrets.h"

namespace grantkeep {
namespace {

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// Each line of the message is a problem of its own.
int Fail(int exit_code, std::string_view message) {
  while (!message.empty()) {
    const size_t end = std::min(message.find('\n'), message.size());
    fmt::print(stderr, "grantkeepd: {}\n", message.substr(0, end));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  return exit_code;
}

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

// The rooms, from the bottom up; destroyed from the top down, after Stop().
class Daemon {
 public:
  explicit Daemon(const Settings& settings) : settings_(settings) {}

  absl::Status Start() {
    if (settings_.dev) RETURN_IF_ERROR(PrepareDevelopment());
    ASSIGN_OR_RETURN(root_key_, OpenRootKeyFile(settings_.root_key_file,
                                                settings_.root_key_file_is_mounted_secret, random_));
    SqliteStore::Options store_options;
    store_options.path = settings_.store_path;
    ASSIGN_OR_RETURN(store_, SqliteStore::Open(std::move(store_options), clock_));
    records_ = std::make_unique<SealedRecords>(*store_, *root_key_, clock_, random_);
    grants_ = std::make_unique<Grants>(*store_, *records_);
    flows_ = std::make_unique<Flows>(*store_, *records_);
    static_secrets_ = std::make_unique<StaticSecrets>(*store_, *records_);
    loop_ = std::make_unique<Loop>("loop");
    RETURN_IF_ERROR(CheckRootKey());
    RETURN_IF_ERROR(StartProviders());
    refresher_ =
        std::make_unique<Refresher>(*grants_, *store_, *catalogue_, clock_, random_, loop_->context());
    auth_flow_ = std::make_unique<AuthFlow>(*flows_, *grants_, *store_, *catalogue_, clock_, random_,
                                            settings_.flow_lifetime);
    return StartServer();
  }

  // Ends everything in order: calls, flights, queues, loop. Idempotent. What is left is destroyed.
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

  ~Daemon() { Stop(); }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

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
  std::unique_ptr<SealedRecords> records_;
  std::unique_ptr<Grants> grants_;
  std::unique_ptr<Flows> flows_;
  std::unique_ptr<StaticSecrets> static_secrets_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<Refresher> refresher_;
  std::unique_ptr<AuthFlow> auth_flow_;
  std::unique_ptr<ServerStatus> server_status_;
  std::unique_ptr<RpcServer> server_;
};

// What the libraries have to say, in our log. They log neither messages nor metadata.
void RouteLibraryLogs() {
  gpr_set_log_function([](gpr_log_func_args* line) {
    const auto level = line->severity == GPR_LOG_SEVERITY_ERROR  ? spdlog::level::warn
                       : line->severity == GPR_LOG_SEVERITY_INFO ? spdlog::level::debug
                                                                 : spdlog::level::trace;
    Log("grpc").log(level, "{}", line->message);
  });
  // Only "invalid UTF-8 in field x", which the caller is told as well.
  google::protobuf::SetLogHandler([](google::protobuf::LogLevel, const char*, int,
                                     const std::string& message) { Log("protobuf").debug("{}", message); });
}

// Signals are for main, which waits for them; threads inherit the mask. No core dumps: they
// would hold secrets.
sigset_t PrepareProcess() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  return ends;
}

// Says what is missing of what the configuration refers to, and whether the daemon can start.
int CheckConfig(const Settings& settings, const Prerequisites& found, const YamlLines& lines) {
  for (const std::string& problem : found.missing) Fail(kExitFailure, lines.Located(problem));
  for (const std::string& problem : found.secrets) Fail(kExitFailure, lines.Located(problem));
  for (const std::string& note : found.unchecked) fmt::print("{}\n", lines.Located(note));
  if (!found.missing.empty() || !found.secrets.empty()) return kExitFailure;
  fmt::print("{}: ok, {} providers, listens on {}\n", lines.PlaceOf("").empty() ? "--dev" : lines.PlaceOf(""),
             settings.providers.size(), settings.rpc.listen);
  return 0;
}

void LogReady(const Daemon& daemon, const Settings& settings) {
  spdlog::logger& log = Log("main");
  if (settings.dev) log.info("development: data in {}; not for production", settings.data_dir);
  if (!settings.rpc.listen.starts_with("unix:")) {
    log.warn("every process of this machine can call {}", daemon.server().address());
  }
  if (daemon.catalogue().All().empty()) {
    log.info("no providers are configured (--config FILE): static secrets only");
  }
  log.info("ready: listening on {} version={} providers={} pollers={}", daemon.server().address(),
           GRANTKEEP_VERSION, daemon.catalogue().All().size(), daemon.server().pollers());
}

int Serve(const Settings& settings, const Prerequisites& found, const YamlLines& lines,
          const sigset_t& ends) {
  for (const std::string& problem : found.missing) Fail(kExitFailure, lines.Located(problem));
  if (!found.missing.empty()) return kExitFailure;
  if (const absl::Status status = InitLogging(settings.log_level); !status.ok()) {
    return Fail(kExitUsage, MessageOf(status));
  }
  RouteLibraryLogs();
  // Secrets are read when they are needed, and may come later.
  for (const std::string& problem : found.secrets) Log("main").warn("{}", lines.Located(problem));
  absl::Status started;
  {
    Daemon daemon(settings);
    started = daemon.Start();
    if (started.ok()) {
      const ReadyFile ready_file(settings.ready_file, daemon.server().address());
      started = ready_file.status();
      if (started.ok()) {
        LogReady(daemon, settings);
        int signal_number = 0;
        sigwait(&ends, &signal_number);
        Log("main").info("stopping: {}", sigdescr_np(signal_number));
        // A second signal ends the process at once.
        pthread_sigmask(SIG_UNBLOCK, &ends, nullptr);
      }
    }
    daemon.Stop();
  }
  if (started.ok()) Log("main").info("stopped");
  ShutdownLogging();
  return started.ok() ? 0 : Fail(kExitFailure, MessageOf(started));
}

int Main(int argc, char** argv) {
  const sigset_t ends = PrepareProcess();
  const ParsedCommandLine parsed = ParseCommandLine(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  const CommandLine& command_line = parsed.options;
  config::v1::Config config;
  YamlLines lines;
  if (!command_line.config_file.empty()) {
    const absl::Status read = ReadYamlFile(command_line.config_file, config, &lines);
    if (!read.ok()) return Fail(kExitUsage, MessageOf(read));
  }
  Settings settings;
  Problems problems = MakeSettings(command_line, config, settings);
  for (std::string& problem : CheckProviders(settings)) problems.push_back(std::move(problem));
  for (const std::string& problem : problems) Fail(kExitUsage, lines.Located(problem));
  if (!problems.empty()) return kExitUsage;
  const Prerequisites found = CheckPrerequisites(settings);
  if (command_line.check_config) return CheckConfig(settings, found, lines);
  return Serve(settings, found, lines, ends);
}

}  // namespace
}  // namespace grantkeep

int main(int argc, char** argv) { return grantkeep::Main(argc, argv); }
