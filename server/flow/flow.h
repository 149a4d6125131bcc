// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_FLOW_FLOW_H_
#define GRANTKEEP_FLOW_FLOW_H_

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "base/call.h"
#include "base/ids.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "net/event.h"
#include "store/store.h"
#include "vault/flows.h"
#include "vault/grants.h"

namespace grantkeep {

class Catalogue;

struct StartAuthRequest {
  TenantId tenant;
  ProviderId provider;
  SubjectId subject;
  std::vector<std::string> scopes;
  std::string redirect_uri;
  Secret session_binding;
  std::vector<std::string> resource;
  std::string login_hint;
  std::map<std::string, std::string> extra_params;
  std::map<std::string, std::string> url_parts;
  GrantId grant;  // that the user signs in again for; empty: a new one
};

struct StartedFlow {
  std::string authorization_url;
  std::string state;
  Time expire_time;
};

// Callback parameters in order, percent-decoded, duplicates kept.
using CallbackParameters = std::vector<std::pair<std::string, std::string>>;

struct CompleteAuthRequest {
  TenantId tenant;
  std::variant<std::string, CallbackParameters> callback;  // whole URL, or parameters
  Secret session_binding;
};

// The interactive half: StartAuth and CompleteAuth. Runs on a loop.
class AuthFlow {
 public:
  AuthFlow(Flows& flows, Grants& grants, Store& store, Catalogue& catalogue, Clock& clock, Random& random,
           Duration lifetime);

  boost::asio::awaitable<absl::StatusOr<StartedFlow>> Start(Call call, StartAuthRequest request);
  // Once the flow is taken, this runs to its end whatever happens to the caller.
  boost::asio::awaitable<absl::StatusOr<StoredGrant>> Complete(Call call, CompleteAuthRequest request);
  // Completes when no Complete that has taken its flow is under way, or at `deadline`.
  boost::asio::awaitable<void> Drain(Tick deadline);

 private:
  class Completing;
  Flows& flows_;
  Grants& grants_;
  Store& store_;
  Catalogue& catalogue_;
  Clock& clock_;
  Random& random_;
  Duration lifetime_;
  int completing_ = 0;
  Event idle_;  // of the present row of completions
};

}  // namespace grantkeep

#endif  // GRANTKEEP_FLOW_FLOW_H_
