// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/reason.h"
#include "grantkeep/config/v1/config.pb.h"

namespace grantkeep {
namespace {

using config::v1::Config;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

absl::Status Read(std::string_view text, Config& config) { return ReadYaml(text, "test.yaml", config); }

constexpr char kWhole[] = R"(# A comment.
server:
  listen: "127.0.0.1:7450"
  pollers: 4
  drain_timeout: 500ms
  reflection: true
store:
  sqlite: {path: /var/lib/grantkeep/db}
vault:
  root_key_file: /etc/grantkeep/root key
flows:
  lifetime: 10m
providers:
  - id: example
    kind: oauth
    rotation: grace
    rotation_grace: 1h
    error_dialect: error_in_200
    default_scopes: [openid, "a b"]
    token_request_headers:
      Accept: application/json
      X-Version: 2022
    client:
      client_id: 12345
      client_secrets:
        - env: OLD_SECRET
        - vault: {tenant: ops, name: "example secret"}
)";

TEST(Yaml, ReadsEveryKindOfField) {
  Config config;
  ASSERT_EQ(MessageOf(Read(kWhole, config)), "");
  EXPECT_EQ(config.server().listen(), "127.0.0.1:7450");
  EXPECT_EQ(config.server().pollers(), 4u);
  EXPECT_EQ(config.server().drain_timeout().seconds(), 0);
  EXPECT_EQ(config.server().drain_timeout().nanos(), 500'000'000);
  EXPECT_TRUE(config.server().reflection());
  EXPECT_EQ(config.store().sqlite().path(), "/var/lib/grantkeep/db");
  EXPECT_EQ(config.vault().root_key_file(), "/etc/grantkeep/root key");
  EXPECT_EQ(config.flows().lifetime().seconds(), 600);
  ASSERT_EQ(config.providers_size(), 1);
  const auto& provider = config.providers(0);
  EXPECT_EQ(provider.kind(), config::v1::PROVIDER_KIND_OAUTH);
  EXPECT_EQ(provider.rotation(), config::v1::ROTATION_GRACE);
  EXPECT_EQ(provider.rotation_grace().seconds(), 3600);
  EXPECT_EQ(provider.error_dialect(), config::v1::ERROR_DIALECT_ERROR_IN_200);
  EXPECT_THAT(provider.default_scopes(), ElementsAre("openid", "a b"));
  EXPECT_THAT(provider.token_request_headers(),
              UnorderedElementsAre(Pair("Accept", "application/json"), Pair("X-Version", "2022")));
  EXPECT_EQ(provider.client().client_id(), "12345");
  EXPECT_EQ(provider.client().client_secrets(0).env(), "OLD_SECRET");
  EXPECT_EQ(provider.client().client_secrets(1).vault().name(), "example secret");
}

TEST(Yaml, ReadsNumbersOfEverySize) {
  google::protobuf::UninterpretedOption option;
  ASSERT_EQ(MessageOf(ReadYaml("name: [{name_part: a, is_extension: false}]\n"
                               "positive_int_value: 18446744073709551615\n"
                               "negative_int_value: -9223372036854775808\n"
                               "double_value: 2.5e3\n",
                               "test.yaml", option)),
            "");
  EXPECT_EQ(option.positive_int_value(), UINT64_MAX);
  EXPECT_EQ(option.negative_int_value(), INT64_MIN);
  EXPECT_EQ(option.double_value(), 2500.0);
  google::protobuf::FieldDescriptorProto field;
  ASSERT_EQ(MessageOf(ReadYaml("number: -2147483648", "test.yaml", field)), "");
  EXPECT_EQ(field.number(), INT32_MIN);
}

TEST(Yaml, AnEmptyTextIsAnEmptyMessage) {
  for (const std::string_view text : {"", "\n\n", "# only a comment\n", "---\n", "{}", "\xEF\xBB\xBF"}) {
    Config config;
    config.mutable_log()->set_level("left from before");
    EXPECT_EQ(MessageOf(Read(text, config)), "") << text;
    EXPECT_EQ(config.ByteSizeLong(), 0u) << text;
  }
}

TEST(Yaml, ReadsWindowsLineEndsAndKeepsCountingLines) {
  Config config;
  EXPECT_EQ(MessageOf(Read("log:\r\n  level: info\r\n", config)), "");
  EXPECT_EQ(config.log().level(), "info");
  EXPECT_EQ(MessageOf(Read("log:\r\n  level: info\r\n  colour: red\r\n", config)),
            "test.yaml:3: log.colour: is not a known key");
}

struct Wrong {
  std::string text;
  std::string message;
};

class WrongYaml : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongYaml, IsRefusedWithItsLineAndPath) {
  Config config;
  const absl::Status status = Read(GetParam().text, config);
  EXPECT_EQ(MessageOf(status), GetParam().message) << GetParam().text;
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidField);
  EXPECT_EQ(config.ByteSizeLong(), 0u) << "a half-read message is nobody's";
}

