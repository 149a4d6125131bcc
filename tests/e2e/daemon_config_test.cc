// SPDX-License-Identifier: Apache-2.0
// What grantkeepd says about a configuration that is wrong, or refers to what is not there: all of
// it, with file and line, in a start and in --check-config alike.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/daemon_run.h"
#include "tests/support/test_ca.h"

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
      ("CONFIG:7: providers[0].client.client_secret: is not a known key; did you mean client_secrets? "
       "secrets are given by reference only, never by value: write {env: NAME}, {file: PATH} or "
       "{vault: {tenant: T, name: N}}"),
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
refresh: {recovery_dir: DIR/gone/recovery}
)",
     2,
     {"CONFIG:3: server.polers: is not a known key; did you mean pollers?",
      "CONFIG:6: flows.lifetime: must be a duration",
      "CONFIG:10: providers[0].rotation: must be one of none, keeps_old, strict, grace; did you mean strict?",
      "CONFIG:7: log.level: must be",
      "CONFIG:12: providers[1].catalogue: provider 'two': names no built-in provider; did you mean google?",
      "CONFIG:4: store.sqlite.path: DIR/nowhere: No such file",
      "CONFIG:5: vault.root_key_file: root key file DIR/no.key: cannot be opened",
      "CONFIG:17: refresh.recovery_dir: DIR/gone: No such file",
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
refresh: {recovery_dir: ~/recovery}
)",
     2,
     {"CONFIG:2: store.sqlite.path: ~ is not expanded", "CONFIG:3: vault.root_key_file: ~ is not expanded",
      "CONFIG:4: refresh.recovery_dir: ~ is not expanded", kMore}},

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

    {"RedisMeaning",
     R"(server: {listen: "unix:DIR/s"}
store:
  redis:
    url: redis://user:hunter2@h
    username: two words
    sentinel_username: alone
    tls: {private_key_file: ~/redis.key}
    key_prefix: "a:b"
    connect_timeout: 1ms
    command_timeout: 31s
    failover_hold: 6m
    wait_replicas: 11
  ephemeral:
    url: http://h
    require_durable: true
  outage_serve: 2h
  cache: {max_grants: 1, max_bytes: 1}
vault: {root_key_file: DIR/root.key}
)",
     2,
     {"CONFIG:4: store.redis.url: a user name or password does not belong into the URL",
      "CONFIG:5: store.redis.username: must be at most 128 printable characters",
      "CONFIG:3: store.redis.sentinel_password_file: is required with sentinel_username",
      "CONFIG:7: store.redis.tls.certificate_file: is required with the other",
      "CONFIG:7: store.redis.tls.private_key_file: ~ is not expanded",
      "CONFIG:8: store.redis.key_prefix: must be 1 to 32 of",
      "CONFIG:9: store.redis.connect_timeout: must be from 0.1s to 30s, is 0.001s",
      "CONFIG:10: store.redis.command_timeout: must be from 0.1s to 30s, is 31s",
      "CONFIG:11: store.redis.failover_hold: must be from 0s to 300s, is 360s",
      "CONFIG:12: store.redis.wait_replicas: must be at most 10, is 11",
      "CONFIG:14: store.ephemeral.url: the scheme \"http\" is none of redis",
      "CONFIG:15: store.ephemeral.require_durable: is for store.redis",
      "CONFIG:16: store.outage_serve: must be from 0s to 3600s, is 7200s",
      "CONFIG:17: store.cache.max_grants: must be from 1000 to 100000000, is 1",
      "CONFIG:17: store.cache.max_bytes: must be from 1048576 to 1099511627776, is 1"}},

    {"RedisWhatBelongsToAnotherUrl",
     R"(server: {listen: "unix:DIR/s"}
store:
  redis:
    url: redis://h
    sentinel_username: sentinel
    sentinel_password_file: DIR/password
    tls: {ca_file: DIR/ca.pem}
vault: {root_key_file: DIR/root.key}
)",
     2,
     {"CONFIG:5: store.redis.sentinel_username: belongs to an url of redis+sentinel://",
      "CONFIG:6: store.redis.sentinel_password_file: belongs to an url of redis+sentinel://",
      "CONFIG:7: store.redis.tls: belongs to an url of rediss://"}},

    {"RedisWithoutUrl",
     R"(server: {listen: "unix:DIR/s"}
store:
  redis: {key_prefix: me}
vault: {root_key_file: DIR/root.key}
)",
     2,
     {"CONFIG:3: store.redis.url: is required: redis://HOST:PORT"}},

    {"TwoKindsOfStore",
     R"(server: {listen: "unix:DIR/s"}
store:
  sqlite: {path: DIR/db}
  redis: {url: "redis://h"}
vault: {root_key_file: DIR/root.key}
)",
     2,
     {"CONFIG:4: store.redis: "}},

    {"EphemeralBesideSqlite",
     R"(server: {listen: "unix:DIR/s"}
store:
  sqlite: {path: DIR/db}
  ephemeral: {url: "redis://h"}
vault: {root_key_file: DIR/root.key}
)",
     2,
     {"CONFIG:4: store.ephemeral: is only for a vault in Redis"}},

    {"RedisFilesThatAreNotThere",
     R"(server: {listen: "unix:DIR/s"}
store:
  redis:
    url: rediss+sentinel://h/m
    password_file: DIR/none
    sentinel_password_file: DIR/empty
    tls:
      ca_file: DIR/file
      certificate_file: DIR/redis.pem
      private_key_file: DIR/other.key
  ephemeral:
    url: rediss://h
    password_file: DIR/open.password
    tls: {ca_file: DIR/folder, certificate_file: DIR/file, private_key_file: DIR/file}
vault: {root_key_file: DIR/root.key}
)",
     1,
     {"CONFIG:5: store.redis.password_file: DIR/none: cannot be opened: No such file",
      "CONFIG:6: store.redis.sentinel_password_file: DIR/empty: is empty",
      "CONFIG:8: store.redis.tls.ca_file: DIR/file: has no certificate that can be read",
      "CONFIG:10: store.redis.tls.private_key_file: DIR/other.key: is not the key of DIR/redis.pem",
      ("CONFIG:13: store.ephemeral.password_file: DIR/open.password: mode 0644 is wider than 0600: run chmod "
       "600 DIR/open.password, or set store.ephemeral.files_are_mounted_secrets"),
      "CONFIG:14: store.ephemeral.tls.ca_file: DIR/folder: is not a regular file",
      "CONFIG:14: store.ephemeral.tls.certificate_file: DIR/file: has no certificate that can be used",
      "CONFIG:14: store.ephemeral.tls.private_key_file: DIR/file: mode 0644 is wider than 0600"}},
};

