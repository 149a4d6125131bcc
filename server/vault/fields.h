// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_FIELDS_H_
#define GRANTKEEP_VAULT_FIELDS_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace grantkeep {

// A sequence of fields as bytes that cannot be read in two ways: text is a 4-byte big-endian
// length and the bytes, a number is 8 bytes big-endian. Short sequences need no allocation.
class Fields {
 public:
  template <typename... Parts>
  explicit Fields(const Parts&... parts) : size_((SizeOf(parts) + ...)) {
    if (size_ > sizeof(inline_)) heap_ = std::make_unique_for_overwrite<char[]>(size_);
    char* at = heap_ != nullptr ? heap_.get() : inline_;
    ((at = Write(parts, at)), ...);
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  std::string_view view() const { return {heap_ != nullptr ? heap_.get() : inline_, size_}; }

 private:
  static constexpr size_t kLengthSize = 4;
  static constexpr size_t kNumberSize = 8;

  static size_t SizeOf(std::string_view text) { return kLengthSize + text.size(); }
  template <std::unsigned_integral Number>
  static size_t SizeOf(Number) {
    return kNumberSize;
  }

  static char* Write(std::string_view text, char* at) {
    at = BigEndian(text.size(), kLengthSize, at);
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
  }
  template <std::unsigned_integral Number>
  static char* Write(Number number, char* at) {
    return BigEndian(number, kNumberSize, at);
  }
  static char* BigEndian(uint64_t number, size_t size, char* at) {
    for (size_t i = size; i-- > 0; number >>= 8) at[i] = static_cast<char>(number);
    return at + size;
  }

  const size_t size_;
  std::unique_ptr<char[]> heap_;
  char inline_[256];
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_FIELDS_H_