constexpr char kByReference[] =
    "secrets are given by reference only, never by value: write {env: NAME}, {file: PATH} or "
    "{vault: {tenant: T, name: N}}";

INSTANTIATE_TEST_SUITE_P(
    Keys, WrongYaml,
    ::testing::Values(
        Wrong{"server:\n  listn: x\n", "test.yaml:2: server.listn: is not a known key; did you mean listen?"},
        Wrong{"providers:\n- redirect-uris: []\n",
              "test.yaml:2: providers[0].redirect-uris: is not a known key; did you mean redirect_uris?"},
        Wrong{"providers:\n- id: a\n- tokenEndpoint: x\n",
              "test.yaml:3: providers[1].tokenEndpoint: is not a known key; did you mean token_endpoint?"},
        Wrong{"xyzzy: 1", "test.yaml:1: xyzzy: is not a known key"},
        Wrong{"<<: {}", "test.yaml:1: <<: is not a known key"},
        Wrong{"log: {level: info}\nserver: {}\nlog: {}\n", "test.yaml:3: log: is given twice"},
        Wrong{"server:\n  pollers: 1\n  pollers: 1\n", "test.yaml:3: server.pollers: is given twice"},
        Wrong{"providers:\n- authorization_parameters:\n    a: x\n    a: y\n",
              "test.yaml:4: providers[0].authorization_parameters[\"a\"]: is given twice"},
        Wrong{"[a]: 1", "test.yaml:1: has a key that is not a word"},
        Wrong{"? {a: b}\n: 1", "test.yaml:1: has a key that is not a word"},
        Wrong{"\"lo\\x01g\": 1", "test.yaml:1: lo?g: is not a known key; did you mean log?"}));

