// SPDX-License-Identifier: Apache-2.0
// What grantkeepd says about a configuration that is wrong, or refers to what is not there: all of
// it, with file and line, in a start and in --check-config alike.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/daemon_run.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr char kGoodKey[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";

constexpr char kMore[] = "fix these and run it again; more may follow";

// A configuration in which DIR stands for the test's folder, and every problem that is to be named;
// CONFIG in them stands for the file.
struct Wrong {
  const char* name;
  const char* yaml;
  int exit_code;
  std::vector<std::string> problems;
};

void PrintTo(const Wrong& row, std::ostream* out) { *out << row.name; }

const Wrong kWrong[] = {
    {"Keys",
     R"(servr: {}
log: {level: info, colour: red}
providers:
- id: p
  tokenEndpoint: x
  client:
    client_secret: hunter2
)",
     2,
     {"CONFIG:1: servr: is not a known key; did you mean server?", "CONFIG:2: log.colour: is not a known key",
      "CONFIG:5: providers[0].tokenEndpoint: is not a known key; did you mean token_endpoint?",
      "CONFIG:7: providers[0].client.client_secret: is not a known key; did you mean client_secrets? "
      "secrets are given by reference only, never by value: write {env: NAME}, {file: PATH} or "
      "{vault: {tenant: T, name: N}}",
      kMore}},

    {"Meaning",
     R"(server:
  listen: 0.0.0.0:7450
  drain_timeout: 1h
store: {sqlite: {path: ":memory:"}}
flows:
  lifetime: 1s
log: {level: loud}
http: {proxy: "hunter2"}
)",
     2,
     {"CONFIG:2: server.listen: ", "CONFIG:3: server.drain_timeout: must be from 0s to 300s, is 3600s",
      "CONFIG:4: store.sqlite.path: must be a file", "CONFIG: vault.root_key_file: is required",
      "CONFIG:6: flows.lifetime: must be from 60s to 3600s, is 1s", "CONFIG:7: log.level: must be",
      "CONFIG:8: http: the proxy is not", kMore}},

    {"FormAndMeaningAndWhatIsNotThere",
     R"(server:
  listen: unix:DIR/none/s
  polers: 3
store: {sqlite: {path: DIR/nowhere/db}}
vault: {root_key_file: DIR/no.key}
flows: {lifetime: soon}
log: {level: loud}
providers:
- id: one
  rotation: stict
- id: two
  catalogue: gogle
- id: three
  issuer: https://three.example
  client: {client_id: me, client_secrets: [{file: DIR/none.secret}]}
  redirect_uris: [https://app.example/cb]
)",
     2,
     {"CONFIG:3: server.polers: is not a known key; did you mean pollers?",
      "CONFIG:6: flows.lifetime: must be a duration",
      "CONFIG:10: providers[0].rotation: must be one of none, keeps_old, strict, grace; did you mean strict?",
      "CONFIG:7: log.level: must be",
      "CONFIG:12: providers[1].catalogue: provider 'two': names no built-in provider; did you mean google?",
      "CONFIG:4: store.sqlite.path: DIR/nowhere: No such file",
      "CONFIG:5: vault.root_key_file: root key file DIR/no.key: cannot be opened",
      "CONFIG:15: providers[2].client.client_secrets[0]: provider 'three': client secret: the file DIR/none",
      kMore}},

    {"AWrongValueAndNoRootKey",
     R"(server: {listen: "unix:DIR/s"}
store: {sqlite: {path: DIR/db}}
vault: {root_key_file: DIR/no.key}
flows: {lifetime: 1s}
)",
     2,
     {"CONFIG:4: flows.lifetime: must be from", "CONFIG:3: vault.root_key_file: root key file DIR/no.key"}},

    {"WhatHangsOnAMistakeIsNotSaid",
     R"(server: {listen: "unix:DIR/s"}
stor: {sqlite: {path: DIR/db}}
vault: {root_key_file: DIR/open.key, root_key_file_is_mounted_secret: maybe}
)",
     2,
     {"CONFIG:2: stor: is not a known key; did you mean store?",
      "CONFIG:3: vault.root_key_file_is_mounted_secret: must be true or false", kMore}},

    {"NoYaml", "server: [\n", 2, {"CONFIG:", kMore}},

    {"Tildes",
     R"(server: {listen: "unix:DIR/s"}
store: {sqlite: {path: ~/db}}
vault: {root_key_file: ~/root.key}
)",
     2,
     {"CONFIG:2: store.sqlite.path: ~ is not expanded", "CONFIG:3: vault.root_key_file: ~ is not expanded",
      kMore}},

    {"EveryProvider",
     R"(server: {listen: "unix:DIR/s"}
store: {sqlite: {path: DIR/db}}
vault: {root_key_file: DIR/root.key}
providers:
- id: one
  issuer: https://one.example
- id: two
  catalogue: nobody
- id: three
  issuer: https://three.example
  client:
    client_id: me
    client_secrets:
    - env: OK
    - env: "not a name hunter2"
- id: four
  issuer: http://four.example
  client: {client_id: me}
)",
     2,
     {"CONFIG:5: providers[0].client.client_id: provider 'one': is missing",
      "CONFIG:8: providers[1].catalogue: provider 'two': names no built-in provider",
      "CONFIG:15: providers[2].client.client_secrets[1].env: provider 'three': must be the name of",
      "CONFIG:17: providers[3].issuer: provider 'four': ", kMore}},

    {"SeveralProblemsOfOneProvider",
     R"(server: {listen: "unix:DIR/s"}
store: {sqlite: {path: DIR/db}}
vault: {root_key_file: DIR/root.key}
providers:
- id: one
  issuer: http://one.example
  request_timeout: 90s
  client: {client_secrets: [{env: S}]}
)",
     2,
     {"CONFIG:6: providers[0].issuer: provider 'one': must be https",
      "CONFIG:7: providers[0].request_timeout: provider 'one': must be from 1s to 60s",
      "CONFIG:8: providers[0].client.client_id: provider 'one': is missing", kMore}},

    {"ProvidersTogether",
     R"(server: {listen: "unix:DIR/s"}
store: {sqlite: {path: DIR/db}}
vault: {root_key_file: DIR/root.key}
providers:
- {id: same, issuer: "https://one.example", client: {client_id: me}}
- {id: same, issuer: "https://two.example", client: {client_id: me}}
)",
     2,
     {"CONFIG:6: providers[1].id: 'same' is given twice", kMore}},

    {"WhatIsNotThere",
     R"(server:
  listen: unix:DIR/none/s
store:
  sqlite:
    path: DIR/nowhere/db
vault:
  root_key_file: DIR/no.key
)",
     1,
     {"CONFIG:2: server.listen: the folder DIR/none of the socket: No such file or directory",
      "CONFIG:5: store.sqlite.path: DIR/nowhere: No such file or directory; make the folder",
      "CONFIG:7: vault.root_key_file: root key file DIR/no.key: cannot be opened: No such file"}},

    {"WhatIsSomethingElse",
     R"(server: {listen: "unix:DIR/file/s"}
store: {sqlite: {path: DIR/file/db}}
vault: {root_key_file: DIR/open.key}
)",
     1,
     {"CONFIG:1: server.listen: the folder DIR/file of the socket: Not a directory",
      "CONFIG:2: store.sqlite.path: DIR/file: is not a folder",
      "CONFIG:3: vault.root_key_file: root key file DIR/open.key: mode 0644 is wider than 0600: run chmod "
      "600"}},

    {"WhatIsOfTheWrongSize",
     R"(server: {listen: "127.0.0.1:0"}
store: {sqlite: {path: DIR/folder}}
vault: {root_key_file: DIR/short.key}
)",
     1,
     {"CONFIG:2: store.sqlite.path: DIR/folder: is not a regular file",
      "CONFIG:3: vault.root_key_file: root key file DIR/short.key: has 5 bytes, neither 32 bytes nor 64"}},
};

