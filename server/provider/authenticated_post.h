// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_AUTHENTICATED_POST_H_
#define GRANTKEEP_PROVIDER_AUTHENTICATED_POST_H_

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "provider/form.h"
#include "provider/provider.h"

namespace grantkeep {

// Requests to a provider's token and revocation endpoints, authenticated as the record says.
//
// Where the record has several client secrets, they are tried one after the other while the
// provider answers invalid_client, which consumes nothing (RFC 6749 section 5.2), each at most once.
// The one that the provider accepted last is the first to be tried next time. That memory belongs
// to the loop, needs no lock, and is all that is not constant.
class AuthenticatedPost {
 public:
  // What is referred to must outlive this object.
  AuthenticatedPost(const config::v1::Provider& record, const Provider::Dependencies& dependencies,
                    const std::vector<CidrBlock>& allow_private);

  // What may differ from a request to the token endpoint.
  struct Manner {
    enum class Proof { kClient, kBasic, kBearer, kNone };
    HttpRequest::Method method = HttpRequest::Method::kPost;
    Proof proof = Proof::kClient;
    bool json = false;
    Secret bearer = Secret();  // kBearer
  };
  Manner TokenRequestManner() const;

  struct Result {
    // OK when a request was handed to the HTTP client; `answer` is its answer then.
    absl::Status prepared;
    HttpOutcome answer;
    Time sent_time;
    // What the request was authenticated with; empty for a public client.
    Secret client_secret;
  };
  // `parameters` and `manner` must live until the result is there.
  boost::asio::awaitable<Result> Send(std::string url, bool untrusted_url, const FormParameters& parameters,
                                      const Manner& manner, Tick deadline);

  // Whether Send would have something to authenticate with: OK when one of the secrets can be read, and
  // for a public client. Otherwise what Send would say.
  boost::asio::awaitable<absl::Status> CheckSecrets(Tick deadline);

 private:
  boost::asio::awaitable<absl::StatusOr<Secret>> Resolve(int index, Tick deadline);
  // Whether a request of this manner needs a client secret.
  bool NeedsSecret(const Manner& manner) const;
  HttpRequest MakeRequest(std::string url, bool untrusted_url, const FormParameters& parameters,
                          const Manner& manner, const Secret& client_secret) const;
  // Adds who we are to the headers or the parameters.
  void Authenticate(const Manner& manner, const Secret& client_secret, HttpRequest& request,
                    FormParameters& parameters) const;
  // The order in which client secrets are tried.
  std::vector<int> Order() const;
  boost::asio::awaitable<void> SendOnce(HttpRequest request, Tick deadline, Result& result);

  const config::v1::Provider& record_;
  const Provider::Dependencies& dependencies_;
  const std::vector<CidrBlock>& allow_private_;
  int accepted_secret_ = 0;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_AUTHENTICATED_POST_H_