INSTANTIATE_TEST_SUITE_P(
    Types, WrongYaml,
    ::testing::Values(
        Wrong{"hello", "test.yaml:1: must be a group of \"key: value\" lines"},
        Wrong{"- a", "test.yaml:1: must be a group of \"key: value\" lines"},
        Wrong{"log: info", "test.yaml:1: log: must be a group of \"key: value\" lines"},
        Wrong{"log:\nserver: {}\n",
              "test.yaml:1: log: has no value; remove the key, or write {} for an empty group"},
        Wrong{"log:\n  level:\n", "test.yaml:2: log.level: has no value; remove the key, or give it one"},
        Wrong{"log:\n  level: ~\n", "test.yaml:2: log.level: has no value; remove the key, or give it one"},
        Wrong{"log:\n  level: [info]\n",
              "test.yaml:2: log.level: must be a text; quote it if it looks like something else"},
        Wrong{"log:\n  level: \"a\\nb\"\n",
              "test.yaml:2: log.level: has a line break or another control character"},
        Wrong{"log:\n  level: |\n    info\n",
              "test.yaml:2: log.level: has a line break or another control character"},
        Wrong{"server:\n  reflection: yes\n", "test.yaml:2: server.reflection: must be true or false"},
        Wrong{"server:\n  reflection: True\n", "test.yaml:2: server.reflection: must be true or false"},
        Wrong{"server:\n  reflection: \"true\"\n", "test.yaml:2: server.reflection: must be true or false"},
        Wrong{"server:\n  reflection:\n    - true\n",
              "test.yaml:3: server.reflection: must be true or false"},
        Wrong{"providers: {id: a}", "test.yaml:1: providers: must be a list, also for a single element"},
        Wrong{"providers: [a]", "test.yaml:1: providers[0]: must be a group of \"key: value\" lines"},
        Wrong{"providers:\n- default_scopes: openid\n",
              "test.yaml:2: providers[0].default_scopes: must be a list, also for a single element"},
        Wrong{"providers:\n- default_scopes: [a, {b: c}]\n",
              "test.yaml:2: providers[0].default_scopes[1]: must be a text; quote it if it looks like "
              "something "
              "else"},
        Wrong{"providers:\n- default_scopes: [a, ]\n  token_request_headers: [a]\n",
              "test.yaml:3: providers[0].token_request_headers: must be a group of \"key: value\" lines"},
        Wrong{"providers:\n- token_request_headers:\n    Accept: {a: b}\n",
              "test.yaml:3: providers[0].token_request_headers[\"Accept\"]: must be a text; quote it if it "
              "looks "
              "like something else"},
        Wrong{"providers:\n- rotation: GRACE\n",
              "test.yaml:2: providers[0].rotation: must be one of none, keeps_old, strict, grace"},
        Wrong{
            "providers:\n- rotation: stict\n",
            "test.yaml:2: providers[0].rotation: must be one of none, keeps_old, strict, grace; did you mean "
            "strict?"},
        Wrong{"providers:\n- rotation: unspecified\n",
              "test.yaml:2: providers[0].rotation: must be one of none, keeps_old, strict, grace"},
        Wrong{"providers:\n- kind: 1\n", "test.yaml:2: providers[0].kind: must be one of oauth, static"}));

