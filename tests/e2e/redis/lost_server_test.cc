// SPDX-License-Identifier: Apache-2.0
// Rows of the behaviour table: a Redis that is not there, or does not let us in.
#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/e2e/redis/trouble_fixture.h"

namespace grantkeep::testing {
namespace {

using RedisTroubleLost = RedisTrouble;

class RedisTroubleAtStart : public RedisTrouble {
 protected:
  using RedisTrouble::RedisTrouble;

  // grantkeepd begins anew, and answers, but does not get at its Redis.
  void BeginAgain() {
    ASSERT_EQ(world_->daemon().Stop(), 0);
    ASSERT_TRUE(world_->StartWithoutStore().ok());
    ASSERT_TRUE(Eventually([&] { return Health("") != "no answer"; })) << world_->daemon().Output();
  }
  // Files of the daemon's alone.
  std::filesystem::path WriteFile(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name) << content;
    chmod((folder_ / name).c_str(), 0600);
    return folder_ / name;
  }

  TempDir folder_;
};

TEST_F(RedisTroubleAtStart, DownAtStart) {
  Prepare();
  redis_->Kill();
  BeginAgain();
  ExpectRow();
  redis_->Start();
  ExpectWhole();
}

TEST_F(RedisTroubleLost, DiesAndComesBack) {
  Prepare();
  redis_->Kill();
  WaitUntilNoticed();
  ExpectRow();
  redis_->Start();
  ExpectWhole();
}

TEST_F(RedisTroubleLost, Hangs) {
  Prepare();
  redis_->Pause();
  WaitUntilNoticed();
  ExpectRow();
  redis_->Continue();
  ExpectWhole();
}

// A replica whose master is not there keeps what it has.
TEST_F(RedisTroubleLost, BecomesAReplica) {
  Prepare();
  redis_->Command({"REPLICAOF", "127.0.0.1", "1"});
  WaitUntilNoticed();
  ExpectRow();
  redis_->Command({"REPLICAOF", "NO", "ONE"});
  ExpectWhole();
}

class RedisTroublePassword : public RedisTroubleAtStart {
 protected:
  RedisTroublePassword()
      : RedisTroubleAtStart({.users = {"default off", "vault on >right-password ~* &* +@all"}}) {
    store_ = ByRelay(fmt::format(", username: vault, password_file: {}",
                                 WriteFile("password", "right-password\n").string()));
  }
};

TEST_F(RedisTroublePassword, WrongPassword) {
  Prepare();
  WriteFile("password", "wrong-password\n");
  BeginAgain();
  ExpectRow();
  EXPECT_TRUE(world_->daemon().Says("WRONGPASS"));
  WriteFile("password", "right-password\n");
  ExpectWhole();
}

const TestCa& RedisCa() {
  static const auto& ca = *new TestCa;
  return ca;
}

class RedisTroubleTls : public RedisTroubleAtStart {
 protected:
  RedisTroubleTls() : RedisTroubleAtStart({.tls = RedisServer::Tls::kClientCertificates, .ca = &RedisCa()}) {
    certificate_ = WriteFile("certificate.pem", ReadFile(redis_->certificate_file()));
    key_ = WriteFile("key.pem", ReadFile(redis_->key_file()));
    Trust(RedisCa());
  }
  void Trust(const TestCa& ca) {
    ca_file_ = WriteFile("ca.pem", ReadFile(ca.file()));
    store_ = ByRelay(fmt::format(", tls: {{ca_file: {}, certificate_file: {}, private_key_file: {}}}",
                                 ca_file_.string(), certificate_.string(), key_.string()));
  }

  std::filesystem::path ca_file_;
  std::filesystem::path certificate_;
  std::filesystem::path key_;
};

TEST_F(RedisTroubleTls, WrongCA) {
  Prepare();
  Trust(TestCa());
  BeginAgain();
  ExpectRow();
  EXPECT_TRUE(world_->daemon().Says("certificate is not accepted"));
  Trust(RedisCa());
  ExpectWhole();
}

}  // namespace
}  // namespace grantkeep::testing
