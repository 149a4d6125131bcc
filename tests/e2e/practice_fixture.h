// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_PRACTICE_FIXTURE_H_
#define GRANTKEEP_TESTS_E2E_PRACTICE_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/e2e/world.h"
#include "tests/support/browser.h"
#include "tests/support/practice_provider/provider.h"

namespace grantkeep::testing {

inline constexpr char kPracticeClientSecret[] = "client-secret-of-the-practice-test";

// A workload, grantkeepd and the practice provider, over real sockets.
class PracticeTest : public ::testing::Test {
 protected:
  // The provider's clients and its consent are the fixture's.
  explicit PracticeTest(practice::ProviderOptions options = {});

  // Starts grantkeepd. DefaultProviders(): "practice" with its endpoints configured, `rotation` as
  // grantkeepd is told, and "bot", which is static.
  void Start(const std::string& providers);
  void Start() { Start(DefaultProviders()); }
  // `further`: lines of the record of "practice", "name: value\n" each.
  std::string DefaultProviders(std::string_view rotation = "strict", std::string_view further = "") const;

  // Access tokens issued from now on live for so long; rotation is strict.
  void SetLifetime(std::chrono::seconds lifetime);

  // Where the provider sends the user's browser.
  std::string Visit(const PendingSignIn& pending) { return browser_.Get(pending.authorization_url).location; }
  v1::Grant SignIn(const std::string& provider = "practice");
  // A grant whose access token has expired; tokens from now on live for an hour.
  v1::Grant SignInAndExpire();
  // What the provider's protected resource thinks of a token.
  int ResourceStatus(const std::string& access_token);

  std::unique_ptr<practice::PracticeProvider> practice_;
  std::optional<World> world_;
  Browser browser_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_PRACTICE_FIXTURE_H_
