// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_DOT_SERVER_H_
#define GRANTKEEP_TESTS_E2E_DOT_SERVER_H_

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/support/browser.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {

// An authorization server that we did not write: django-oauth-toolkit of the distribution, PKCE
// required, refresh tokens rotated.
class DotServer {
 public:
  // `grace`: how long a replaced refresh token stays good.
  static absl::StatusOr<std::unique_ptr<DotServer>> Start(std::chrono::seconds grace,
                                                          std::chrono::seconds access_token_lifetime);

  const std::string& client_id() const { return client_id_; }
  const std::string& client_secret() const { return client_secret_; }
  std::string authorization_endpoint() const { return base_ + "/o/authorize/"; }
  std::string token_endpoint() const { return base_ + "/o/token/"; }
  std::string resource() const { return base_ + "/me"; }

  // A person at `authorization_url`: signs in with name and password if asked to, then presses
  // Authorize or Cancel. Returns the callback URL the browser is sent to; empty when it is not.
  std::string Decide(Browser& browser, const std::string& authorization_url, bool allow) const;

  // A token request of the registered client, past the service under test.
  Page PostToken(std::map<std::string, std::string> fields) const;

 private:
  DotServer() = default;

  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  std::string base_;
  std::string username_;
  std::string password_;
  std::string client_id_;
  std::string client_secret_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_DOT_SERVER_H_