class DaemonConfigFile : public ::testing::Test {
 protected:
  DaemonConfigFile() {
    run_.Write("root.key", kGoodKey);
    run_.Write("open.key", kGoodKey);
    run_.Write("short.key", "short");
    run_.Write("file", "x");
    chmod(run_.path("file").c_str(), 0644);
    run_.Write("empty", "\n");
    WriteRedisFiles();
    fs::create_directory(run_.path("folder"));
    for (const char* key : {"root.key", "short.key", "empty"}) chmod(run_.path(key).c_str(), 0600);
    chmod(run_.path("open.key").c_str(), 0644);
  }

  void WriteRedisFiles() {
    const TestCa ca;
    const TestCa::Identity redis = ca.Issue({"client.example"});
    run_.Write("ca.pem", ReadFile(ca.file()));
    run_.Write("redis.pem", redis.certificate_pem);
    run_.Write("redis.key", redis.key_pem);
    run_.Write("other.key", ca.Issue({"other.example"}).key_pem);
    run_.Write("password", "hunter2\n");
    run_.Write("open.password", "hunter2\n");
    for (const char* file : {"redis.key", "other.key", "password"}) chmod(run_.path(file).c_str(), 0600);
    chmod(run_.path("open.password").c_str(), 0644);
  }

  // Instead of the key of that name, the same key under a passphrase.
  void WriteEncryptedKey(const std::string& name) {
    const std::string plain = ReadFile(run_.path(name));
    BIO* in = BIO_new_mem_buf(plain.data(), static_cast<int>(plain.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    BIO* out = BIO_new(BIO_s_mem());
    unsigned char passphrase[] = "hunter2";
    ASSERT_EQ(PEM_write_bio_PrivateKey(out, key, EVP_aes_256_cbc(), passphrase, 7, nullptr, nullptr), 1);
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(out, &bytes);
    run_.Write(name, std::string(bytes, static_cast<size_t>(size)));
    BIO_free(in);
    BIO_free(out);
    EVP_PKEY_free(key);
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

constexpr char kRedis[] = R"(server: {listen: "unix:DIR/s"}
store:
  redis:
    url: rediss+sentinel://s1.example,s2.example:1/mymaster/2
    username: vault
    password_file: DIR/password
    sentinel_username: sentinel
    sentinel_password_file: DIR/password
    tls: {ca_file: DIR/ca.pem, certificate_file: DIR/redis.pem, private_key_file: DIR/redis.key}
    key_prefix: grantkeep.prod-1_x
    connect_timeout: 100ms
    command_timeout: 30s
    failover_hold: 0s
    wait_replicas: 0
    require_durable: true
  ephemeral:
    url: unix:///run/redis.sock?db=1
    password_file: DIR/open.password
    files_are_mounted_secrets: true
  outage_serve: 0s
  cache: {max_grants: 1000, max_bytes: 1048576}
vault: {root_key_file: DIR/root.key}
)";

TEST_F(DaemonConfigFile, ARedisIsCheckedWithoutBeingAsked) {
  const std::string config = run_.Write("config.yaml", InPlace(kRedis));
  const EndedRun check = run_.ToEnd({"--config", config, "--check-config"});
  EXPECT_EQ(check.exit_code, 0) << check.output;
  EXPECT_THAT(check.output, HasSubstr("ok, 0 providers"));
}

TEST_F(DaemonConfigFile, DevelopmentModeTakesNoRedis) {
  const std::string config = run_.Write("config.yaml", "store: {redis: {url: redis://h}}\n");
  const EndedRun check = run_.ToEnd({"--dev", "--config", config, "--check-config"});
  EXPECT_EQ(check.exit_code, 2);
  EXPECT_THAT(check.output, HasSubstr("config.yaml:1: store: --dev keeps a store and a key of its own"));
}

TEST_F(DaemonConfigFile, AKeyWithAPassphraseIsRefusedAndNobodyIsAskedForIt) {
  WriteEncryptedKey("redis.key");
  const std::string config = run_.Write("config.yaml", InPlace(kRedis));
  const EndedRun check = run_.ToEnd({"--config", config, "--check-config"});
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_THAT(check.output,
              HasSubstr(InPlace("DIR/redis.key: has no key that can be used without a passphrase")));
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
