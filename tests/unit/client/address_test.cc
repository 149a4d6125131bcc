// SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "grantkeep/client.h"

namespace grantkeep {
namespace {

// Sets or removes an environment variable while it lives.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    Set(value);
  }
  ~ScopedVariable() { Set(before_.has_value() ? before_->c_str() : nullptr); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  void Set(const char* value) const {
    if (value == nullptr) {
      unsetenv(name_);
    } else {
      setenv(name_, value, 1);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

TEST(AddressTest, AcceptsUnixSocketsAndLoopback) {
  EXPECT_EQ(client::TargetOf("unix:/run/g.sock").value(), "unix:/run/g.sock");
  EXPECT_EQ(client::TargetOf("unix:///run/g.sock").value(), "unix:/run/g.sock");
  EXPECT_EQ(client::TargetOf("127.0.0.1:7450").value(), "ipv4:127.0.0.1:7450");
  EXPECT_EQ(client::TargetOf("[::1]:7450").value(), "ipv6:[::1]:7450");
  EXPECT_EQ(client::TargetOf("localhost:7450").value(), "ipv4:127.0.0.1:7450") << "not looked up";
}

TEST(AddressTest, RefusesWhatWouldCarryTokensInTheClear) {
  for (const char* address : {"10.0.0.1:7450", "example.com:7450", "localhost.example:7450", "0.0.0.0:7450",
                              "[::]:7450", "127.0.0.1.example.com:1", "dns:127.0.0.1:1"}) {
    EXPECT_EQ(client::TargetOf(address).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
}

TEST(AddressTest, RefusesMalformedAddresses) {
  for (const std::string& address :
       {std::string(), std::string("unix:"), std::string("127.0.0.1"), std::string("127.0.0.1:0"),
        std::string("127.0.0.1:65536"), std::string("127.0.0.1:80x"), "unix:/" + std::string(107, 'a')}) {
    EXPECT_EQ(client::TargetOf(address).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
}

TEST(AddressTest, SaysWhatMayHaveBeenMeant) {
  struct Case {
    const char* address;
    const char* message;
  };
  for (const Case& c :
       {Case{"/run/g.sock", "unix:/path"}, Case{"unix:", "path is missing after unix:"},
        Case{"127.0.0.1", "the port is missing, as in 127.0.0.1:7450"},
        Case{"[::1]", "the port is missing, as in [::1]:7450"},
        Case{"localhost", "the port is missing, as in localhost:7450"},
        Case{"127.0.0.1:80x", "the port must be a number"}, Case{"[::1]:0", "the port must be a number"},
        Case{"bogus", "must be unix:/path/to/socket"}, Case{"10.0.0.1:7450", "not encrypted"}}) {
    const absl::Status status = client::TargetOf(c.address).status();
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith("address: ")) << c.address;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(c.message)) << c.address;
  }
}

TEST(AddressTest, TheDefaultIsTheSocketOfTheDevelopmentDaemon) {
  const ScopedVariable address("GRANTKEEP_ADDRESS", nullptr);
  const ScopedVariable home("HOME", "/home/alice");
  {
    const ScopedVariable state("XDG_STATE_HOME", nullptr);
    EXPECT_EQ(DefaultAddress(), "unix:/home/alice/.local/state/grantkeep/grantkeep.sock");
  }
  const ScopedVariable relative("XDG_STATE_HOME", "relative/is/ignored");
  EXPECT_EQ(DefaultAddress(), "unix:/home/alice/.local/state/grantkeep/grantkeep.sock");
  const ScopedVariable state("XDG_STATE_HOME", "/state");
  EXPECT_EQ(DefaultAddress(), "unix:/state/grantkeep/grantkeep.sock");
  const ScopedVariable given("GRANTKEEP_ADDRESS", "127.0.0.1:7450");
  EXPECT_EQ(DefaultAddress(), "127.0.0.1:7450");
}

}  // namespace
}  // namespace grantkeep
