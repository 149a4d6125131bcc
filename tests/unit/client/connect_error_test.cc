// SPDX-License-Identifier: Apache-2.0
#include "client/connect_error.h"

#include <gtest/gtest.h>

namespace grantkeep::client {
namespace {

TEST(ConnectErrorTest, SaysWhereAndWhyInTheSystemsWords) {
  struct Case {
    const char* grpc;
    absl::StatusCode code;
    const char* message;
  };
  constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
  for (const Case& c : {
           Case{"failed to connect to all addresses; last error: UNKNOWN: unix:/run/s: No such file or "
                "directory",
                kUnavailable, "cannot connect to unix:/run/s: No such file or directory"},
           Case{
               "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect "
               "to remote host: Connection refused",
               kUnavailable, "cannot connect to 127.0.0.1:1: Connection refused"},
           Case{"connections to all backends failing; last error: UNKNOWN: unix:/s: Permission denied",
                absl::StatusCode::kPermissionDenied, "cannot connect to unix:/s: Permission denied"},
           Case{"Socket closed", kUnavailable, "Socket closed"},
           Case{"", kUnavailable, ""},
       }) {
    const absl::Status status = ConnectError(c.grpc);
    EXPECT_EQ(status.code(), c.code) << c.grpc;
    EXPECT_EQ(std::string(status.message()), c.message);
  }
}

}  // namespace
}  // namespace grantkeep::client
