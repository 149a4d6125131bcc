// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_WORLD_H_
#define GRANTKEEP_TESTS_E2E_WORLD_H_

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tests/e2e/caller.h"
#include "tests/support/daemon.h"
#include "tests/support/eventually.h"

namespace grantkeep::testing {

// One sign-in between StartAuth and CompleteAuth, as a web application keeps it.
struct PendingSignIn {
  std::string authorization_url;
  std::string state;
  std::string session_binding;
};

// A running grantkeepd, and the web application in front of it: tenant "acme", subject "user-1",
// redirect URI http://127.0.0.1:PORT/callback at which nobody listens (the browser does not go
// there).
class World {
 public:
  static constexpr char kTenant[] = "acme";
  static constexpr char kSubject[] = "user-1";
  static constexpr char kRedirectUri[] = "http://127.0.0.1:40999/callback";

  // `providers`: the list under "providers:" in the configuration. `more`: what else stands there.
  explicit World(const std::string& providers, std::map<std::string, std::string> environment = {},
                 const std::string& more = "");

  Daemon& daemon() { return daemon_; }
  // Starts, or starts again; the caller then talks to the new process.
  absl::Status Start();
  // The same without waiting: for a daemon whose store is not there.
  absl::Status StartWithoutStore();
  const Caller& caller() const { return *caller_; }

  static v1::StartAuthRequest StartRequest(const std::string& provider);
  // A sign-in begun at `provider`; a failure fails the test.
  static PendingSignIn Begin(const Caller& caller, const std::string& provider);
  PendingSignIn Begin(const std::string& provider) const { return Begin(*caller_, provider); }
  // CompleteAuth with the URL that the browser was sent to.
  static Answer<v1::CompleteAuthResponse> Complete(const Caller& caller, const PendingSignIn& pending,
                                                   const std::string& callback_url);
  Answer<v1::CompleteAuthResponse> Complete(const PendingSignIn& pending,
                                            const std::string& callback_url) const {
    return Complete(*caller_, pending, callback_url);
  }

  static v1::RefreshRequest RefreshRequest(const std::string& grant_id, uint64_t rejected_generation = 0);
  Answer<v1::RefreshResponse> Refresh(const std::string& grant_id, uint64_t rejected_generation = 0) const;
  // Without tokens; a failure fails the test.
  static v1::Grant GetGrant(const Caller& caller, const std::string& grant_id);
  v1::Grant GetGrant(const std::string& grant_id) const { return GetGrant(*caller_, grant_id); }

 private:
  Daemon daemon_;
  std::unique_ptr<Caller> caller_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_WORLD_H_
