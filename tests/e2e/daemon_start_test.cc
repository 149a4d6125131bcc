// SPDX-License-Identifier: Apache-2.0
// What grantkeepd says about its command line and configuration, and what it refuses to start with.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/e2e/caller.h"
#include "tests/e2e/daemon_run.h"

namespace grantkeep::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class DaemonStart : public ::testing::Test {
 protected:
  // A configuration for a server of its own, without development mode; `extra` is appended.
  std::string Configuration(const std::string& extra = "") {
    return run_.Write("config.yaml",
                      fmt::format("server:\n  listen: unix:{0}/s\nstore:\n  sqlite:\n    path: {0}/store.db\n"
                                  "vault:\n  root_key_file: {0}/root.key\n{1}",
                                  run_.path("").parent_path().string(), extra));
  }
  void WriteRootKey(mode_t mode = 0600) {
    const std::string path = run_.Write("root.key", std::string(31, 'k') + "!");
    chmod(path.c_str(), mode);
  }
  EndedRun Check(const std::string& config) { return CheckWith({}, config); }
  EndedRun CheckWith(std::map<std::string, std::string> environment, const std::string& config) {
    return run_.ToEnd({"--config", config, "--check-config"}, std::move(environment));
  }

  DaemonRun run_;
};

TEST_F(DaemonStart, VersionAndHelpGoToStandardOutputAndSucceed) {
  const EndedRun version = run_.ToEnd({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.output, MatchesRegex("grantkeepd [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const EndedRun help = run_.ToEnd({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* flag : {"--dev", "--data-dir", "--config", "--check-config", "--listen", "--ready-file",
                           "--reflection", "--version", "Examples:", "Exit codes:"}) {
    EXPECT_THAT(help.output, HasSubstr(flag));
  }
}

TEST_F(DaemonStart, AWrongCommandLineIsExplainedWithCode2) {
  const EndedRun nothing = run_.ToEnd({});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.output, AllOf(HasSubstr("--config FILE, or --dev"), HasSubstr("--help")));
  const EndedRun unknown = run_.ToEnd({"--deev"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.output, HasSubstr("--deev"));
  const EndedRun stray = run_.ToEnd({"--config", "x", "--data-dir", "y"});
  EXPECT_EQ(stray.exit_code, 2);
  EXPECT_THAT(stray.output, HasSubstr("--data-dir belongs to --dev"));
  const EndedRun alone = run_.ToEnd({"good.yaml"});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.output, HasSubstr("grantkeepd --config good.yaml"));
  const EndedRun missing = run_.ToEnd({"--config", run_.path("none.yaml")});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.output, HasSubstr("none.yaml"));
}

TEST_F(DaemonStart, EveryRequiredFieldThatIsMissingIsNamed) {
  const EndedRun run = Check(run_.Write("c.yaml", "log:\n  level: info\n"));
  EXPECT_EQ(run.exit_code, 2);
  for (const char* field : {"server.listen", "store.sqlite.path", "vault.root_key_file"}) {
    EXPECT_THAT(run.output, HasSubstr(std::string(field) + ": is required"));
  }
}

TEST_F(DaemonStart, CheckConfigAcceptsAGoodOneAndTouchesNothing) {
  WriteRootKey();
  const EndedRun run = CheckWith({{"SET_HERE", "secret"}}, Configuration(R"(
providers:
  - id: github
    catalogue: github
    client:
      client_id: Iv1.0123456789abcdef
      client_secrets:
        - env: SET_HERE
    redirect_uris:
      - http://127.0.0.1/callback
)"));
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.output, HasSubstr("ok, 1 providers"));
  for (const char* file : {"s", "store.db", "store.db.lock"})
    EXPECT_FALSE(std::filesystem::exists(run_.path(file)));
  const EndedRun dev = run_.ToEnd({"--dev", "--check-config"});
  EXPECT_EQ(dev.exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(run_.path(".local")));
}

struct WrongConfig {
  const char* name;
  const char* yaml;
  const char* message;
};

