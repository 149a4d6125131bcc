// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_DISCOVERY_H_
#define GRANTKEEP_PROVIDER_DISCOVERY_H_

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/address.h"
#include "net/event.h"
#include "provider/provider.h"

namespace grantkeep {

// Where the metadata of `issuer` may be, in the order in which to ask: RFC 8414 section 3.1 (path
// inserted), OpenID Connect with the path inserted, then appended (OpenID Connect Discovery
// section 4). A slash at the end of the issuer is left out of the URLs.
std::vector<std::string> MetadataUrls(std::string_view issuer);

// What a metadata document must agree with.
struct MetadataExpectation {
  std::string issuer;
  bool pkce = true;  // S256 is going to be used
  // Set where we chose it by default: the operator's word counts more than the document's.
  std::optional<config::v1::ClientAuthentication> client_authentication;
  bool development = false;
};

// Pure: reads a metadata document (RFC 8414 section 2). The status names the member that is missing
// or wrong; kIssuerMismatch when the document is another issuer's (section 3.3), of which nothing
// may be used. Comparison is by code point, without normalisation.
absl::StatusOr<ServerMetadata> ParseMetadata(const MetadataExpectation& expected,
                                             std::string_view content_type, std::string_view body);

// The discovered metadata of one provider. A document is good for an hour, a failure for 5 s. A
// document that cannot be fetched anew goes on being used, without waiting, until it is 24 h old, while
// fetches are tried behind it. One fetch runs at a time, whoever waits for it; it goes on when they
// leave.
//
// Used by coroutines of one loop only, so that its state needs no lock. A fetch under way shares
// ownership of that state.
class Discovery {
 public:
  // http and clock must outlive the fetches.
  Discovery(std::string provider, MetadataExpectation expected, std::vector<CidrBlock> allow_private,
            HttpClient& http, Clock& clock);

  boost::asio::awaitable<absl::StatusOr<ServerMetadata>> Get(Tick deadline);

 private:
  struct State;
  // After a failed fetch: the document that there is, while it is not too old, or else the failure.
  static void KeepOrFail(State& state, absl::Status failure, Tick now);
  static boost::asio::awaitable<void> Fetch(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_DISCOVERY_H_