std::vector<Wrong> WrongScalars() {
  std::vector<Wrong> all;
  for (const char* number : {"-1", "4294967296", "99999999999999999999", "1.0", "1e3", "0x10", "010", "+1",
                             "1_000", "\"4\"", "four", "1 2", "[1]"}) {
    all.push_back(
        {std::string("server:\n  pollers: ") + number + "\n",
         "test.yaml:2: server.pollers: must be a whole number from 0 to 4294967295, without quotes"});
  }
  for (const char* duration : {"10", "s", "10 s", "10d", "-1s", "1.5s", "1h30m", "10S",
                               "99999999999999999999s", "9999999999999h", "010s", "[1s]"}) {
    all.push_back(
        {std::string("flows:\n  lifetime: ") + duration + "\n",
         "test.yaml:2: flows.lifetime: must be a duration with its unit: \"500ms\", \"10s\", \"5m\" or "
         "\"1h\""});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Scalars, WrongYaml, ::testing::ValuesIn(WrongScalars()));

INSTANTIATE_TEST_SUITE_P(
    Features, WrongYaml,
    ::testing::Values(
        Wrong{"log: {}\nserver: &a {}\n", "test.yaml:2: has an anchor; anchors are not accepted"},
        Wrong{"log: &a\n  level: info\n", "test.yaml:1: has an anchor; anchors are not accepted"},
        Wrong{"log:\n  level: &a info\n", "test.yaml:2: has an anchor; anchors are not accepted"},
        Wrong{"log: *hunter2", "test.yaml:1: is not valid YAML: the referenced anchor is not defined"},
        Wrong{"log:\n  level: !!str info\n", "test.yaml:2: has a tag; tags are not accepted"},
        Wrong{"log: !secret {}\n", "test.yaml:1: has a tag; tags are not accepted"},
        Wrong{"log: {}\n---\nserver: {}\n", "test.yaml: has more than one document"},
        Wrong{"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "test.yaml:1: is nested deeper than 16 levels"}));

INSTANTIATE_TEST_SUITE_P(
    Bytes, WrongYaml,
    ::testing::Values(Wrong{"log: {}\nserver: {listen: \"\xFF\"}\n", "test.yaml:2: is not valid UTF-8"},
                      Wrong{"# \xC0\x80", "test.yaml:1: is not valid UTF-8"},
                      Wrong{"# \xED\xA0\x80", "test.yaml:1: is not valid UTF-8"},
                      Wrong{"# \xE2\x82", "test.yaml:1: is not valid UTF-8"},
                      Wrong{"# \xF4\x90\x80\x80", "test.yaml:1: is not valid UTF-8"},
                      Wrong{std::string("log: {}\n\0", 9), "test.yaml:2: has a control character"},
                      Wrong{"log:\rserver: {}", "test.yaml:1: has a control character"},
                      Wrong{"log: \x1B[31m", "test.yaml:1: has a control character"},
                      Wrong{"log:\n\tlevel: info\n", "test.yaml:2: has a tab in its indentation; use spaces"},
                      Wrong{"log:\n  \tlevel: info\n",
                            "test.yaml:2: has a tab in its indentation; use spaces"}));

INSTANTIATE_TEST_SUITE_P(
    Secrets, WrongYaml,
    ::testing::Values(
        Wrong{"providers:\n- client:\n    client_secrets:\n    - hunter2\n",
              std::string("test.yaml:4: providers[0].client.client_secrets[0]: ") + kByReference},
        Wrong{"providers:\n- client:\n    client_secrets: hunter2\n",
              std::string("test.yaml:3: providers[0].client.client_secrets: ") + kByReference},
        Wrong{"providers:\n- client:\n    client_secrets: {env: hunter2}\n",
              std::string("test.yaml:3: providers[0].client.client_secrets: ") + kByReference},
        Wrong{"providers:\n- client: {client_secrets: [[hunter2]]}\n",
              std::string("test.yaml:2: providers[0].client.client_secrets[0]: ") + kByReference},
        Wrong{"providers:\n- client: {client_secrets: [{value: hunter2}]}\n",
              std::string("test.yaml:2: providers[0].client.client_secrets[0]: ") + kByReference},
        Wrong{"providers:\n- client: {client_secrets: [{hunter2: }]}\n",
              std::string("test.yaml:2: providers[0].client.client_secrets[0]: ") + kByReference},
        Wrong{"providers:\n- client: {client_secrets: [~]}\n",
              std::string("test.yaml:2: providers[0].client.client_secrets[0]: ") + kByReference},
        Wrong{"providers:\n- client: {client_secret: hunter2}\n",
              std::string("test.yaml:2: providers[0].client.client_secret: is not a known key; did you mean "
                          "client_secrets? ") +
                  kByReference},
        Wrong{"providers:\n- clientSecret: hunter2\n",
              std::string("test.yaml:2: providers[0].clientSecret: is not a known key; ") + kByReference},
        Wrong{"http:\n  proxy_password: hunter2\n",
              std::string("test.yaml:2: http.proxy_password: is not a known key; ") + kByReference},
        Wrong{"providers:\n- client: {client_secrets: [{env: A, file: B}]}\n",
              "test.yaml:2: providers[0].client.client_secrets[0].file: cannot be given together with env"},
        Wrong{
            "providers:\n- client:\n    client_secrets:\n    - env: A\n      vault: {tenant: a, name: b}\n",
            "test.yaml:5: providers[0].client.client_secrets[0].vault: cannot be given together with env"}));

TEST(Yaml, NoErrorRepeatsAValue) {
  for (const std::string_view text : {"log: hunter2",
                                      "log: [hunter2]",
                                      "log: {level: [hunter2]}",
                                      "server: {pollers: hunter2}",
                                      "server: {reflection: hunter2}",
                                      "flows: {lifetime: hunter2}",
                                      "providers: hunter2",
                                      "providers: [hunter2]",
                                      "providers: [{kind: hunter2}]",
                                      "providers: [{rotation: \"hunter2\"}]",
                                      "log: *hunter2",
                                      "log: &hunter2 {}",
                                      "log: !hunter2 x",
                                      "log: {level: \"\\hunter2\"}",
                                      "log: \"hunter2",
                                      "log: {level: hunter2",
                                      "hunter2",
                                      "log: !<hunter2",
                                      "log: {level: %hunter2}",
                                      "log: @hunter2",
                                      "- hunter2",
                                      "log: hunter2: hunter2",
                                      "log: {level: 'hunter2'x}",
                                      "log: |hunter2",
                                      "log: >9hunter2\n  x"}) {
    Config config;
    const absl::Status status = Read(text, config);
    EXPECT_FALSE(status.ok()) << text;
    EXPECT_THAT(MessageOf(status), Not(HasSubstr("hunter2"))) << text;
  }
}

TEST(Yaml, BrokenSyntaxIsAnErrorWithItsLine) {
  Config config;
  EXPECT_THAT(MessageOf(Read("log: {}\nserver: {listen: \"x\n", config)), HasSubstr("is not valid YAML: "));
  EXPECT_THAT(MessageOf(Read("log: {}\nserver: ]\n", config)), HasSubstr("test.yaml:2: is not valid YAML: "));
}

TEST(Yaml, EveryPrefixOfADocumentIsReadOrRefused) {
  const std::string whole = kWhole;
  for (size_t length = 0; length <= whole.size(); ++length) {
    Config config;
    const absl::Status status = Read(std::string_view(whole).substr(0, length), config);
    if (!status.ok()) {
      EXPECT_EQ(ReasonOf(status), Reason::kInvalidField) << length;
    }
  }
}

TEST(Yaml, TheErrorNamesItsFieldForProgramsToo) {
  Config config;
  EXPECT_EQ(FieldOf(Read("server:\n  pollers: x\n", config)), "server.pollers");
}

TEST(Yaml, AMebibyteIsReadAndOneByteMoreIsNot) {
  Config config;
  std::string text = "log: {level: info}\n# ";
  text.resize(1024 * 1024, 'x');
  EXPECT_EQ(MessageOf(Read(text, config)), "");
  EXPECT_EQ(config.log().level(), "info");
  text += 'x';
  EXPECT_EQ(MessageOf(Read(text, config)), "test.yaml: is larger than 1048576 bytes");
}

class YamlFile : public ::testing::Test {
 protected:
  YamlFile() {
    std::string name = (std::filesystem::temp_directory_path() / "yaml_test.XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~YamlFile() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(YamlFile, IsReadWithItsPathAsSource) {
  const std::string path = directory_ + "/a.yaml";
  std::ofstream(path) << "log: {level: debug}\n";
  Config config;
  ASSERT_EQ(MessageOf(ReadYamlFile(path, config)), "");
  EXPECT_EQ(config.log().level(), "debug");
  std::ofstream(path) << "lag: {}\n";
  EXPECT_EQ(MessageOf(ReadYamlFile(path, config)), path + ":1: lag: is not a known key; did you mean log?");
}

TEST_F(YamlFile, ThatCannotBeReadIsNamed) {
  Config config;
  EXPECT_EQ(MessageOf(ReadYamlFile(directory_ + "/none", config)),
            directory_ + "/none: cannot be read: No such file or directory");
  EXPECT_EQ(MessageOf(ReadYamlFile(directory_, config)), directory_ + ": cannot be read: Is a directory");
}

TEST_F(YamlFile, ThatIsTooLargeIsRefused) {
  const std::string path = directory_ + "/large.yaml";
  std::ofstream(path) << "# " << std::string(1024 * 1024, 'x');
  Config config;
  EXPECT_EQ(MessageOf(ReadYamlFile(path, config)), path + ": is larger than 1048576 bytes");
}

}  // namespace
}  // namespace grantkeep
