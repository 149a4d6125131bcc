// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include <openssl/crypto.h>

#include <cassert>
#include <cstring>
#include <utility>

namespace grantkeep {

Secret::Secret(std::string_view bytes) {
  if (bytes.empty()) return;
  data_ = std::make_unique_for_overwrite<char[]>(bytes.size());
  size_ = capacity_ = bytes.size();
  std::memcpy(data_.get(), bytes.data(), bytes.size());
}

Secret Secret::Take(std::string&& source) {
  Secret secret{std::string_view(source)};
  WipeString(source);
  return secret;
}

Secret Secret::OfSize(size_t size) {
  Secret secret;
  if (size == 0) return secret;
  secret.data_ = std::make_unique<char[]>(size);
  secret.size_ = secret.capacity_ = size;
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::move(other.data_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Wipe();
  data_ = std::move(other.data_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

Secret::~Secret() { Wipe(); }

std::span<uint8_t> Secret::Mutable() { return {reinterpret_cast<uint8_t*>(data_.get()), size_}; }

void Secret::Truncate(size_t size) {
  assert(size <= size_);
  if (size >= size_) return;
  OPENSSL_cleanse(data_.get() + size, size_ - size);
  size_ = size;
}

bool operator==(const Secret& a, const Secret& b) {
  if (a.size_ != b.size_) return false;
  return a.size_ == 0 || CRYPTO_memcmp(a.data_.get(), b.data_.get(), a.size_) == 0;
}

void Secret::Wipe() {
  if (data_ != nullptr) OPENSSL_cleanse(data_.get(), capacity_);
  data_.reset();
  size_ = capacity_ = 0;
}

void WipeString(std::string& bytes) {
  // What an earlier, longer value left behind the end goes too.
  bytes.resize(bytes.capacity());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace grantkeep
