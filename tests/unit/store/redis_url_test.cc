// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/reason.h"
#include "store/redis/redis_options.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kField[] = "store.redis.url";

// One line: "tls 127.0.0.1:6379,[::1]:1 master/2".
std::string Parsed(std::string_view text) {
  const auto url = ParseRedisUrl(text, kField);
  if (!url.ok()) return std::string(url.status().message());
  std::string line = url->tls ? "tls" : "";
  for (const RedisAddress& address : url->addresses) line += (line.empty() ? "" : " ") + ToString(address);
  return fmt::format("{} {}/{}", line, url->master_name, url->database);
}

struct Row {
  std::string url;
  std::string expected;
};

TEST(RedisUrlTest, EveryFormIsReadWithItsDefaults) {
  const Row rows[] = {
      {"redis://localhost", "localhost:6379 /0"},
      {"redis://localhost:1/3", "localhost:1 /3"},
      {"redis://redis-0.redis.svc.cluster.local.:65535/0", "redis-0.redis.svc.cluster.local.:65535 /0"},
      {"redis://my_redis", "my_redis:6379 /0"},
      {"redis://10.0.0.1/15", "10.0.0.1:6379 /15"},
      {"redis://[::1]", "[::1]:6379 /0"},
      {"redis://[2001:db8::7]:7000/2", "[2001:db8::7]:7000 /2"},
      {"rediss://redis.example:6380/1", "tls redis.example:6380 /1"},
      {"unix:///run/redis/redis.sock", "unix:///run/redis/redis.sock /0"},
      {"unix:///run/re dis/a@b?db=4", "unix:///run/re dis/a@b /4"},
      {"redis+sentinel://s1/mymaster", "s1:26379 mymaster/0"},
      {"redis+sentinel://s1:1,s2,[::1],[::1]:4/my.master-1_x/7",
       "s1:1 s2:26379 [::1]:26379 [::1]:4 my.master-1_x/7"},
      {"rediss+sentinel://s1:26380/m", "tls s1:26380 m/0"},
      {"redis://h/2147483647", "h:6379 /2147483647"},
  };
  for (const Row& row : rows) EXPECT_EQ(Parsed(row.url), row.expected) << row.url;
}

TEST(RedisUrlTest, AnAddressIsWrittenAsItIsInAUrl) {
  EXPECT_EQ(ToString({.host = "h", .port = 7, .path = ""}), "h:7");
  EXPECT_EQ(ToString({.host = "fe80::1", .port = 7, .path = ""}), "[fe80::1]:7");
  EXPECT_EQ(ToString({.host = "", .port = 0, .path = "/a/b"}), "unix:///a/b");
}

