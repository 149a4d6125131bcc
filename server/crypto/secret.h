// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CRYPTO_SECRET_H_
#define GRANTKEEP_CRYPTO_SECRET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace grantkeep {

// Bytes that must not be printed, copied by accident or left in memory. Movable; a copy is
// made by name (Clone). The bytes are wiped on destruction and when moved from or replaced.
// Equality takes time that depends on the lengths only.
class Secret {
 public:
  Secret() = default;
  // Copies `bytes`; the caller's copy is the caller's to wipe.
  explicit Secret(std::string_view bytes);
  // Takes the bytes over and wipes `source`.
  static Secret Take(std::string&& source);
  // `size` zero bytes, to be filled through Mutable().
  static Secret OfSize(size_t size);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  Secret Clone() const { return Secret(Expose()); }
  // The bytes, valid while this object lives unchanged. Search for callers of this to see
  // where secrets leave their shell.
  std::string_view Expose() const { return {data_.get(), size_}; }
  std::span<uint8_t> Mutable();
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Shortens to `size` bytes, wiping the rest. `size` must not exceed size().
  void Truncate(size_t size);

  friend bool operator==(const Secret& a, const Secret& b);

 private:
  void Wipe();
  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Overwrites `bytes` in a way that the compiler does not remove, and empties it.
void WipeString(std::string& bytes);

// Anything that could print a Secret is refused at compile time.
template <typename Stream>
Stream& operator<<(Stream&, const Secret&) = delete;

}  // namespace grantkeep

#endif  // GRANTKEEP_CRYPTO_SECRET_H_
