// SPDX-License-Identifier: Apache-2.0
#include "vault/root_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/reason.h"
#include "crypto/digest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_loop.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr char kHexKey[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

class RootKeyFile : public ::testing::Test {
 protected:
  std::string Write(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path_, std::ios::binary) << content;
    EXPECT_EQ(::chmod(path_.c_str(), mode), 0);
    return path_;
  }
  absl::StatusOr<std::unique_ptr<KeyWrapper>> Open(bool mounted_secret = false) {
    return OpenRootKeyFile(path_, mounted_secret, random_);
  }
  void ExpectRefused(const std::string& because) {
    const auto opened = Open();
    ASSERT_FALSE(opened.ok());
    EXPECT_TRUE(HasReason(opened.status(), Reason::kKeyUnavailable));
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr(path_));
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr(because));
  }

  TempDir folder_;
  SystemRandom random_;
  TestLoop loop_;
  std::string path_ = (folder_ / "root.key").string();
};

TEST_F(RootKeyFile, IsRawOrHexWithOrWithoutANewlineAndAllAreTheSameKey) {
  Write(HexDecode(kHexKey).value());
  const std::string id = Open().value()->key_id();
  for (const std::string& content :
       {std::string(kHexKey), std::string(kHexKey) + "\n",
        std::string("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")}) {
    Write(content);
    EXPECT_EQ(Open().value()->key_id(), id);
  }
}

TEST_F(RootKeyFile, OfAnyOtherContentIsRefused) {
  for (const std::string& content :
       {std::string(), std::string(31, 'k'), std::string(33, 'k'), std::string(kHexKey).substr(1),
        std::string(kHexKey) + "\n\n", std::string(kHexKey) + " ", "\n" + std::string(kHexKey),
        std::string(kHexKey) + "00", std::string(10'000, 'k')}) {
    Write(content);
    ExpectRefused(content.size() == 65 ? "" : "neither 32 bytes nor 64 hexadecimal digits");
  }
  Write(std::string(64, 'g'));
  ExpectRefused("not all are hexadecimal");
  Write(std::string(kHexKey).substr(0, 32));
  ExpectRefused("32 hexadecimal digits are only 16 bytes");
}

TEST_F(RootKeyFile, OfZerosIsRefused) {
  for (const std::string& content : {std::string(32, '\0'), std::string(64, '0')}) {
    Write(content);
    ExpectRefused("all zeros");
  }
}

TEST_F(RootKeyFile, ThatOthersMayUseIsRefusedWithTheCommandThatHelps) {
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0644, 0666, 0610, 0601, 0700}) {
    Write(kHexKey, mode);
    ExpectRefused("run chmod 600 " + path_);
  }
  for (const mode_t mode : {0600, 0400}) {
    Write(kHexKey, mode);
    EXPECT_TRUE(Open().ok()) << mode;
  }
}

TEST_F(RootKeyFile, MayHaveAWiderModeWhenItIsAMountedSecret) {
  Write(kHexKey, 0644);
  EXPECT_TRUE(Open(true).ok());
  Write(std::string(64, '0'), 0644);
  EXPECT_FALSE(Open(true).ok());
}

TEST_F(RootKeyFile, MayBeASymbolicLink) {
  Write(kHexKey);
  const std::string link = (folder_ / "link").string();
  std::filesystem::create_symlink(path_, link);
  EXPECT_TRUE(OpenRootKeyFile(link, false, random_).ok());
}

TEST_F(RootKeyFile, MustExist) {
  ExpectRefused(
      "cannot be opened: No such file or directory; for a new database make one: (umask 077; head -c 32 "
      "/dev/urandom > " +
      path_ + ")");
}

TEST_F(RootKeyFile, OfTheWrongSizeIsToldItsSizeAndHowToMakeOne) {
  Write(std::string(31, 'k'));
  ExpectRefused("has 31 bytes, neither 32 bytes nor 64");
  ExpectRefused("(umask 077; head -c 32 /dev/urandom > " + path_ + ")");
  Write(std::string(10'000, 'k'));
  ExpectRefused("has more than 65 bytes");
}

TEST_F(RootKeyFile, MayNotBeADirectory) {
  std::filesystem::create_directory(path_);
  ExpectRefused("not a regular file");
}

TEST_F(RootKeyFile, MayNotBeAFifoAndIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  ExpectRefused("not a regular file");
}

TEST_F(RootKeyFile, MayNotBeADevice) {
  path_ = "/dev/zero";
  ExpectRefused("not a regular file");
}

TEST_F(RootKeyFile, ErrorsShowNothingOfTheContent) {
  Write(std::string(kHexKey) + "x");
  EXPECT_THAT(std::string(Open().status().message()), Not(HasSubstr("0001")));
}

TEST_F(RootKeyFile, KeyIdIsShortStableAndNotTheKey) {
  Write(kHexKey);
  const std::string id = Open().value()->key_id();
  EXPECT_THAT(id, MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(id, HexEncode(HkdfSha256(HexDecode(kHexKey).value(), "", "grantkeep/root-key-id", 8).Expose()));
  EXPECT_THAT(std::string(kHexKey), Not(HasSubstr(id)));
}

TEST_F(RootKeyFile, WrapsAndUnwraps) {
  Write(kHexKey);
  const auto root = Open().value();
  const Tick deadline = Tick::max();
  const std::string wrapped = loop_.Run(root->Wrap("a key", "aad", deadline)).value();
  EXPECT_EQ(loop_.Run(root->Unwrap(wrapped, "aad", deadline)).value().Expose(), "a key");
  EXPECT_FALSE(loop_.Run(root->Unwrap(wrapped, "other", deadline)).ok());
}

TEST_F(RootKeyFile, IsCreatedWithMode0600AndARandomKey) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(CreateRootKeyFile(path_, random_).ok());
  const std::string second = (folder_ / "second").string();
  ASSERT_TRUE(CreateRootKeyFile(second, random_).ok());
  ::umask(before);
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_NE(Open().value()->key_id(), OpenRootKeyFile(second, false, random_).value()->key_id());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 2)
      << "nothing is left beside";
}

TEST_F(RootKeyFile, IsNeverReplacedByANewOne) {
  Write(kHexKey);
  const absl::Status refused = CreateRootKeyFile(path_, random_);
  EXPECT_TRUE(HasReason(refused, Reason::kKeyUnavailable));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("File exists"));
  std::stringstream content;
  content << std::ifstream(path_).rdbuf();
  EXPECT_EQ(content.str(), kHexKey);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1)
      << "nothing is left beside";
}

TEST_F(RootKeyFile, IsNotCreatedInADirectoryThatDoesNotExist) {
  EXPECT_THAT(std::string(CreateRootKeyFile((folder_ / "no/root.key").string(), random_).message()),
              HasSubstr("cannot be created: No such file"));
}

}  // namespace
}  // namespace grantkeep::testing
