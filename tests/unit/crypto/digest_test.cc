// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "crypto/random.h"

namespace grantkeep {
namespace {

std::string Unhex(std::string_view text) { return HexDecode(text).value(); }

TEST(Sha256, AnswersFips180Examples) {
  EXPECT_EQ(HexEncode(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexEncode(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexEncode(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Pkce, Rfc7636AppendixA) {
  EXPECT_EQ(Base64UrlEncode(std::string("\x03\xec\xff\xe0\xc1", 5)), "A-z_4ME");
  EXPECT_EQ(Base64UrlDecode("A-z_4ME"), std::string("\x03\xec\xff\xe0\xc1", 5));
}

TEST(Pkce, Rfc7636AppendixB) {
  const std::vector<uint8_t> octets = {116, 24,  223, 180, 151, 153, 224, 37,  79,  250, 96,
                                       125, 216, 173, 187, 186, 22,  212, 37,  77,  105, 214,
                                       191, 240, 91,  88,  5,   88,  83,  132, 141, 121};
  const std::string verifier = Base64UrlEncode(std::string(octets.begin(), octets.end()));
  EXPECT_EQ(verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  EXPECT_EQ(Base64UrlEncode(Sha256(verifier)), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(Base64, Rfc4648Section10) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(Base64Encode(plain), encoded);
    const std::string unpadded = encoded.substr(0, encoded.find('='));
    EXPECT_EQ(Base64UrlEncode(plain), unpadded);
    EXPECT_EQ(Base64UrlDecode(unpadded), plain);
  }
}

TEST(Base64, EncodesHttpBasicOfRfc6749Section2_3_1) {
  EXPECT_EQ(Base64Encode("s6BhdRkqt3:gX1fBat3bV"), "czZCaGRSa3F0MzpnWDFmQmF0M2JW");
}

TEST(Base64, UsesTheTwoAlphabetsOfRfc4648) {
  const std::string bytes("\xfb\xff\xbf", 3);
  EXPECT_EQ(Base64Encode(bytes), "+/+/");
  EXPECT_EQ(Base64UrlEncode(bytes), "-_-_");
}

TEST(Base64, DecoderRefusesPaddingForeignCharactersAndStrayBits) {
  for (const char* text :
       {"Zg==", "Zg=", "Zm9v ", "Zm+v", "Zm/v", "Zm9v\n", "Z", "Zm9vY", "Zh", "Zm9", "\x80mmm"}) {
    EXPECT_EQ(Base64UrlDecode(text), std::nullopt) << text;
  }
}

TEST(Base64, DecodesWhatItEncodesForEveryLength) {
  SystemRandom random;
  for (size_t size = 0; size < 70; ++size) {
    std::string bytes(size, '\0');
    random.Fill({reinterpret_cast<uint8_t*>(bytes.data()), size});
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(bytes)), bytes);
  }
}

TEST(Hex, IsLowerCaseOutAndEitherCaseIn) {
  EXPECT_EQ(HexEncode(std::string("\x00\x7f\x80\xff", 4)), "007f80ff");
  EXPECT_EQ(HexDecode("007F80fF"), std::string("\x00\x7f\x80\xff", 4));
  EXPECT_EQ(HexDecode(""), "");
  for (const char* text : {"0", "0g", "g0", " 00", "0x", "00 "})
    EXPECT_EQ(HexDecode(text), std::nullopt) << text;
}

struct HmacVector {
  std::string key, data, mac;
};

TEST(HmacSha256, Rfc4231) {
  const std::vector<HmacVector> vectors = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {Unhex("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs "
       "to be "
       "hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"}};
  for (const HmacVector& vector : vectors)
    EXPECT_EQ(HexEncode(HmacSha256(vector.key, vector.data)), vector.mac);
}

TEST(HmacSha256, AcceptsAnEmptyKeyAndEmptyData) {
  EXPECT_EQ(HexEncode(HmacSha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

std::string Hkdf(std::string_view key, std::string_view salt, std::string_view info, size_t size) {
  return HexEncode(HkdfSha256(Unhex(key), Unhex(salt), Unhex(info), size).Expose());
}

TEST(HkdfSha256, Rfc5869AppendixA1) {
  EXPECT_EQ(Hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
                 "f0f1f2f3f4f5f6f7f8f9", 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(HkdfSha256, Rfc5869AppendixA2) {
  EXPECT_EQ(
      Hkdf("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
           "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
           "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
           "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
           "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
           "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
           82),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
      "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

TEST(HkdfSha256, Rfc5869AppendixA3) {
  EXPECT_EQ(Hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "", 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(HkdfSha256, GivesAnyLengthUpToTheLimit) {
  EXPECT_TRUE(HkdfSha256("key", "", "info", 0).empty());
  const Secret longest = HkdfSha256("key", "", "info", 8160);
  EXPECT_EQ(longest.size(), 8160u);
  EXPECT_EQ(longest.Expose().substr(0, 33), HkdfSha256("key", "", "info", 33).Expose());
}

TEST(ConstantTimeEquals, ComparesContentAndLength) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEquals("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEquals("abc", "ab"));
}

TEST(Sha256, IsRightOnManyThreadsAtOnce) {
  const std::string expected = Sha256("abc");
  std::vector<std::thread> threads;
  threads.reserve(4);
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 2000; ++n) wrong += Sha256("abc") != expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(RandomToken, IsUnpaddedBase64UrlOfThatManyBytes) {
  SystemRandom random;
  EXPECT_EQ(RandomToken(random, 32).size(), 43u);
  EXPECT_EQ(Base64UrlDecode(RandomToken(random, 16)).value().size(), 16u);
  EXPECT_NE(RandomToken(random, 16), RandomToken(random, 16));
}

}  // namespace
}  // namespace grantkeep