class DaemonConfig : public DaemonStart, public ::testing::WithParamInterface<WrongConfig> {};

TEST_P(DaemonConfig, AMistakeIsNamed) {
  const EndedRun run = Check(Configuration(GetParam().yaml));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.output, HasSubstr(GetParam().message));
}

const WrongConfig kWrongConfigs[] = {
    {"unknown_key", "sever:\n  listen: x\n", "config.yaml:8: "},
    {"flow_too_short", "flows:\n  lifetime: 30s\n", "flows.lifetime: must be from 60s to 3600s, is 30s"},
    {"flow_too_long", "flows:\n  lifetime: 2h\n", "flows.lifetime"},
    {"window_too_short", "refresh:\n  active_window: 59s\n", "refresh.active_window: must be from 60s to"},
    {"window_too_long", "refresh:\n  active_window: 8761h\n", "refresh.active_window"},
    {"level", "log:\n  level: loud\n", "log.level"},
    {"provider", "providers:\n  - id: p\n    kind: oauth\n", "providers"},
    {"ca_file", "http:\n  ca_file: /nowhere/ca.pem\n", "http"},
};
INSTANTIATE_TEST_SUITE_P(Mistakes, DaemonConfig, ::testing::ValuesIn(kWrongConfigs),
                         [](const auto& param) { return std::string(param.param.name); });

// A configuration whose store is remembered so.
class DaemonIdentity : public DaemonStart {
 protected:
  std::string WithIdentity(const std::string& identity) {
    WriteRootKey();
    return run_.Write(
        "config.yaml",
        fmt::format("server: {{listen: unix:{0}/s}}\nvault: {{root_key_file: {0}/root.key}}\n"
                    "store:\n  sqlite: {{path: {0}/store.db}}\n{1}",
                    Folder(), identity.empty() ? "" : fmt::format("  identity: {{{}}}\n", identity)));
  }
  std::string Folder() const { return run_.path("").parent_path().string(); }
  v1::StoreStatus Store() { return Caller(run_.address()).GetServerStatus({})->store(); }
};

TEST_F(DaemonIdentity, IsAFileOrAnIdWithAnEpoch) {
  const std::string id = "id: 0123456789abcdef0123456789abcdef";
  struct Case {
    std::string identity;
    const char* message;
  };
  for (const Case& c :
       {Case{"file: /f, epoch: 1", "config.yaml:5: store.identity: is either a file, or id and epoch"},
        Case{"id: short, epoch: 1", "store.identity.id: must be 32 hexadecimal digits"},
        Case{"epoch: 1", "store.identity.id: must be 32 hexadecimal digits"},
        Case{id, "store.identity.epoch: must be 1 or more"},
        Case{"file: ~/f", "store.identity.file: ~ is not expanded"}}) {
    const EndedRun run = Check(WithIdentity(c.identity));
    EXPECT_EQ(run.exit_code, 2) << c.identity;
    EXPECT_THAT(run.output, HasSubstr(c.message)) << c.identity;
  }
}

TEST_F(DaemonIdentity, AFileThatCannotBeUsedIsNamedByTheCheckAndTheStart) {
  const std::string config = WithIdentity(fmt::format("file: {}/identity", Folder()));
  EXPECT_EQ(Check(config).exit_code, 0) << "it is made at the first start";
  run_.Write("identity", "id: 0123456789abcdef0123456789abcdef\nepoch: none\n");
  for (const EndedRun& run : {Check(config), run_.ToEnd({"--config", config})}) {
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.output, AllOf(HasSubstr("store.identity.file: "), HasSubstr("identity:2: epoch: ")));
  }
  const EndedRun nowhere = Check(WithIdentity(fmt::format("file: {}/none/identity", Folder())));
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.output, AllOf(HasSubstr("store.identity.file: "), HasSubstr("cannot write there")));
}

