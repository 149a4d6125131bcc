// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_CHARSET_H_
#define GRANTKEEP_PROVIDER_CHARSET_H_

#include <string>
#include <string_view>

namespace grantkeep {

// %x20-7E only; also when empty. What RFC 6749 appendix A calls VSCHAR.
bool IsPrintableAscii(std::string_view text);
// scope-token (RFC 6749 appendix A.4): %x21 / %x23-5B / %x5D-7E, not empty.
bool IsScopeToken(std::string_view text);
// A parameter name (appendix A: name-char), 1 to 128 bytes.
bool IsParameterName(std::string_view text);
// A header field name (RFC 9110 section 5.1), 1 to 128 bytes.
bool IsHeaderName(std::string_view text);
// What callers name a provider by: letters, digits, "._-:", 1 to 128 bytes.
bool IsProviderName(std::string_view text);
// The name of an environment variable, 1 to 128 bytes.
bool IsVariableName(std::string_view text);
// Printable ASCII of at most 1,024 bytes.
bool IsHeaderValue(std::string_view text);
// ASCII letters in lower case.
std::string LowerCase(std::string_view text);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_CHARSET_H_