class DaemonConfigFile : public ::testing::Test {
 protected:
  DaemonConfigFile() {
    run_.Write("root.key", kGoodKey);
    run_.Write("open.key", kGoodKey);
    run_.Write("short.key", "short");
    run_.Write("file", "x");
    fs::create_directory(run_.path("folder"));
    for (const char* key : {"root.key", "short.key"}) chmod(run_.path(key).c_str(), 0600);
    chmod(run_.path("open.key").c_str(), 0644);
  }

  std::string InPlace(std::string text) {
    const std::pair<std::string, std::string> words[] = {{"DIR", run_.path("").parent_path().string()},
                                                         {"CONFIG", run_.path("config.yaml").string()}};
    for (const auto& [word, value] : words) {
      for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + value.size())) {
        text.replace(at, word.size(), value);
      }
    }
    return text;
  }

  DaemonRun run_;
};

class DaemonWrongConfig : public DaemonConfigFile, public ::testing::WithParamInterface<Wrong> {};

TEST_P(DaemonWrongConfig, IsNamedWholeByAStartAndByACheck) {
  const std::string config = run_.Write("config.yaml", InPlace(GetParam().yaml));
  const EndedRun check = run_.ToEnd({"--config", config, "--check-config"});
  const EndedRun start = run_.ToEnd({"--config", config});
  EXPECT_EQ(start.output, check.output) << "the same messages";
  EXPECT_EQ(check.exit_code, GetParam().exit_code);
  EXPECT_EQ(start.exit_code, GetParam().exit_code);
  for (const std::string& problem : GetParam().problems) {
    EXPECT_THAT(check.output, HasSubstr("grantkeepd: " + InPlace(problem)));
  }
  const auto lines = std::count(check.output.begin(), check.output.end(), '\n');
  EXPECT_EQ(static_cast<size_t>(lines), GetParam().problems.size()) << check.output;
  EXPECT_THAT(check.output, Not(HasSubstr("hunter2")));
}