TEST_F(DaemonIdentity, TheFirstStoreIsTrustedAndTheNextIsNot) {
  const std::string config = WithIdentity(fmt::format("file: {}/identity", Folder()));
  run_.Start({"--config", config});
  const std::string id = Store().id();
  EXPECT_THAT(run_.output(), HasSubstr("the store " + id + " in epoch 1 is trusted"));
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
  EXPECT_EQ(ReadFile(run_.path("identity")), fmt::format("id: {}\nepoch: 1\n", id));
  std::filesystem::remove(run_.path("store.db"));
  run_.Start({"--config", config});
  EXPECT_FALSE(Store().adopted()) << "a database that was lost is not missed in silence";
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
}

TEST_F(DaemonIdentity, AFixedOneTellsAndWithoutAnyTheStartWarns) {
  run_.Start({"--config", WithIdentity("id: 0123456789abcdef0123456789abcdef, epoch: 1")});
  EXPECT_FALSE(Store().adopted());
  const std::string id = Store().id();
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
  run_.Start({"--config", WithIdentity(fmt::format("id: {}, epoch: 1", id))});
  EXPECT_TRUE(Store().adopted());
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
  run_.Start({"--config", WithIdentity("")});
  EXPECT_TRUE(Store().adopted());
  EXPECT_THAT(run_.output(), HasSubstr("store.identity is not set"));
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
}

TEST_F(DaemonStart, OnlyThisMachineMayBeListenedTo) {
  for (const char* address : {"0.0.0.0:0", "192.0.2.1:7450", "[::]:7450"}) {
    const EndedRun run = run_.ToEnd({"--dev", "--listen", address});
    EXPECT_EQ(run.exit_code, 2) << address;
    EXPECT_THAT(run.output, AllOf(HasSubstr("--listen"), HasSubstr("authenticated"))) << address;
  }
  const EndedRun config =
      run_.ToEnd({"--dev", "--config", run_.Write("c.yaml", "server:\n  listen: 0.0.0.0:1\n")});
  EXPECT_EQ(config.exit_code, 2);
  EXPECT_THAT(config.output, HasSubstr("server.listen"));
}

TEST_F(DaemonStart, DevelopmentRefusesAStoreThatIsNotItsOwn) {
  const EndedRun run =
      run_.ToEnd({"--dev", "--config",
                  run_.Write("c.yaml", "store:\n  sqlite:\n    path: /x\nvault:\n  root_key_file: /y\n")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.output, AllOf(HasSubstr("store: --dev keeps"), HasSubstr("vault: --dev keeps")));
}

TEST_F(DaemonStart, WithoutItsRootKeyItDoesNotStart) {
  const EndedRun missing = run_.ToEnd({"--config", Configuration()});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.output, HasSubstr("root.key"));
  EXPECT_FALSE(std::filesystem::exists(run_.path("root.key"))) << "only --dev makes one";
  WriteRootKey(0644);
  const EndedRun readable = run_.ToEnd({"--config", Configuration()});
  EXPECT_EQ(readable.exit_code, 1);
  EXPECT_THAT(readable.output, HasSubstr("root.key"));
}

TEST_F(DaemonStart, AConfiguredServerServes) {
  WriteRootKey();
  run_.Start({"--config", Configuration()});
  EXPECT_EQ(run_.address(), "unix:" + run_.path("s").string());
  v1::ListStaticSecretsRequest request;
  request.set_tenant("acme");
  EXPECT_TRUE(Caller(run_.address()).ListStaticSecrets(request).ok());
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
}

TEST_F(DaemonStart, DevelopmentKeepsItsFilesPrivateInTheStateFolder) {
  run_.Start({"--dev"});
  const std::filesystem::path folder = run_.path(".local/state/grantkeep");
  EXPECT_EQ(run_.address(), "unix:" + (folder / "grantkeep.sock").string());
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(folder).permissions(), perms::owner_all);
  for (const char* file : {"grantkeep.sock", "grantkeep.db", "root.key"}) {
    EXPECT_EQ(std::filesystem::status(folder / file).permissions(), perms::owner_read | perms::owner_write)
        << file;
  }
  EXPECT_THAT(run_.output(), HasSubstr("made a root key for development"));
  EXPECT_EQ(run_.End(SIGINT).exit_code, 0);
}

