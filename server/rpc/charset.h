// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_CHARSET_H_
#define GRANTKEEP_RPC_CHARSET_H_

#include <string_view>

#include "grantkeep/v1/options.pb.h"

namespace grantkeep::rpc {

// Whether every byte of `text` is in the charset (CHARSET_ID also wants a letter or digit first).
// CHARSET_UNSPECIFIED excludes control characters; that the text is UTF-8 was checked in parsing.
bool InCharset(v1::Charset charset, std::string_view text);

// What to tell a caller whose text is outside: "must consist of ...".
std::string_view Expectation(v1::Charset charset);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_CHARSET_H_
