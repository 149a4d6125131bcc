// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_TEXT_H_
#define GRANTKEEP_RPC_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace grantkeep::rpc {

// `text` in valid UTF-8 of at most `max_bytes`: every byte that is not part of a well-formed
// sequence (RFC 3629) is replaced by '?', and what was cut off by "...".
std::string Presentable(std::string_view text, size_t max_bytes);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_TEXT_H_
