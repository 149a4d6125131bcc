// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_REFRESH_H_
#define GRANTKEEP_REFRESH_REFRESH_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/call.h"
#include "base/ids.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "vault/currency.h"
#include "vault/grants.h"

namespace grantkeep {

class Catalogue;

enum class Freshness { kFresh, kStaleOk, kBelowMinTtl, kUnverified };

struct RefreshRequest {
  TenantId tenant;
  SubjectId subject;
  GrantId grant;
  Duration min_ttl = std::chrono::seconds(10);
  Generation rejected_generation;  // 0: none
};

struct AccessToken {
  Secret token;
  std::string token_type;
  std::optional<Time> expire_time;  // absent: unknown
  Generation generation;
  std::vector<std::string> scopes;
  Freshness freshness = Freshness::kFresh;
};

struct RefreshOptions {
  // How long what was read last is served, as kUnverified, while the store cannot be asked; 0: never.
  Duration outage_serve = kDefaultOutageServe;
};

// A grant as far as it is known.
struct SeenGrant {
  StoredGrant stored;
  // From memory while the store does not answer: it may have been changed or revoked elsewhere.
  bool unverified = false;
};

// Answers with access tokens that are good now, and refreshes them: the only room that redeems
// refresh tokens. One flight per grant in this process, however many callers wait.
class Refresher {
 public:
  Refresher(Grants& grants, Store& store, Catalogue& catalogue, Clock& clock, Random& random,
            boost::asio::io_context& loop, RefreshOptions options = {});
  ~Refresher();

  // From memory, without waiting; any thread. Nothing: ask Refresh. Starts a flight behind the
  // answer when the token is inside its refresh-ahead window.
  std::optional<absl::StatusOr<AccessToken>> FromMemory(const RefreshRequest& request);
  // On the loop. Waits for the grant's flight until the call's deadline; the flight goes on
  // without it. While the store cannot be asked, a valid token that is in memory is served as
  // kUnverified, and no flight is started. kGrantNotFound, kNeedsReauth, kProvider*, kStoreUnavailable,
  // kDeadline.
  boost::asio::awaitable<absl::StatusOr<AccessToken>> Refresh(Call call, RefreshRequest request);

  // The grant, also its tombstone. kGrantNotFound also for another subject's.
  boost::asio::awaitable<absl::StatusOr<SeenGrant>> Get(TenantId tenant, SubjectId subject, GrantId grant,
                                                        Tick deadline);

  // No new flights from now on; completes when those under way have ended, or at `deadline`.
  boost::asio::awaitable<void> Drain(Tick deadline);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_REFRESH_H_
