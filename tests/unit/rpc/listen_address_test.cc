// SPDX-License-Identifier: Apache-2.0
#include "rpc/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/reason.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::rpc {
namespace {

using ::testing::HasSubstr;

TEST(ListenAddress, UnixSocketsAndLoopbackAddressesAreAccepted) {
  const std::pair<const char*, const char*> accepted[] = {
      {"unix:/run/gk.sock", "unix:/run/gk.sock"}, {"unix:///run/gk.sock", "unix:/run/gk.sock"},
      {"unix:gk.sock", "unix:gk.sock"},           {"127.0.0.1:7450", "127.0.0.1:7450"},
      {"127.8.9.10:0", "127.8.9.10:0"},           {"[::1]:7450", "[::1]:7450"},
  };
  for (const auto& [text, expected] : accepted) {
    const auto address = ParseListenAddress(text, "server.listen");
    ASSERT_TRUE(address.ok()) << text << address.status();
    EXPECT_EQ(address->ToString(), expected);
  }
}

TEST(ListenAddress, AnythingThatTheNetworkCanReachIsRefusedWithTheReason) {
  for (const char* text : {"0.0.0.0:7450", "10.0.0.1:80", "[::]:7450", "example.org:80",
                           "[::ffff:127.0.0.1]:80", "*:7450", ":7450", "128.0.0.1:1"}) {
    const auto address = ParseListenAddress(text, "server.listen");
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(FieldOf(address.status()), "server.listen");
    EXPECT_THAT(std::string(address.status().message()), HasSubstr("authenticated"));
  }
}

TEST(ListenAddress, ANameIsRefusedAsClientsDoSayingWhatToWrite) {
  const auto address = ParseListenAddress("localhost:7450", "server.listen");
  EXPECT_THAT(std::string(address.status().message()), HasSubstr("write 127.0.0.1:7450 or [::1]:7450"));
}

TEST(ListenAddress, NonsenseIsRefused) {
  for (const char* text : {"", "unix:", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x",
                           "127.0.0.1:-1", "127.0.0.1:80 "}) {
    EXPECT_FALSE(ParseListenAddress(text, "--listen").ok()) << text;
  }
  const auto too_long = ParseListenAddress("unix:/" + std::string(107, 'a'), "--listen");
  EXPECT_THAT(std::string(too_long.status().message()), HasSubstr("at most 107 bytes, has 108"));
}

TEST(ListenAddress, APortThatIsTakenIsSaidToBe) {
  for (const char* host : {"127.0.0.1", "[::1]"}) {
    const bool is_v6 = host[0] == '[';
    const int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 address{};
    sockaddr_in v4{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!is_v6) std::memcpy(&address, &v4, sizeof(v4));
    socklen_t size = is_v6 ? sizeof(address) : sizeof(v4);
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(fd, 1), 0);
    ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    // The port stands at the same place in both.
    const std::string text = std::string(host) + ":" + std::to_string(ntohs(address.sin6_port));
    const absl::Status taken =
        CheckPortIsFree(ParseListenAddress(text, "server.listen").value(), "server.listen");
    EXPECT_EQ(FieldOf(taken), "server.listen");
    EXPECT_THAT(std::string(taken.message()),
                HasSubstr("cannot listen on " + text + ": Address already in use"));
    close(fd);
    EXPECT_TRUE(CheckPortIsFree(ParseListenAddress(text, "server.listen").value(), "server.listen").ok());
  }
}

class SocketFile : public ::testing::Test {
 protected:
  // A socket that is bound to path(), and listens until it is closed.
  int Listen() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path().c_str());
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    return fd;
  }
  std::string path() const { return dir_ / "s"; }

  testing::TempDir dir_;
};

TEST_F(SocketFile, OneThatADeadProcessLeftBehindIsRemoved) {
  close(Listen());
  ASSERT_TRUE(std::filesystem::exists(path()));
  EXPECT_TRUE(ClearStaleSocket(path()).ok());
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_TRUE(ClearStaleSocket(path()).ok()) << "nothing is there";
}

TEST_F(SocketFile, OneThatIsInUseStays) {
  const int fd = Listen();
  const absl::Status status = ClearStaleSocket(path());
  EXPECT_THAT(std::string(status.message()), HasSubstr("another process is listening"));
  EXPECT_TRUE(std::filesystem::exists(path()));
  close(fd);
}

TEST_F(SocketFile, AFileThatIsNoSocketStays) {
  std::ofstream(path()) << "precious";
  EXPECT_THAT(std::string(ClearStaleSocket(path()).message()), HasSubstr("not a socket"));
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(SocketFile, AMissingFolderIsNamed) {
  EXPECT_THAT(std::string(ClearStaleSocket(path() + "/none/s").message()), HasSubstr("/none"));
}

}  // namespace
}  // namespace grantkeep::rpc
