// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CRYPTO_DIGEST_H_
#define GRANTKEEP_CRYPTO_DIGEST_H_

#include <optional>
#include <string>
#include <string_view>

#include "crypto/secret.h"

namespace grantkeep {

// SHA-256 (32 bytes).
std::string Sha256(std::string_view data);
// HMAC-SHA-256 (RFC 2104; 32 bytes).
std::string HmacSha256(std::string_view key, std::string_view data);
// HKDF with SHA-256 (RFC 5869). `size` at most 8160.
Secret HkdfSha256(std::string_view key, std::string_view salt, std::string_view info, size_t size);

// Compares in time that depends on the lengths only.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

// Base64url without padding (RFC 4648 section 5, RFC 7636 appendix A).
std::string Base64UrlEncode(std::string_view data);
// Nothing for padding, other characters, or stray bits in the last character.
std::optional<std::string> Base64UrlDecode(std::string_view text);
// Base64 with padding (RFC 4648 section 4), for HTTP Basic.
std::string Base64Encode(std::string_view data);
// Lower-case hexadecimal.
std::string HexEncode(std::string_view data);
// Nothing for an odd length or a character outside [0-9a-fA-F].
std::optional<std::string> HexDecode(std::string_view text);

}  // namespace grantkeep

#endif  // GRANTKEEP_CRYPTO_DIGEST_H_