INSTANTIATE_TEST_SUITE_P(Files, DaemonWrongConfig, ::testing::ValuesIn(kWrong),
                         [](const auto& param) { return std::string(param.param.name); });

constexpr char kSecrets[] = R"(server: {listen: "unix:DIR/s"}
store: {sqlite: {path: DIR/db}}
vault: {root_key_file: DIR/root.key}
providers:
- id: p
  issuer: https://one.example
  client:
    client_id: me
    client_secrets:
    - env: UNSET
    - env: EMPTY
    - file: DIR/none
    - file: DIR/folder
    - file: DIR/fifo
    - file: DIR/empty
    - vault: {tenant: ops, name: secret-of-p}
)";

TEST_F(DaemonConfigFile, EveryClientSecretThatCannotBeReadIsNamedAndTheVaultsAreSaidToBeUnchecked) {
  run_.Write("empty", "");
  ASSERT_EQ(mkfifo(run_.path("fifo").c_str(), 0600), 0);
  const std::string config = run_.Write("config.yaml", InPlace(kSecrets));
  const EndedRun check = run_.ToEnd({"--config", config, "--check-config"}, {{"EMPTY", ""}});
  EXPECT_EQ(check.exit_code, 1);
  const char* const expected[] = {
      "CONFIG:10: providers[0].client.client_secrets[0]: provider 'p': client secret: the environment "
      "variable "
      "UNSET is not set",
      "CONFIG:11: providers[0].client.client_secrets[1]: provider 'p': client secret: the environment "
      "variable "
      "EMPTY is not set",
      "CONFIG:12: providers[0].client.client_secrets[2]: provider 'p': client secret: the file DIR/none: No "
      "such file or directory",
      "CONFIG:13: providers[0].client.client_secrets[3]: provider 'p': client secret: the file DIR/folder: "
      "Is "
      "a directory",
      "CONFIG:14: providers[0].client.client_secrets[4]: provider 'p': client secret: the file DIR/fifo: ",
      "CONFIG:15: providers[0].client.client_secrets[5]: provider 'p': client secret: the file DIR/empty is "
      "empty",
      "CONFIG:16: providers[0].client.client_secrets[6]: provider 'p': not checked: secret-of-p of tenant "
      "ops "
      "is read from the vault"};
  for (const char* problem : expected) EXPECT_THAT(check.output, HasSubstr(InPlace(problem)));

  // A secret may come later, so a start only warns.
  run_.Start({"--config", config});
  EXPECT_THAT(run_.output(), HasSubstr(InPlace(expected[0])));
  EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
}

TEST_F(DaemonConfigFile, AFileThatIsNoneIsRefusedAtOnce) {
  const std::string fifo = run_.path("config-fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  run_.Write("program", std::string("\x7f"
                                    "ELF\x02\0\0",
                                    7));
  for (const std::string& path : {fifo, run_.path("folder").string(), run_.path("program").string()}) {
    const EndedRun run = run_.ToEnd({"--config", path});
    EXPECT_EQ(run.exit_code, 2) << path;
    EXPECT_THAT(run.output, HasSubstr("grantkeepd: " + path));
  }
}

}  // namespace
}  // namespace grantkeep::testing
