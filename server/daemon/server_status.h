// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_SERVER_STATUS_H_
#define GRANTKEEP_DAEMON_SERVER_STATUS_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "grantkeep/v1/vault_admin.pb.h"
#include "net/http_client.h"
#include "provider/provider.h"
#include "store/store.h"

namespace grantkeep {

// What the store may lose, in sentences for people.
using FindStoreRisks =
    std::function<boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>>(Tick deadline)>;

// How this daemon is, for VaultAdmin.GetServerStatus: its clock, its store, its providers' servers
// and their client secrets. It looks and changes nothing; no credential leaves it. Used on the loop.
class ServerStatus {
 public:
  // A provider's server that has not answered by then is unreachable.
  static constexpr Duration kCheckLimit = std::chrono::seconds(5);

  struct Facts {
    std::string version;
    bool development = false;
    std::string store_kind;
  };
  // All of it must outlive this object, and the object the loop.
  struct Rooms {
    Store& store;
    const Catalogue& catalogue;
    HttpClient& http;
    Clock& clock;
    SecretResolver resolve_secret;
    // Nothing for a store that keeps what it has acknowledged.
    FindStoreRisks find_risks = nullptr;
    // Flows live in a store of their own.
    bool has_ephemeral = false;
  };

  // The start time is now.
  ServerStatus(Facts facts, Rooms rooms);

  // Everything at once, and the answer before `deadline`: what has not ended by then is reported as
  // failed. Providers' servers are asked only with `check_providers`. Never an error by itself.
  boost::asio::awaitable<absl::StatusOr<v1::GetServerStatusResponse>> Gather(bool check_providers,
                                                                             Tick deadline);

 private:
  struct Gathering;
  boost::asio::awaitable<void> AskStore(std::shared_ptr<Gathering> gathering);
  boost::asio::awaitable<void> AskEphemeralStore(std::shared_ptr<Gathering> gathering);
  std::optional<Duration> Note(const absl::Status& answered, Time time, v1::StoreStatus& store) const;
  boost::asio::awaitable<void> FindRisks(std::shared_ptr<Gathering> gathering);
  boost::asio::awaitable<void> AskProvider(std::shared_ptr<Gathering> gathering, int index,
                                           config::v1::Provider record);
  // OK when the server answered, with metadata that can be used where they are discovered.
  boost::asio::awaitable<absl::Status> AskForAnswer(config::v1::Provider record, Tick deadline);
  boost::asio::awaitable<void> ReadClientSecrets(std::shared_ptr<Gathering> gathering, int index,
                                                 config::v1::Provider record);

  const Facts facts_;
  const Rooms rooms_;
  const Time start_time_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_SERVER_STATUS_H_
