// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_PRACTICE_FIXTURE_H_
#define GRANTKEEP_TESTS_E2E_PRACTICE_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/e2e/world.h"
#include "tests/support/browser.h"
#include "tests/support/practice_provider/provider.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ca.h"

namespace grantkeep::testing {

inline constexpr char kPracticeClientSecret[] = "client-secret-of-the-practice-test";

// kSqlite: grantkeepd in development mode, with its own database. kRedis: as in production, over a Redis
// that writes everything to disk at once; the provider speaks https.
enum class StoreKind { kSqlite, kRedis };

// A workload, grantkeepd and the practice provider, over real sockets.
class PracticeTest : public ::testing::Test {
 protected:
  explicit PracticeTest(StoreKind store = StoreKind::kSqlite);

  // Starts grantkeepd. DefaultProviders(): "practice" with its endpoints configured, `rotation` as
  // grantkeepd is told, and "bot", which is static.
  void Start(const std::string& providers);
  void Start() { Start(DefaultProviders()); }
  // `further`: lines of the record of "practice", "name: value\n" each.
  std::string DefaultProviders(std::string_view rotation = "strict", std::string_view further = "") const;
  // Another grantkeepd over the same Redis, started; `environment` is its own.
  std::unique_ptr<World> StartAnother(const std::string& providers,
                                      const std::map<std::string, std::string>& environment = {});
  // Where the store's files are.
  std::filesystem::path StoreFiles() const;

  // Access tokens issued from now on live for so long; rotation is strict.
  void SetLifetime(std::chrono::seconds lifetime);

  // Where the provider sends the user's browser.
  std::string Visit(const PendingSignIn& pending) { return browser_.Get(pending.authorization_url).location; }
  v1::Grant SignIn(const std::string& provider = "practice");
  // A grant whose access token has expired; tokens from now on live for an hour.
  v1::Grant SignInAndExpire();
  // What the provider's protected resource thinks of a token.
  int ResourceStatus(const std::string& access_token);

  // kRedis. What stands under "store:" is read by Start() and StartAnother().
  std::string store_;
  // More of grantkeepd's configuration, "name: {...}" lines; read by Start() and StartAnother(). Refreshed is
  // what the test asks for, and nothing else.
  std::string configuration_ = "refresh: {ahead: false}\n";
  std::unique_ptr<TestCa> ca_;
  std::unique_ptr<RedisServer> redis_;
  TempDir keys_;

  std::unique_ptr<practice::PracticeProvider> practice_;
  std::unique_ptr<World> world_;
  Browser browser_;

 private:
  std::unique_ptr<World> MakeWorld(const std::string& providers,
                                   std::map<std::string, std::string> environment = {}) const;
};

// Tests that must pass over every store:
// INSTANTIATE_TEST_SUITE_P(Stores, X, kStoreKinds, StoreKindName).
class PracticeOverStores : public PracticeTest, public ::testing::WithParamInterface<StoreKind> {
 protected:
  PracticeOverStores() : PracticeTest(GetParam()) {}
};
inline const auto kStoreKinds = ::testing::Values(StoreKind::kSqlite, StoreKind::kRedis);
inline std::string StoreKindName(const ::testing::TestParamInfo<StoreKind>& info) {
  return info.param == StoreKind::kRedis ? "Redis" : "Sqlite";
}

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_PRACTICE_FIXTURE_H_
