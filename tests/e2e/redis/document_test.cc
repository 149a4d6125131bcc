// SPDX-License-Identifier: Apache-2.0
// Holds docs/redis.md to what is there.
#include "tests/support/document.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "tests/e2e/daemon_run.h"
#include "tests/e2e/redis/behaviour_table.h"
#include "tests/support/test_ca.h"

namespace grantkeep::testing {
namespace {

TEST(RedisDocument, EveryRowOfTheBehaviourTableIsATestAndEveryTestARow) {
  std::set<std::string> rows;
  for (const auto& [name, row] : ReadBehaviourTable()) rows.insert(name);
  std::set<std::string> tests;
  const auto& program = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < program.total_test_suite_count(); ++i) {
    const auto& suite = *program.GetTestSuite(i);
    if (!std::string_view(suite.name()).starts_with("RedisTrouble")) continue;
    for (int j = 0; j < suite.total_test_count(); ++j) tests.insert(suite.GetTestInfo(j)->name());
  }
  EXPECT_EQ(rows, tests);
}

TEST(RedisDocument, TheExampleIsAValidConfiguration) {
  DaemonRun run;
  const auto write = [&](const std::string& name, const std::string& content) {
    chmod(run.Write(name, content).c_str(), 0600);
  };
  for (const char* name : {"root.key", "redis-password", "sentinel-password"}) {
    write(name, std::string(31, 'k') + "!");
  }
  const TestCa ca;
  const TestCa::Identity identity = ca.Issue({"grantkeep"});
  write("redis-ca.pem", ReadFile(ca.file()));
  write("redis-cert.pem", identity.certificate_pem);
  write("redis-key.pem", identity.key_pem);
  std::string example = ReadBlock(REDIS_DOCUMENT, "yaml");
  for (const std::string_view documented : {"/etc/grantkeep/", "/run/grantkeep/"}) {
    for (size_t at = 0; (at = example.find(documented, at)) != std::string::npos;) {
      example.replace(at, documented.size(), run.path("").string());
    }
  }
  const EndedRun checked = run.ToEnd({"--check-config", "--config", run.Write("config.yaml", example)});
  EXPECT_EQ(checked.exit_code, 0) << checked.output << example;
}

}  // namespace
}  // namespace grantkeep::testing
