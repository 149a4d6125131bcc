// SPDX-License-Identifier: Apache-2.0
// Planted secrets are in no file of the store.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "crypto/digest.h"
#include "tests/unit/vault/vault_fixture.h"
#include "vault/flows.h"
#include "vault/grants.h"
#include "vault/static_secrets.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCanary[] = "canary-7Hq2-planted";

std::string ContentOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class VaultInAFile : public VaultFixture {
 protected:
  VaultInAFile() : VaultFixture((OwnFolder() / "store.db").string()) {}

  static const TempDir& OwnFolder() {
    static const TempDir folder;
    return folder;
  }
};

TEST_F(VaultInAFile, KeepsNoPlaintext) {
  Grants grants(*store_, *records_, *changes_, clock_);
  Flows flows(*store_, *records_);
  StaticSecrets secrets(*store_, *records_, *changes_, clock_);
  Wiped<storage::v1::Grant> grant;
  grant->set_grant_id("g1");
  grant->set_subject(kCanary);
  grant->set_provider(kCanary);
  grant->set_access_token(kCanary);
  grant->set_refresh_token(kCanary);
  grant->add_scopes(kCanary);
  ASSERT_TRUE(Run(grants.Commit(acme_, std::move(grant), 0, {}, Soon())).ok());
  ASSERT_TRUE(Run(grants.Index(acme_, SubjectId(kCanary), GrantId("g1"), Soon())).ok());
  Wiped<storage::v1::Flow> flow;
  flow->set_code_verifier(kCanary);
  flow->set_caller(kCanary);
  ASSERT_TRUE(Run(flows.Put(acme_, kCanary, kCanary, std::move(flow), std::chrono::minutes(1), Soon())).ok());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Run(secrets.Put(acme_, "bot", Secret(kCanary), ProviderId(kCanary), {}, Soon())).ok());
  }
  std::string digits = ContentOf(folder_ / "root.key").substr(0, 64);

  size_t bytes = 0;
  for (const bool closed : {false, true}) {  // the write-ahead log first, then the file alone
    if (closed) sqlite_.reset();
    for (const auto& entry : std::filesystem::directory_iterator(OwnFolder().path())) {
      const std::string content = ContentOf(entry.path());
      bytes += content.size();
      EXPECT_THAT(content, Not(HasSubstr(kCanary))) << entry.path();
      EXPECT_THAT(content, Not(HasSubstr(digits))) << entry.path();
      EXPECT_THAT(content, Not(HasSubstr(HexDecode(digits).value()))) << entry.path();
    }
  }
  EXPECT_GT(bytes, 4096u);
}

}  // namespace
}  // namespace grantkeep::testing
