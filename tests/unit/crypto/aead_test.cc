// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/reason.h"
#include "crypto/digest.h"

namespace grantkeep {
namespace {

std::string Unhex(std::string_view text) { return HexDecode(text).value(); }

struct GcmCase {
  const char* name;
  std::string key, nonce, plaintext, aad, ciphertext, tag;
};

// "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, appendix B.
std::vector<GcmCase> GcmCases() {
  const std::string zero_key(32, '\0');
  const std::string zero_nonce(12, '\0');
  const std::string key = Unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const std::string nonce = Unhex("cafebabefacedbaddecaf888");
  const std::string plaintext = Unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
      "b16aedf5aa0de657ba637b391aafd255");
  const std::string ciphertext = Unhex(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
      "c5f61e6393ba7a0abcc9f662898015ad");
  return {
      {"13", zero_key, zero_nonce, "", "", "", Unhex("530f8afbc74536b9a963b4f1c4cb738b")},
      {"14", zero_key, zero_nonce, std::string(16, '\0'), "", Unhex("cea7403d4d606b6e074ec5d3baf39d18"),
       Unhex("d0d1c8a799996bf0265b98b5d48ab919")},
      {"15", key, nonce, plaintext, "", ciphertext, Unhex("b094dac5d93471bdec1a502270e3cc6c")},
      {"16", key, nonce, plaintext.substr(0, 60), Unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
       ciphertext.substr(0, 60), Unhex("76fc6ece0f4e1768cddf8853bb2d551b")},
  };
}

TEST(AesGcm, AnswersTheCasesOfTheGcmSpecification) {
  for (const GcmCase& c : GcmCases()) {
    EXPECT_EQ(AesGcmSealWithNonce(c.key, c.nonce, c.plaintext, c.aad), c.ciphertext + c.tag) << c.name;
    const auto opened = AesGcmOpenWithNonce(c.key, c.nonce, c.ciphertext + c.tag, c.aad);
    ASSERT_TRUE(opened.ok()) << c.name;
    EXPECT_EQ(opened->Expose(), c.plaintext) << c.name;
  }
}

TEST(AesGcm, ABoxIsNonceCiphertextTagOfTheSpecification) {
  for (const GcmCase& c : GcmCases()) {
    const AesGcm cipher = AesGcm::Create(Secret(c.key)).value();
    const auto opened = cipher.Open(c.nonce + c.ciphertext + c.tag, c.aad);
    ASSERT_TRUE(opened.ok()) << c.name;
    EXPECT_EQ(opened->Expose(), c.plaintext) << c.name;
  }
}

TEST(AesGcm, RefusesKeysOfAnyOtherSize) {
  for (const size_t size : {0, 16, 24, 31, 33, 64}) {
    EXPECT_FALSE(AesGcm::Create(Secret::OfSize(size)).ok()) << size;
  }
  EXPECT_TRUE(AesGcm::Create(Secret::OfSize(32)).ok());
}

class AesGcmBox : public ::testing::Test {
 protected:
  void ExpectRefused(std::string_view box, std::string_view aad) {
    const auto opened = cipher_.Open(box, aad);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.status(), cipher_.Open("", "").status()) << "one error for every cause";
    EXPECT_TRUE(HasReason(opened.status(), Reason::kStoreCorrupt));
  }

  SystemRandom random_;
  AesGcm cipher_ = AesGcm::Create(Secret("0123456789abcdef0123456789abcdef")).value();
  std::string plaintext_ = "attack at dawn";
  std::string box_ = cipher_.Seal(random_, plaintext_, "aad");
};

TEST_F(AesGcmBox, OpensWithTheSameKeyAndAad) {
  EXPECT_EQ(box_.size(), plaintext_.size() + AesGcm::kOverhead);
  EXPECT_EQ(cipher_.Open(box_, "aad").value().Expose(), plaintext_);
}

TEST_F(AesGcmBox, IsRefusedWithAnyBitFlipped) {
  for (size_t bit = 0; bit < 8 * box_.size(); ++bit) {
    std::string altered = box_;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    ExpectRefused(altered, "aad");
  }
}

TEST_F(AesGcmBox, IsRefusedAtEveryOtherLength) {
  for (size_t size = 0; size < box_.size(); ++size) ExpectRefused(box_.substr(0, size), "aad");
  ExpectRefused(box_ + '\0', "aad");
}

TEST_F(AesGcmBox, IsRefusedWithAnotherAadOrKey) {
  ExpectRefused(box_, "");
  ExpectRefused(box_, "aae");
  ExpectRefused(box_, "aadd");
  const AesGcm other = AesGcm::Create(Secret("0123456789abcdef0123456789abcdeg")).value();
  EXPECT_FALSE(other.Open(box_, "aad").ok());
}

TEST_F(AesGcmBox, LeavesNoPlaintextInTheBufferOfAFailedOpen) {
  std::string altered = box_;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  std::vector<uint8_t> out(plaintext_.size(), 0x55);
  EXPECT_FALSE(cipher_.OpenTo(altered, "aad", out));
  EXPECT_EQ(out, std::vector<uint8_t>(plaintext_.size(), 0));
  EXPECT_TRUE(cipher_.OpenTo(box_, "aad", out));
  EXPECT_EQ(std::string(out.begin(), out.end()), plaintext_);
}

TEST_F(AesGcmBox, HoldsAnEmptyText) {
  const std::string box = cipher_.Seal(random_, "", "");
  EXPECT_EQ(box.size(), AesGcm::kOverhead);
  EXPECT_TRUE(cipher_.Open(box, "").value().empty());
}

TEST_F(AesGcmBox, HasAFreshNonceEachTime) {
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) nonces.insert(cipher_.Seal(random_, "x", "").substr(0, AesGcm::kNonceSize));
  EXPECT_EQ(nonces.size(), 1000u);
}

TEST_F(AesGcmBox, OpensWithAMovedCipher) {
  AesGcm moved = std::move(cipher_);
  EXPECT_EQ(moved.Open(box_, "aad").value().Expose(), plaintext_);
  cipher_ = std::move(moved);
  EXPECT_EQ(cipher_.Open(box_, "aad").value().Expose(), plaintext_);
}

TEST_F(AesGcmBox, SealsAndOpensOnManyThreadsWithOneKey) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(12);
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&, i] {
      const std::string text(static_cast<size_t>(i) * 17, static_cast<char>('a' + i));
      for (int n = 0; n < 200; ++n) {
        const auto opened = cipher_.Open(cipher_.Seal(random_, text, "t"), "t");
        if (!opened.ok() || opened->Expose() != text) ++wrong;
        if (cipher_.Open(box_, "other").ok()) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace grantkeep
