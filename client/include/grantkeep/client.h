// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_H_
#define GRANTKEEP_CLIENT_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grantkeep/call_error.h"
#include "grantkeep/v1/auth.pb.h"
#include "grantkeep/v1/vault_admin.pb.h"

namespace grantkeep {

// Where a service listens when nobody says otherwise: $GRANTKEEP_ADDRESS, else the socket of
// `grantkeepd --dev`, "unix:${XDG_STATE_HOME:-$HOME/.local/state}/grantkeep/grantkeep.sock".
std::string DefaultAddress();

struct ClientOptions {
  // "unix:/path/to/socket", "127.0.0.1:7450", "[::1]:7450" or "localhost:7450", which is 127.0.0.1.
  // Other hosts are refused: the connection is not encrypted. Empty: DefaultAddress().
  std::string address;
  // Deadline of each call that does not bring its own.
  std::chrono::milliseconds timeout{30'000};
};

// Calls a Grantkeep service. Requests and responses are the messages of grantkeep.v1, which
// document themselves. Every call but WatchGrants has a deadline and blocks until it is answered; nothing is
// retried. May be used by any number of threads at once.
//
// A failed call gives the service's code and message; CallError::From takes the rest apart. Without
// the service it is UNAVAILABLE, or PERMISSION_DENIED when this user may not use its socket.
// Tokens and secret values in responses are ordinary strings: the caller wipes them.
class Client {
 public:
  using Timeout = std::optional<std::chrono::milliseconds>;

  // Does not connect: that happens with the first call. Fails with INVALID_ARGUMENT when the
  // address is not one of the forms above.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  absl::StatusOr<v1::StartAuthResponse> StartAuth(const v1::StartAuthRequest& request,
                                                  Timeout timeout = std::nullopt);
  absl::StatusOr<v1::CompleteAuthResponse> CompleteAuth(const v1::CompleteAuthRequest& request,
                                                        Timeout timeout = std::nullopt);
  absl::StatusOr<v1::RefreshResponse> Refresh(const v1::RefreshRequest& request,
                                              Timeout timeout = std::nullopt);
  absl::StatusOr<v1::GetGrantResponse> GetGrant(const v1::GetGrantRequest& request,
                                                Timeout timeout = std::nullopt);
  absl::StatusOr<v1::RevokeGrantResponse> RevokeGrant(const v1::RevokeGrantRequest& request,
                                                      Timeout timeout = std::nullopt);
  absl::StatusOr<v1::GetStaticSecretResponse> GetStaticSecret(const v1::GetStaticSecretRequest& request,
                                                              Timeout timeout = std::nullopt);
  absl::StatusOr<v1::PutStaticSecretResponse> PutStaticSecret(const v1::PutStaticSecretRequest& request,
                                                              Timeout timeout = std::nullopt);
  absl::StatusOr<v1::DeleteStaticSecretResponse> DeleteStaticSecret(
      const v1::DeleteStaticSecretRequest& request, Timeout timeout = std::nullopt);
  absl::StatusOr<v1::ListStaticSecretsResponse> ListStaticSecrets(const v1::ListStaticSecretsRequest& request,
                                                                  Timeout timeout = std::nullopt);
  absl::StatusOr<v1::ListGrantsResponse> ListGrants(const v1::ListGrantsRequest& request,
                                                    Timeout timeout = std::nullopt);
  absl::StatusOr<v1::GetServerStatusResponse> GetServerStatus(const v1::GetServerStatusRequest& request,
                                                              Timeout timeout = std::nullopt);
  absl::StatusOr<v1::AdoptStoreResponse> AdoptStore(const v1::AdoptStoreRequest& request,
                                                    Timeout timeout = std::nullopt);

  // Calls `on_news` with each message, in this thread, until it answers false (the result is then OK), the
  // service ends the stream, or `timeout` has passed; without one for as long as the service is there. A
  // program that wants tokens uses a TokenSource (token_source.h), which also comes back after an outage.
  absl::Status WatchGrants(const v1::WatchGrantsRequest& request,
                           const std::function<bool(v1::WatchGrantsResponse& response)>& on_news,
                           Timeout timeout = std::nullopt);

  // Lists from the page that `request` names to the last. `timeout` is for all pages.
  absl::StatusOr<std::vector<v1::StaticSecret>> ListAllStaticSecrets(v1::ListStaticSecretsRequest request,
                                                                     Timeout timeout = std::nullopt);
  absl::StatusOr<std::vector<v1::Grant>> ListAllGrants(v1::ListGrantsRequest request,
                                                       Timeout timeout = std::nullopt);

  // The address in use, as given or by default.
  const std::string& address() const { return address_; }

 private:
  struct Channel;
  Client(std::string address, std::chrono::milliseconds timeout, std::unique_ptr<Channel> channel);

  std::string address_;
  std::chrono::milliseconds timeout_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_CLIENT_H_