TEST(RedisUrlTest, WhatIsWrongIsNamed) {
  const std::string port = "a port must be a number from 1 to 65535";
  const std::string database = "the database must be a number from 0";
  const std::string host = "a host is neither a DNS name nor an IP address";
  const Row rows[] = {
      {"", "is required"},
      {"localhost:6379", "must be an URL, such as redis://HOST:PORT"},
      {"redis:/h", "must be an URL"},
      {"http://h", "the scheme \"http\" is none of redis, rediss, unix"},
      {"redis+cluster://h", "the scheme \"redis+cluster\" is none of"},
      {"REDIS://h", "the scheme \"REDIS\" is none of"},
      {"://h", "the scheme is none of"},
      {"re dis://h", "the scheme is none of"},
      {"redis://", "a host is missing"},
      {"redis://:6379", "a host is missing"},
      {"redis:///0", "a host is missing"},
      {"redis://h:", port},
      {"redis://h:0", port},
      {"redis://h:65536", port},
      {"redis://h:-1", port},
      {"redis://h:+1", port},
      {"redis://h: 1", port},
      {"redis://h:1x", port},
      {"redis://h:99999999999999999999", port},
      {"redis://::1", "an IPv6 address stands in brackets"},
      {"redis://[::1", "brackets must be an IPv6 address"},
      {"redis://[h]", "brackets must be an IPv6 address"},
      {"redis://[127.0.0.1]", "brackets must be an IPv6 address"},
      {"redis://[::1]6379", "after \"]\" only a port may follow"},
      {"redis://[::1]:", port},
      {"redis://a..b", host},
      {"redis://.a", host},
      {"redis://a b", host},
      {"redis://a%20b", host},
      {"redis://h\xc3\xa4", host},
      {"redis://10.0.0.256", host},
      {"redis://10.0.0", host},
      {"redis://" + std::string(64, 'a'), host},
      {"redis://" + std::string(254, 'a'), host},
      {"redis://h/", database},
      {"redis://h/-1", database},
      {"redis://h/x", database},
      {"redis://h/1/2", database},
      {"redis://h/2147483648", database},
      {"redis://h?db=1", "takes no options"},
      {"redis://h/1#x", "takes no options"},
      {"redis://h1,h2", "several addresses are those of Sentinels"},
      {"redis+sentinel://h", "the master's name, as the Sentinels know it, is missing"},
      {"redis+sentinel://h/", "the master's name, as the Sentinels know it, is missing"},
      {"redis+sentinel://h//0", "the master's name must be"},
      {"redis+sentinel://h/my master", "the master's name must be"},
      {"redis+sentinel://h/" + std::string(129, 'm'), "the master's name must be"},
      {"redis+sentinel://h/m/", database},
      {"redis+sentinel://h/m/1/2", database},
      {"redis+sentinel:///m", "a host is missing"},
      {"redis+sentinel://h1,,h2/m", "a host is missing"},
      {"redis+sentinel://h1,/m", "a host is missing"},
      {"redis+sentinel://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/m", "has more than 16 Sentinels"},
      {"unix://run/redis.sock", "begins with \"/\""},
      {"unix://", "begins with \"/\""},
      {"unix:///", "the path of the socket is missing"},
      {"unix:///run/", "the path of the socket is missing"},
      {"unix:///run/s?database=1", "only db=NUMBER may follow"},
      {"unix:///run/s?db=", database},
      {"unix:///run/s?db=1&x", database},
      {"unix:///" + std::string(107, 'p'), "at most 107 bytes, has 108"},
      {std::string("redis://h\0x", 11), "control characters"},
      {"redis://h\n", "control characters"},
      {"redis://" + std::string(2041, 'a'), "must have at most 2048 bytes, has 2049"},
  };
  for (const Row& row : rows) {
    const auto url = ParseRedisUrl(row.url, kField);
    EXPECT_TRUE(HasReason(url.status(), Reason::kInvalidField)) << row.url;
    EXPECT_EQ(FieldOf(url.status()), kField) << row.url;
    EXPECT_THAT(std::string(url.status().message()), HasSubstr(row.expected)) << row.url;
  }
}

TEST(RedisUrlTest, CredentialsAreRefusedWithAdviceAndNotRepeated) {
  for (const char* url :
       {"redis://user:hunter2@h", "redis://:hunter2@h/0", "rediss://hunter2@h", "redis://:hun/ter@hunter2",
        "redis+sentinel://user:hunter2@h/m", "unix://user:hunter2@/run/s", "hunter2@h",
        "http://user:hunter2@h", "hunter2://user:hunter2@h", "redis://h/hunter2@"}) {
    const std::string message = Parsed(url);
    EXPECT_THAT(message, HasSubstr("use username and password_file")) << url;
    EXPECT_THAT(message, Not(HasSubstr("hunter2"))) << url;
  }
  EXPECT_THAT(Parsed("redis://h?password=hunter2"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(Parsed("unix:///s?password=hunter2"), Not(HasSubstr("hunter2")));
}

// Random bytes, and every form cut and changed at random: read or refused, and what was read is whole.
TEST(RedisUrlTest, AnyBytesAreReadOrRefused) {
  const std::vector<std::string> seeds = {"redis://h:1/2", "rediss://[::1]:1/2", "unix:///a?db=1",
                                          "redis+sentinel://a:1,[::1]:2/m/3", ""};
  std::mt19937 random(1);
  const auto below = [&](size_t limit) {
    return std::uniform_int_distribution<size_t>(0, limit - 1)(random);
  };
  constexpr std::string_view kMarks = ":/@[],?#.=";
  for (int i = 0; i < 100'000; ++i) {
    std::string text = seeds[below(seeds.size())];
    for (size_t changes = below(6); changes > 0; --changes) {
      const char byte = below(2) == 0 ? kMarks[below(kMarks.size())] : static_cast<char>(below(256));
      const size_t at = below(text.size() + 1);
      if (below(3) == 0) {
        text.resize(at);
      } else {
        text.insert(at, 1, byte);
      }
    }
    const auto url = ParseRedisUrl(text, kField);
    if (!url.ok()) continue;
    ASSERT_FALSE(url->addresses.empty()) << text;
    ASSERT_GE(url->database, 0) << text;
    for (const RedisAddress& address : url->addresses) {
      ASSERT_TRUE(!address.path.empty() || (!address.host.empty() && address.port != 0)) << text;
    }
  }
}

}  // namespace
}  // namespace grantkeep::testing
