// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_REDIS_TROUBLE_FIXTURE_H_
#define GRANTKEEP_TESTS_E2E_REDIS_TROUBLE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "tests/e2e/practice_fixture.h"
#include "tests/e2e/redis/behaviour_table.h"
#include "tests/support/eventually.h"
#include "tests/support/tcp_relay.h"

namespace grantkeep::testing {

// The rows of the behaviour table of docs/redis.md. Each is a test of its name:
//
//   Prepare();                        // everything is well, and there is something to lose
//   redis_->Kill();                   // the trouble
//   WaitUntilNoticed();
//   ExpectRow();                      // what each call answers is what the document says
//   redis_->Start();                  // its end
//   ExpectWhole();                    // all is as before: nothing was deleted
//
// One grantkeepd over one Redis, with a relay between them that can be made a bad network.
class RedisTrouble : public PracticeTest {
 protected:
  RedisTrouble() : RedisTrouble(RedisServer::Options{}) {}
  // On disk, as in production, whatever `options` says.
  explicit RedisTrouble(RedisServer::Options options);

  // "redis: {url: ...}" by the relay, with `more` behind the URL.
  std::string ByRelay(const std::string& more = "") const;

  // Starts grantkeepd with what `store_` says. Then there are: two grants, one of them with an expired
  // token, and two secrets; one grant and one secret are in memory; and a sign-in waits to be completed.
  void Prepare();

  // Asks for everything once, in the columns' order.
  Behaviour Probe();
  void ExpectRow();
  // Until grantkeepd says that it is without its store, and what it has in memory is proven no longer.
  void WaitUntilNoticed();
  // Until it says that it has its store, and that answers.
  void WaitUntilWell();
  // All is well again, everything is answered, and nothing that Prepare() made is gone. `complete`: how
  // CompleteAuth of the sign-in that waits ends, where that may have been used up.
  void ExpectWhole(const std::string& complete = "ok");

  static constexpr char kInMemory[] = "in-memory";
  static constexpr char kNotInMemory[] = "not-in-memory";

  // What a call answered, in the table's words.
  static std::string Word(const CallStatus& status);
  std::string Refresh(const v1::Grant& grant, uint64_t rejected_generation = 0) const;
  std::string Get(const std::string& name) const;
  static Answer<v1::GetStaticSecretResponse> GetAt(const World& world, const std::string& name);
  static CallStatus PutAt(const World& world, const std::string& name, const std::string& value);
  std::string Health(const char* service) const;

  // Who is asked what there is.
  std::function<RedisServer&()> server_ = [this]() -> RedisServer& { return *redis_; };
  // Carries one of Probe()'s calls out; does nothing else unless a test wants it.
  std::function<void(const std::function<void()>& call)> around_ = [](const auto& call) { call(); };

  std::unique_ptr<TcpRelay> relay_;
  v1::Grant valid_;
  v1::Grant expired_;

 private:
  // Names of the records that must not be lost.
  std::set<std::string> RecordNames() const;
  std::string Complete();

  std::optional<PendingSignIn> pending_;
  std::string callback_;
  std::set<std::string> records_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_REDIS_TROUBLE_FIXTURE_H_
