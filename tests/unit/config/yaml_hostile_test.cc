// SPDX-License-Identifier: Apache-2.0
// Files that are no configuration, and configurations with more than one mistake.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/reason.h"
#include "config/yaml.h"
#include "grantkeep/config/v1/config.pb.h"
#include "tests/support/temp_dir.h"

namespace grantkeep {
namespace {

using config::v1::Config;
using ::testing::HasSubstr;
using ::testing::Not;

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

std::string Read(const std::string& text) {
  Config config;
  return MessageOf(ReadYaml(text, "c.yaml", config));
}

std::string Times(int count, const std::string& unit) {
  std::string all;
  for (int i = 0; i < count; ++i) all += unit;
  return all;
}

TEST(YamlMistakes, AreAllNamedEachWithItsLine) {
  EXPECT_EQ(Read("sever: {}\n"
                 "log:\n"
                 "  level: [info]\n"
                 "  colour: red\n"
                 "server:\n"
                 "  pollers: many\n"
                 "  pollers: 1\n"
                 "providers:\n"
                 "- id: a\n"
                 "  rotation: sometimes\n"
                 "- idd: b\n"
                 "  authorization_parameters: {a: [x], b: y, b: z}\n"),
            "c.yaml:1: sever: is not a known key; did you mean server?\n"
            "c.yaml:3: log.level: must be a text; quote it if it looks like something else\n"
            "c.yaml:4: log.colour: is not a known key\n"
            "c.yaml:6: server.pollers: must be a whole number from 0 to 4294967295, without quotes\n"
            "c.yaml:7: server.pollers: is given twice\n"
            "c.yaml:10: providers[0].rotation: must be one of none, keeps_old, strict, grace\n"
            "c.yaml:11: providers[1].idd: is not a known key; did you mean id?\n"
            "c.yaml:12: providers[1].authorization_parameters[\"a\"]: must be a text; quote it if it looks "
            "like something else\n"
            "c.yaml:12: providers[1].authorization_parameters[\"b\"]: is given twice");
}

TEST(YamlMistakes, BeyondFiftyAreCounted) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "xyzzy" + std::to_string(i) + ": 1\n";
  const std::string message = Read(text);
  EXPECT_THAT(message, HasSubstr("c.yaml:50: xyzzy49: is not a known key\nand 10 more"));
  EXPECT_THAT(message, Not(HasSubstr("xyzzy50")));
}

TEST(YamlMistakes, OfAnyNumberLeaveNothingBehind) {
  Config config;
  EXPECT_FALSE(ReadYaml("log: {level: info}\nx: 1\ny: 1\n", "c.yaml", config).ok());
  EXPECT_EQ(config.ByteSizeLong(), 0u);
}

TEST(YamlLines, FindTheFieldOrWhatIsAroundIt) {
  Config config;
  YamlLines lines;
  ASSERT_TRUE(
      ReadYaml("log:\n  level: info\nproviders:\n- id: a\n  client:\n    client_secrets:\n    - env: A\n",
               "c.yaml", config, &lines)
          .ok());
  EXPECT_EQ(lines.PlaceOf("log.level"), "c.yaml:2");
  EXPECT_EQ(lines.PlaceOf("log.colour"), "c.yaml:1");
  EXPECT_EQ(lines.PlaceOf("providers[0].client.client_secrets[0].env"), "c.yaml:7");
  EXPECT_EQ(lines.PlaceOf("providers[0].token_endpoint"), "c.yaml:4");
  EXPECT_EQ(lines.PlaceOf("providers[1].id"), "c.yaml:3");
  EXPECT_EQ(lines.PlaceOf("server.listen"), "c.yaml");
  EXPECT_EQ(lines.Located("log.level: must be loud"), "c.yaml:2: log.level: must be loud");
  EXPECT_EQ(lines.Located("--listen: is wrong"), "--listen: is wrong");
  EXPECT_EQ(YamlLines().Located("log.level: must be loud"), "log.level: must be loud");
}

// --- Texts that are meant to hurt

struct Bomb {
  const char* name;
  std::string text;
  const char* message;
};

const Bomb kBombs[] = {
    {"anchors", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "c.yaml:1: has an anchor"},
    {"a merge key", "log: &l {level: info}\nserver: {<<: *l}\n", "c.yaml:1: has an anchor"},
    {"a tag", "log: !!python/object/apply:os.system [id]\n", "c.yaml:1: has a tag"},
    {"lists in lists", Times(500'000, "["), "nested deeper than 16"},
    {"maps in maps", Times(200'000, "{a: "), "nested deeper than 16"},
    {"dashes", Times(300'000, "- "), "nested deeper than 16"},
    {"question marks", Times(300'000, "? "), "nested deeper than 16"},
    {"ever deeper lines",
     [] {
       std::string text;
       for (size_t i = 0; i < 100; ++i) text += std::string(i, ' ') + "a:\n";
       return text;
     }(),
     "nested deeper than 16"},
    {"an open quote", "log: \"" + std::string(1'000'000, 'x'), "is not valid YAML"},
    {"a key of a megabyte", std::string(1'000'000, 'k') + ": 1\n", ""},
    {"a word of a megabyte", std::string(1'000'000, 'k'), "must be a group"},
    {"colons", Times(300'000, "a: "), "is not valid YAML"},
    {"closing brackets", "log: " + Times(500'000, "]"), "is not valid YAML"},
    {"several documents", Times(1000, "---\nlog: {}\n"), "more than one document"},
    {"a directive", "%YAML 9.9\n---\nlog: {}\n", ""},
    {"an end and more", "log: {}\n...\nserver: {}\n", ""},
    {"UTF-16", std::string("\xff\xfel\0o\0g\0", 8), "c.yaml:1: is not valid UTF-8"},
    {"a program",
     std::string("\x7f"
                 "ELF\x02\x01\x01\0\0",
                 9),
     "control character"},
    {"NUL", std::string("log: {}\0", 8), "control character"},
    {"a private key", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n", ""},
    {"a number too great", "server: {pollers: 1" + std::string(100'000, '0') + "}\n",
     "c.yaml:1: server.pollers: must be a whole number"},
    {"a duration too long", "flows: {lifetime: 1e9s}\n", "c.yaml:1: flows.lifetime: must be a duration"},
    {"a negative duration", "flows: {lifetime: -1s}\n", "c.yaml:1: flows.lifetime: must be a duration"},
    {"a duration without end", "flows: {lifetime: " + std::string(100'000, '9') + "s}\n",
     "c.yaml:1: flows.lifetime: must be a duration"},
};

TEST(YamlBombs, AreRefusedWithoutTheirContent) {
  for (const Bomb& bomb : kBombs) {
    SCOPED_TRACE(bomb.name);
    const std::string message = Read(bomb.text);
    EXPECT_THAT(message, ::testing::StartsWith("c.yaml"));
    EXPECT_THAT(message, HasSubstr(bomb.message));
    EXPECT_LT(message.size(), 10'000u);
    EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  }
}

TEST(YamlBombs, AByteOrderMarkIsNotPartOfTheFirstKey) {
  EXPECT_EQ(Read("\xEF\xBB\xBFlog:\r\n  level: info\r\n"), "");
  EXPECT_EQ(Read("\xEF\xBB\xBFlag: {}\n"), "c.yaml:1: lag: is not a known key; did you mean log?");
}

// --- Files that are none

class YamlNoFile : public ::testing::Test {
 protected:
  std::string ReadFile() {
    Config config;
    return MessageOf(ReadYamlFile(path_, config));
  }
  testing::TempDir dir_;
  const std::string path_ = dir_ / "c.yaml";
};

TEST_F(YamlNoFile, AFifoIsNotWaitedFor) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(), path_ + ": cannot be read: it is not a regular file");
}

TEST_F(YamlNoFile, ADeviceIsRefused) {
  std::filesystem::create_symlink("/dev/zero", path_);
  EXPECT_EQ(ReadFile(), path_ + ": cannot be read: it is not a regular file");
}

TEST_F(YamlNoFile, ADanglingLinkIsNotFound) {
  std::filesystem::create_symlink("nowhere", path_);
  EXPECT_EQ(ReadFile(), path_ + ": cannot be read: No such file or directory");
}

TEST_F(YamlNoFile, TenMebibytesAreNotRead) {
  std::ofstream(path_) << std::string(size_t{10} * 1024 * 1024, '#');
  EXPECT_EQ(ReadFile(), path_ + ": is larger than 1048576 bytes");
}

TEST_F(YamlNoFile, OneThatMayNotBeReadIsNamed) {
  std::ofstream(path_) << "log: {}\n";
  std::filesystem::permissions(path_, std::filesystem::perms::none);
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  std::string message;
  std::thread([&] {  // root's rights are laid down on this thread
    setfsuid(65534);
    message = ReadFile();
  })
      .join();
  EXPECT_EQ(message, path_ + ": cannot be read: Permission denied");
}

TEST_F(YamlNoFile, AnEmptyOneIsAnEmptyConfiguration) {
  std::ofstream(path_).flush();
  EXPECT_EQ(ReadFile(), "");
}

}  // namespace
}  // namespace grantkeep
