// SPDX-License-Identifier: Apache-2.0
// What a hint is in Redis.
#include "tests/unit/store/redis_fixture.h"

namespace grantkeep::testing {
namespace {

class RedisHints : public RedisStoreTest {
 protected:
  static Key HintKey(const std::string& id) {
    return Key::Under(Kind::kSubjectGrant, TenantId("acme"), "", id);
  }
};

TEST_F(RedisHints, AreMembersOfTheirIndexAndHaveNoRecord) {
  const auto store = OpenReady();
  for (const char* id : {"b", "a"}) ASSERT_TRUE(Put(*store, HintKey(id), 0, "").ok());
  const RedisReply names = server_.Command({"KEYS", "grantkeep:*acme*"});
  ASSERT_EQ(names.elements.size(), 1u);
  const std::string& index = names.elements[0].text;
  EXPECT_TRUE(index.starts_with("grantkeep:index:{p") && index.ends_with("}:h:acme")) << index;
  const RedisReply members = server_.Command({"ZRANGE", index, "0", "-1"});
  ASSERT_EQ(members.elements.size(), 2u);
  EXPECT_EQ(members.elements[0].text, "a");
  EXPECT_EQ(members.elements[1].text, "b");
}

}  // namespace
}  // namespace grantkeep::testing
