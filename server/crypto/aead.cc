// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <atomic>
#include <climits>
#include <memory>
#include <utility>

#include "base/reason.h"
#include "crypto/openssl_check.h"

namespace grantkeep {
namespace {

// Fetched once; by name it costs more than the encryption of a short record.
const EVP_CIPHER* Aes256Gcm() {
  static const EVP_CIPHER* const cipher = [] {
    const EVP_CIPHER* fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    OpenSslCheck(fetched != nullptr, "no AES-256-GCM");
    return fetched;
  }();
  return cipher;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

// Bound to the cipher, which saves its look-up for each key.
Context NewContext() {
  Context context(EVP_CIPHER_CTX_new());
  OpenSslCheck(
      context != nullptr && EVP_CipherInit_ex2(context.get(), Aes256Gcm(), nullptr, nullptr, 0, nullptr) == 1,
      "no context for AES-256-GCM");
  return context;
}

// For single boxes: one context a thread, given a new key each time. The last key stays in it
// until the next box or the end of the thread; the key above it is in memory all the time.
EVP_CIPHER_CTX* ThreadContext() {
  thread_local const Context context = NewContext();
  return context.get();
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Sets nonce, AAD and, unless it is null, a new key.
void Begin(EVP_CIPHER_CTX* context, const unsigned char* key, std::string_view nonce, std::string_view aad,
           int encrypt) {
  OpenSslCheck(nonce.size() == AesGcm::kNonceSize && aad.size() <= INT_MAX, "wrong size of nonce or aad");
  OpenSslCheck(EVP_CipherInit_ex2(context, nullptr, key, Bytes(nonce), encrypt, nullptr) == 1,
               "AES-GCM key not accepted");
  if (aad.empty()) return;
  int ignored = 0;
  OpenSslCheck(EVP_CipherUpdate(context, nullptr, &ignored, Bytes(aad), static_cast<int>(aad.size())) == 1,
               "AES-GCM aad not accepted");
}

void Update(EVP_CIPHER_CTX* context, std::string_view in, unsigned char* out) {
  OpenSslCheck(in.size() <= INT_MAX, "text too long for AES-GCM");
  if (in.empty()) return;
  int written = 0;
  OpenSslCheck(EVP_CipherUpdate(context, out, &written, Bytes(in), static_cast<int>(in.size())) == 1,
               "AES-GCM failed");
}

// Encrypts what was begun. `out` has room for the text and the tag.
void Seal(EVP_CIPHER_CTX* context, std::string_view plaintext, unsigned char* out) {
  Update(context, plaintext, out);
  unsigned char* tag = out + plaintext.size();
  int rest = 0;
  OpenSslCheck(EVP_CipherFinal_ex(context, tag, &rest) == 1 &&
                   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AesGcm::kTagSize, tag) == 1,
               "AES-GCM tag failed");
}

// Decrypts what was begun; false when the tag does not fit, and `out` is wiped.
bool Open(EVP_CIPHER_CTX* context, std::string_view ciphertext_and_tag, std::span<uint8_t> out) {
  const std::string_view ciphertext =
      ciphertext_and_tag.substr(0, ciphertext_and_tag.size() - AesGcm::kTagSize);
  const std::string_view tag = ciphertext_and_tag.substr(ciphertext.size());
  OpenSslCheck(out.size() == ciphertext.size(), "wrong size of the buffer for a plaintext");
  Update(context, ciphertext, out.data());
  OpenSslCheck(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AesGcm::kTagSize,
                                   const_cast<char*>(tag.data())) == 1,
               "AES-GCM tag not accepted");
  unsigned char nothing[AesGcm::kTagSize];
  int rest = 0;
  if (EVP_CipherFinal_ex(context, nothing, &rest) == 1) return true;
  OPENSSL_cleanse(out.data(), out.size());
  return false;
}

absl::Status DoesNotAuthenticate() { return Error(Reason::kStoreCorrupt, "box does not authenticate"); }

// Spreads threads over the contexts of a key.
size_t ThreadNumber() {
  static std::atomic<size_t> next{0};
  static thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

// The key's schedule, in as many contexts as threads have needed at a time. A context is taken out
// of its place while it is used; who finds the place empty makes a new one.
class AesGcm::Contexts {
 public:
  explicit Contexts(Secret key) : key_(std::move(key)) {}
  ~Contexts() {
    for (auto& place : places_) EVP_CIPHER_CTX_free(place.load(std::memory_order_acquire));
  }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;

  class Lease {
   public:
    explicit Lease(Contexts& contexts) : place_(contexts.places_[ThreadNumber() % kPlaces]) {
      context_.reset(place_.exchange(nullptr, std::memory_order_acquire));
      if (context_ == nullptr) context_ = contexts.NewKeyed();
    }
    ~Lease() {
      EVP_CIPHER_CTX* empty = nullptr;
      EVP_CIPHER_CTX* const used = context_.release();
      if (!place_.compare_exchange_strong(empty, used, std::memory_order_release)) EVP_CIPHER_CTX_free(used);
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    EVP_CIPHER_CTX* get() const { return context_.get(); }

   private:
    std::atomic<EVP_CIPHER_CTX*>& place_;
    Context context_;
  };

 private:
  static constexpr size_t kPlaces = 8;

  Context NewKeyed() const {
    Context context = NewContext();
    OpenSslCheck(EVP_CipherInit_ex2(context.get(), nullptr, Bytes(key_.Expose()), nullptr, 0, nullptr) == 1,
                 "AES-GCM key not accepted");
    return context;
  }

  const Secret key_;
  std::array<std::atomic<EVP_CIPHER_CTX*>, kPlaces> places_{};
};

AesGcm::AesGcm(Secret key) : contexts_(std::make_unique<Contexts>(std::move(key))) {}
AesGcm::AesGcm(AesGcm&&) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&&) noexcept = default;
AesGcm::~AesGcm() = default;

absl::StatusOr<AesGcm> AesGcm::Create(Secret key) {
  if (key.size() != kKeySize) {
    return Error(Reason::kInternal, fmt::format("AES-256 key has {} bytes, not {}", key.size(), kKeySize));
  }
  return AesGcm(std::move(key));
}

std::string AesGcm::Seal(Random& random, std::string_view plaintext, std::string_view aad) const {
  std::string box(kOverhead + plaintext.size(), '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(box.data());
  random.Fill({bytes, kNonceSize});
  const Contexts::Lease context(*contexts_);
  Begin(context.get(), nullptr, {box.data(), kNonceSize}, aad, 1);
  grantkeep::Seal(context.get(), plaintext, bytes + kNonceSize);
  return box;
}

bool AesGcm::OpenTo(std::string_view box, std::string_view aad, std::span<uint8_t> out) const {
  if (box.size() < kOverhead) return false;
  const Contexts::Lease context(*contexts_);
  Begin(context.get(), nullptr, box.substr(0, kNonceSize), aad, 0);
  return grantkeep::Open(context.get(), box.substr(kNonceSize), out);
}

absl::StatusOr<Secret> AesGcm::Open(std::string_view box, std::string_view aad) const {
  if (box.size() < kOverhead) return DoesNotAuthenticate();
  Secret plaintext = Secret::OfSize(box.size() - kOverhead);
  if (!OpenTo(box, aad, plaintext.Mutable())) return DoesNotAuthenticate();
  return plaintext;
}

std::string AesGcmSealWithNonce(std::string_view key, std::string_view nonce, std::string_view plaintext,
                                std::string_view aad) {
  OpenSslCheck(key.size() == AesGcm::kKeySize, "wrong size of key");
  std::string out(plaintext.size() + AesGcm::kTagSize, '\0');
  EVP_CIPHER_CTX* context = ThreadContext();
  Begin(context, Bytes(key), nonce, aad, 1);
  Seal(context, plaintext, reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

absl::StatusOr<Secret> AesGcmOpenWithNonce(std::string_view key, std::string_view nonce,
                                           std::string_view ciphertext_and_tag, std::string_view aad) {
  OpenSslCheck(key.size() == AesGcm::kKeySize, "wrong size of key");
  if (ciphertext_and_tag.size() < AesGcm::kTagSize) return DoesNotAuthenticate();
  Secret plaintext = Secret::OfSize(ciphertext_and_tag.size() - AesGcm::kTagSize);
  EVP_CIPHER_CTX* context = ThreadContext();
  Begin(context, Bytes(key), nonce, aad, 0);
  if (!Open(context, ciphertext_and_tag, plaintext.Mutable())) return DoesNotAuthenticate();
  return plaintext;
}

}  // namespace grantkeep
