// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_CLIENT_REGISTRY_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_CLIENT_REGISTRY_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/support/practice_provider/form.h"

namespace grantkeep::practice {

enum class ClientAuth { kBasic, kPost, kNone };

struct Client {
  std::string id;
  std::string secret;  // empty for kNone
  ClientAuth auth = ClientAuth::kBasic;
  // Compared exactly; http to a loopback IP literal without a port matches with any port
  // (RFC 8252 section 7.3).
  std::vector<std::string> redirect_uris;
  // Accepted as well, while a secret is being rotated.
  std::vector<std::string> further_secrets = {};

  bool AllowsRedirectUri(std::string_view uri) const;
};

// An error of RFC 6749 section 5.2.
struct OAuthError {
  std::string code;
  std::string description;
};

class ClientRegistry {
 public:
  explicit ClientRegistry(std::vector<Client> clients) : clients_(std::move(clients)) {}

  // Null when there is none.
  const Client* Find(std::string_view id) const;

  // From now on these secrets and no other are the client's; false when there is no such client, it
  // is a public one, or `secrets` is empty.
  bool SetSecrets(std::string_view id, std::vector<std::string> secrets);

  // The client that a request to a back-channel endpoint comes from, by the one method it is
  // registered with (RFC 6749 section 2.3). `authorization` is that header, or empty.
  std::variant<const Client*, OAuthError> Authenticate(std::string_view authorization,
                                                       const Form& body) const;

 private:
  std::vector<Client> clients_;
};

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_CLIENT_REGISTRY_H_
