// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>

#include "provider/token_answer.h"

namespace grantkeep {
namespace {

using Type = JsonMember::Type;

constexpr size_t kMaxErrorCode = 64;
constexpr size_t kMaxDescription = 200;

// RFC 6749 appendix A.7 and A.8: %x20-21 / %x23-5B / %x5D-7E.
std::string Filtered(std::string_view text, size_t limit) {
  std::string filtered;
  for (const char c : text) {
    if (filtered.size() == limit) break;
    if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') filtered += c;
  }
  return filtered;
}

// Whether the body of an answer with status 200 may be an error in the record's dialect.
bool MayBeErrorIn200(const config::v1::Provider& record, const JsonObject& body) {
  const JsonMember* const ok = body.Find("ok");
  switch (record.error_dialect()) {
    case config::v1::ERROR_DIALECT_ERROR_IN_200:
      break;
    case config::v1::ERROR_DIALECT_OK_FALSE:
      if (ok != nullptr && ok->type == Type::kBool && ok->boolean) return false;
      break;
    default:
      return false;
  }
  // Tokens that were issued are no refusal, whatever else the answer says.
  return !HoldsTokens(body) &&
         std::none_of(body.members().begin(), body.members().end(), [](const auto& entry) {
           return entry.second.object != nullptr && HoldsTokens(*entry.second.object);
         });
}

}  // namespace

std::optional<OAuthError> ReadOAuthError(const config::v1::Provider& record, const HttpResponse& response) {
  const bool client_error = response.status >= 400 && response.status <= 499;
  if (!client_error && response.status != 200) return std::nullopt;
  const auto body = JsonObject::Parse(response.body.Expose());
  if (!body.ok() || (!client_error && !MayBeErrorIn200(record, *body))) return std::nullopt;
  const JsonMember* const code = body->Find("error");
  if (code == nullptr || code->type != Type::kString || code->repeated) return std::nullopt;
  OAuthError error;
  error.code = Filtered(code->text.Expose(), kMaxErrorCode);
  if (error.code.empty()) return std::nullopt;
  if (const auto alias = record.error_aliases().find(error.code); alias != record.error_aliases().end()) {
    error.code = alias->second;
  }
  if (const JsonMember* text = body->Find("error_description");
      text != nullptr && text->type == Type::kString) {
    error.description = Filtered(text->text.Expose(), kMaxDescription);
  }
  return error;
}

}  // namespace grantkeep
