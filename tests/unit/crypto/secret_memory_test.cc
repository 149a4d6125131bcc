// SPDX-License-Identifier: Apache-2.0
// Looks into memory at the moment when it is freed. ThreadSanitizer keeps operator new for itself.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GRANTKEEP_OPERATOR_NEW_IS_TAKEN
#endif
#endif
#ifndef GRANTKEEP_OPERATOR_NEW_IS_TAKEN

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "crypto/secret.h"

namespace {

// The block whose end is watched, and what was in it when it was freed.
const void* watched = nullptr;
size_t watched_size = 0;
std::string last_content;  // NOLINT: tests only

void Watch(const void* block, size_t size) {
  last_content.assign(size, '?');
  watched = block;
  watched_size = size;
}

void Free(void* block) noexcept {
  if (block != nullptr && block == watched) {
    std::memcpy(last_content.data(), block, watched_size);
    watched = nullptr;
  }
  std::free(block);
}

}  // namespace

void* operator new[](size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete[](void* block) noexcept { Free(block); }
void operator delete[](void* block, size_t) noexcept { Free(block); }

namespace grantkeep {
namespace {

const std::string kZeros(6, '\0');

TEST(SecretMemory, IsWipedBeforeItsMemoryIsFreed) {
  {
    const Secret secret("hunter");
    Watch(secret.Expose().data(), secret.size());
  }
  EXPECT_EQ(last_content, kZeros);
}

TEST(SecretMemory, IsWipedWhenReplaced) {
  Secret secret("hunter");
  Watch(secret.Expose().data(), secret.size());
  secret = Secret("other");
  EXPECT_EQ(last_content, kZeros);
  EXPECT_EQ(secret.Expose(), "other");
}

TEST(SecretMemory, WipesWhatTruncationCutsOff) {
  Secret secret("hunter");
  Watch(secret.Expose().data(), secret.size());
  secret.Truncate(2);
  EXPECT_EQ(secret.Expose(), "hu");
  EXPECT_EQ(std::string(static_cast<const char*>(watched), 6), std::string("hu\0\0\0\0", 6));
  secret = Secret();
  EXPECT_EQ(last_content, kZeros);
}

}  // namespace
}  // namespace grantkeep

#endif
