// SPDX-License-Identifier: Apache-2.0
// Holds RedisStore to the Store contract, against a real redis-server.
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/conformance/redis_harness.h"
#include "tests/support/document.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ca.h"

namespace grantkeep::testing {
namespace {

// One server of each sort for all tests of a process.
RedisServer& Started(RedisServer::Options options) {
  auto* const server = new RedisServer(std::move(options));
  server->Start();
  return *server;
}

RedisServer& PlainServer() {
  static auto& server = Started({});
  return server;
}

constexpr std::string_view kPassword = "pass-word";

void ReplaceAll(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

// The documented users, with the password and the key prefixes of these tests.
std::vector<std::string> Users() {
  std::vector<std::string> users = ReadUsers(REDIS_DOCUMENT, "redis-acl");
  for (std::string& user : users) {
    ReplaceAll(user, "PASSWORD", kPassword);
    ReplaceAll(user, "grantkeep:", "test-");
  }
  return users;
}

// Wants a certificate and, of a user who may do no more than is documented, a password.
struct GuardedServer {
  TestCa ca;
  TempDir folder;
  RedisServer* server;
  RedisOptions options;

  GuardedServer() {
    RedisServer::Options wanted;
    wanted.tls = RedisServer::Tls::kClientCertificates;
    wanted.ca = &ca;
    wanted.users = Users();
    server = &Started(std::move(wanted));
    std::ofstream(folder / "password") << kPassword << "\n";
    options.username = "grantkeep";
    options.password_file = folder / "password";
    options.ca_file = ca.file();
    options.certificate_file = server->certificate_file();
    options.private_key_file = server->key_file();
  }
};

HarnessKind Tcp() {
  return {"Tcp", [] { return std::make_unique<RedisHarness>(RedisOptions(), PlainServer().url()); }};
}
HarnessKind UnixSocket() {
  return {"UnixSocket",
          [] { return std::make_unique<RedisHarness>(RedisOptions(), PlainServer().unix_url()); }};
}
HarnessKind TlsWithClientCertificate() {
  return {"TlsWithClientCertificateAndUser", [] {
            static const auto& guarded = *new GuardedServer();
            return std::make_unique<RedisHarness>(guarded.options, guarded.server->url());
          }};
}

const auto kEvery = ::testing::Values(Tcp(), UnixSocket(), TlsWithClientCertificate());
INSTANTIATE_TEST_SUITE_P(Redis, StoreConformance, kEvery, KindName);
INSTANTIATE_TEST_SUITE_P(Redis, DurableStoreConformance, kEvery, KindName);

}  // namespace
}  // namespace grantkeep::testing
