// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_SERVER_H_
#define GRANTKEEP_RPC_SERVER_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ids.h"

namespace grantkeep {

class AuthFlow;
class GrantWatches;
class Grants;
class Refresher;
class Revoker;
class StaticSecrets;
namespace v1 {
class AdoptStoreRequest;
class AdoptStoreResponse;
class GetServerStatusResponse;
}  // namespace v1

// How the API behind a provider of kind static wants its secret sent.
struct StaticProvider {
  std::string header_name;   // "Authorization"
  std::string value_prefix;  // "Bot "
};
// kProviderNotFound, or kProviderNotStatic for a provider with a flow. Any thread, without waiting.
using FindStaticProvider = std::function<absl::StatusOr<StaticProvider>(const ProviderId& provider)>;
// The answer of VaultAdmin.GetServerStatus, before `deadline`. On the loop.
using GatherServerStatus = std::function<boost::asio::awaitable<absl::StatusOr<v1::GetServerStatusResponse>>(
    bool check_providers, Tick deadline)>;
// The answer of VaultAdmin.AdoptStore. On the loop.
using AdoptStore = std::function<boost::asio::awaitable<absl::StatusOr<v1::AdoptStoreResponse>>(
    v1::AdoptStoreRequest request, Tick deadline)>;

// Whether health may say SERVING of a service while the server is not stopping; always where there is
// no function. Any thread, without waiting.
struct ReadyToServe {
  std::function<bool()> auth = nullptr;  // AuthService, and the server as a whole
  std::function<bool()> vault_admin = nullptr;
};

struct RpcServerOptions {
  // "unix:/path", "127.0.0.1:PORT" or "[::1]:PORT"; port 0: any free one.
  std::string listen;
  // Completion-queue threads; 0: one for every two usable CPUs.
  int pollers = 0;
  // Calls in flight beyond which RESOURCE_EXHAUSTED is answered.
  int max_in_flight = 10'000;
  // gRPC's server reflection, which brings threads of its own.
  bool reflection = false;
  // Begins every request id; random, so that restarts and replicas can be told apart in logs.
  std::string request_id_prefix;
};

// What the server's methods call. All of it must outlive the server.
struct RpcRooms {
  AuthFlow& flow;
  Refresher& refresher;
  Revoker& revoker;
  Grants& grants;
  StaticSecrets& static_secrets;
  FindStaticProvider find_static_provider;
  // Without it GetServerStatus is UNIMPLEMENTED.
  GatherServerStatus gather_server_status = nullptr;
  ReadyToServe ready = {};
  // Without it AdoptStore is UNIMPLEMENTED.
  AdoptStore adopt_store = nullptr;
  // Without it WatchGrants is UNIMPLEMENTED.
  GrantWatches* watches = nullptr;
  Clock& clock;
  boost::asio::io_context& loop;
};

// The gRPC edge: AuthService, VaultAdmin and grpc.health.v1.Health.
//
// Pollers each own a completion queue. A call that can be answered from memory is answered there;
// every other one is handed to the loop by one post and answered from there.
//
// To shut down, in this order, from one thread, while the loop runs:
//   1. StopServing(): health says NOT_SERVING.
//   2. Drain(): no new calls; streams end at once, with SHUTTING_DOWN; other calls in flight may finish
//      until the deadline, and are then answered so, too. When it returns no call is left.
//   3. Close(): the completion queues are shut down, emptied and joined. Nothing touches one after.
//   4. The loop may be stopped; then the server may be destroyed.
class RpcServer {
 public:
  // Listens. Fails, naming the field "server.listen", when the address is refused or in use.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const RpcServerOptions& options,
                                                          const RpcRooms& rooms);
  // Does what is left of the steps above, with no time to drain.
  ~RpcServer();

  // Where it listens, the chosen port included: "unix:/path", "127.0.0.1:40213".
  const std::string& address() const;
  int pollers() const;

  void StopServing();
  void Drain(Tick deadline);
  void Close();

 private:
  struct State;
  explicit RpcServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_RPC_SERVER_H_
