// SPDX-License-Identifier: Apache-2.0
// Rows of the behaviour table: a bad network between grantkeepd and Redis.
#include <future>

#include "tests/e2e/redis/trouble_fixture.h"

namespace grantkeep::testing {
namespace {

using namespace std::chrono_literals;
using Way = TcpRelay::Way;

class RedisTroubleNetwork : public RedisTrouble {
 protected:
  // Of the connections that are open: the one that commands go by, and the one that changes are reported to.
  static RelayHits Commands() { return {.sent = "SCRIPT", .open_now = true}; }
  static RelayHits Subscriber() { return {.sent = "SUBSCRIBE", .open_now = true}; }

  // grantkeepd that is not behind the relay.
  std::unique_ptr<World> StartBeside() {
    store_ = "redis: {url: \"" + redis_->url() + "\"}";
    return StartAnother(DefaultProviders());
  }
  uint64_t CallsOf(const std::string& command) const {
    const std::string stats = redis_->Command({"INFO", "commandstats"}).text;
    const std::string name = "cmdstat_" + command + ":calls=";
    const size_t found = stats.find(name);
    return found == std::string::npos ? 0 : std::stoull(stats.substr(found + name.size()));
  }
};

TEST_F(RedisTroubleNetwork, Slow) {
  Prepare();
  relay_->SetDelay(200ms, {}, Way::kToClient);
  ExpectRow();
  relay_->Heal();
  ExpectWhole();
}

// Redis carries out what it is asked, and the connection is reset before the answer is through.
TEST_F(RedisTroubleNetwork, ResetBeforeTheReply) {
  Prepare();
  world_->GetGrant(expired_.grant_id());
  around_ = [&](const std::function<void()>& call) {
    WaitUntilWell();
    ASSERT_EQ(Refresh(valid_), "ok");
    ASSERT_EQ(Get(kInMemory), "ok");
    relay_->BlackHole(true, Commands(), Way::kToClient);
    // Those who claim what is due have all come to wait for a reply.
    uint64_t evalsha = 0;
    int same = 0;
    EXPECT_TRUE(Eventually([&] {
      const uint64_t before = std::exchange(evalsha, CallsOf("evalsha"));
      same = evalsha == before ? same + 1 : 0;
      return same == 10;
    }));
    const auto asked = [&, get = CallsOf("get")] {
      return CallsOf("evalsha") > evalsha || CallsOf("get") > get;
    };
    auto answered = std::async(std::launch::async, call);
    // Redis is asked nothing by what is answered from memory.
    Eventually([&] { return asked() || answered.wait_for(0s) == std::future_status::ready; });
    relay_->Heal();
    relay_->ResetAll(Commands());
    answered.get();
  };
  ExpectRow();
  // The sign-in was used up by the call whose answer was lost.
  ExpectWhole("FLOW_NOT_FOUND");
}

TEST_F(RedisTroubleNetwork, InvalidationOvertakesTheReply) {
  Prepare();
  const auto other = StartBeside();
  relay_->SetDelay(500ms, Commands(), Way::kToClient);
  const uint64_t gets = CallsOf("get");
  auto asked = std::async(std::launch::async, [&] { return GetAt(*world_, kNotInMemory); });
  ASSERT_TRUE(Eventually([&] { return CallsOf("get") > gets; }));
  ASSERT_TRUE(PutAt(*other, kNotInMemory, "its successor").ok());
  ASSERT_EQ(asked.wait_for(0s), std::future_status::timeout) << "the reply is still on its way";
  const auto overtaken = asked.get();
  ASSERT_TRUE(overtaken.ok()) << overtaken.status;
  EXPECT_EQ(overtaken->value(), "value of the other") << "used once";
  EXPECT_EQ(GetAt(*world_, kNotInMemory)->value(), "its successor");
  ASSERT_TRUE(PutAt(*other, kNotInMemory, "value of the other").ok());
  // A refresh has little time here.
  relay_->SetDelay(100ms, Commands(), Way::kToClient);
  ExpectRow();
  relay_->Heal();
  ExpectWhole();
}

TEST_F(RedisTroubleNetwork, BlackHoledSubscriber) {
  Prepare();
  const auto other = StartBeside();
  relay_->BlackHole(true, Subscriber(), Way::kToClient);
  // Nobody tells of this one, but what is in memory is believed for a moment only.
  ASSERT_TRUE(PutAt(*other, kInMemory, "its successor").ok());
  EXPECT_TRUE(Eventually([&] { return GetAt(*world_, kInMemory)->value() == "its successor"; }));
  ASSERT_TRUE(PutAt(*other, kInMemory, "value of it").ok());
  EXPECT_EQ(GetAt(*world_, kInMemory)->value(), "value of it") << "asked each time";
  ExpectRow();
  relay_->Heal();
  ExpectWhole();
}

}  // namespace
}  // namespace grantkeep::testing