TEST_F(DaemonStart, XdgStateHomeIsHonoured) {
  run_.Start({"--dev"}, {{"XDG_STATE_HOME", run_.path("state").string()}});
  EXPECT_EQ(run_.address(), "unix:" + run_.path("state/grantkeep/grantkeep.sock").string());
  run_.End(SIGTERM);
}

TEST_F(DaemonStart, ASecondOneOnTheSameDataIsToldWhoHasIt) {
  run_.Start({"--dev"});
  const EndedRun second = run_.ToEnd({"--dev", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, AllOf(HasSubstr(std::to_string(run_.pid())), HasSubstr("lock"),
                                   HasSubstr("stop it, or give store.sqlite.path another file")));
  v1::ListStaticSecretsRequest request;
  request.set_tenant("acme");
  EXPECT_TRUE(Caller(run_.address()).ListStaticSecrets(request).ok()) << "the first is undisturbed";
  run_.End(SIGTERM);
}

TEST_F(DaemonStart, ASocketInUseIsNotStolen) {
  run_.Start({"--dev"});
  const EndedRun second = run_.ToEnd({"--dev", "--data-dir", run_.path("other"), "--listen", run_.address()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr("another process is listening"));
  run_.End(SIGTERM);
}

TEST_F(DaemonStart, APortInUseIsSaidInOneLine) {
  run_.Start({"--dev", "--listen", "127.0.0.1:0"});
  const std::string address = run_.address();
  const EndedRun second = run_.ToEnd({"--dev", "--data-dir", run_.path("other"), "--listen", address});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr("cannot listen on " + address + ": Address already in use; stop"));
  EXPECT_THAT(second.output, Not(HasSubstr("grpc")));
  run_.End(SIGTERM);
}

TEST_F(DaemonStart, AProviderAtWhichNobodyCanSignInIsAWarning) {
  WriteRootKey();
  const std::string config =
      Configuration("providers: [{id: p, issuer: 'https://as.example', client: {client_id: me}}]\n");
  constexpr char kWarning[] =
      "config.yaml:8: providers[0].redirect_uris: provider 'p': is missing: nobody can sign in";
  const EndedRun check = Check(config);
  EXPECT_EQ(check.exit_code, 0);
  EXPECT_THAT(check.output, HasSubstr(kWarning));
  run_.Start({"--config", config});
  EXPECT_THAT(run_.output(), HasSubstr(kWarning));
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
}

TEST_F(DaemonStart, ADatabaseWithoutItsKeyIsNotGivenANewOne) {
  run_.Start({"--dev"});
  run_.End(SIGTERM);
  std::filesystem::remove(run_.path(".local/state/grantkeep/root.key"));
  const EndedRun run = run_.ToEnd({"--dev"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.output, HasSubstr("put the key back"));
}

TEST_F(DaemonStart, AfterAKillItStartsAgainWithItsData) {
  run_.Start({"--dev"});
  v1::PutStaticSecretRequest put;
  put.set_tenant("acme");
  put.set_name("bot");
  put.set_value("kept");
  ASSERT_TRUE(Caller(run_.address()).PutStaticSecret(put).ok());
  run_.End(SIGKILL);
  ASSERT_TRUE(std::filesystem::exists(run_.path(".local/state/grantkeep/grantkeep.sock"))) << "left behind";
  run_.Start({"--dev"});
  v1::GetStaticSecretRequest get;
  get.set_tenant("acme");
  get.set_name("bot");
  EXPECT_EQ(Caller(run_.address()).GetStaticSecret(get)->value(), "kept");
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
}

TEST_F(DaemonStart, CoreDumpsAreOff) {
  run_.Start({"--dev"});
  EXPECT_THAT(ReadFile(fmt::format("/proc/{}/limits", run_.pid())),
              ::testing::ContainsRegex("Max core file size +0 +0 "));
  run_.End(SIGTERM);
}

}  // namespace
}  // namespace grantkeep::testing
