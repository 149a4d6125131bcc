// SPDX-License-Identifier: Apache-2.0
#include "provider/token_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/reason.h"
#include "provider/charset.h"
#include "provider/provider.h"

namespace grantkeep {
namespace {

using std::chrono::seconds;
using Kind = TokenOutcome::Kind;
using Type = JsonMember::Type;

constexpr size_t kMaxErrorCode = 64;
constexpr size_t kMaxDescription = 200;
constexpr seconds kMaxLifetime = std::chrono::hours(24) * 365 * 10;

// RFC 6749 appendix A.7 and A.8: %x20-21 / %x23-5B / %x5D-7E.
std::string Filtered(std::string_view text, size_t limit) {
  std::string filtered;
  for (const char c : text) {
    if (filtered.size() == limit) break;
    if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') filtered += c;
  }
  return filtered;
}

std::string Message(const config::v1::Provider& record, std::string_view what) {
  return fmt::format("provider '{}': token endpoint: {}", record.id(), what);
}

// A credential (RFC 6749 appendix A.12 and A.17: 1*VSCHAR), or what is wrong with it.
std::string_view ProblemWithToken(const JsonMember* member) {
  if (member == nullptr) return "is missing";
  if (member->type != Type::kString) return "is not a string";
  const std::string_view token = member->text.Expose();
  if (token.empty()) return "is empty";
  return IsPrintableAscii(token) ? "" : "has characters that no token may have";
}

// A token of a type that is not understood must not be used (RFC 6749 section 7.1). "bot" and
// "user" are what Slack calls its bearer tokens.
std::string_view ProblemWithTokenType(const JsonMember* member) {
  static constexpr std::array<std::string_view, 3> kUnderstood = {"bearer", "bot", "user"};
  if (member == nullptr) return "is missing";
  if (member->repeated) return "is given twice";
  if (member->type != Type::kString) return "is not a string";
  const std::string type = LowerCase(member->text.Expose());
  return std::find(kUnderstood.begin(), kUnderstood.end(), type) != kUnderstood.end()
             ? ""
             : "is not one that is understood (bearer)";
}

// A positive number of seconds, also as a string of digits; fractions are cut off.
std::optional<seconds> ReadLifetime(const JsonMember& member) {
  if (member.repeated) return std::nullopt;
  double value = member.number;
  if (member.type == Type::kString) {
    const std::string_view text = member.text.Expose();
    if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc::result_out_of_range) return kMaxLifetime;
  } else if (member.type != Type::kNumber) {
    return std::nullopt;
  }
  if (std::isnan(value) || value < 1) return std::nullopt;
  if (value >= static_cast<double>(kMaxLifetime.count())) return kMaxLifetime;
  return seconds(static_cast<int64_t>(value));
}

// A list of scopes as a string with separators, or as an array.
std::optional<std::vector<std::string>> ReadScopes(const JsonMember& member, std::string_view separator) {
  std::vector<std::string> scopes;
  if (member.repeated) return std::nullopt;
  if (member.type == Type::kStrings) {
    scopes = member.strings;
  } else if (member.type == Type::kString) {
    const std::string separators = std::string(separator) + " ";
    std::string_view rest = member.text.Expose();
    while (!rest.empty()) {
      const std::string_view scope = rest.substr(0, rest.find_first_of(separators));
      rest.remove_prefix(std::min(rest.size(), scope.size() + 1));
      if (!scope.empty()) scopes.emplace_back(scope);
    }
  } else {
    return std::nullopt;
  }
  if (!std::all_of(scopes.begin(), scopes.end(), IsScopeToken)) return std::nullopt;
  return scopes;
}

// The members beside the access token. One that cannot be read is left out and remarked upon: the
// tokens are good all the same.
void ReadRemainder(const config::v1::Provider& record, const JsonObject& body, TokenOutcome& outcome) {
  const auto remark = [&](std::string_view field, std::string_view problem) {
    if (outcome.remark.empty()) outcome.remark = Message(record, fmt::format("{} {}", field, problem));
  };
  if (const JsonMember* member = body.Find("refresh_token"); member != nullptr) {
    const std::string_view problem = ProblemWithToken(member);
    // An empty one means that there is none.
    const bool none = member->type == Type::kString && member->text.empty();
    if (problem.empty()) outcome.tokens.refresh_token = member->text.Clone();
    if (!problem.empty() && !none) remark("refresh_token", problem);
    if (member->repeated) remark("refresh_token", "is given twice");
  }
  if (const JsonMember* member = body.Find("expires_in"); member != nullptr) {
    outcome.tokens.expires_in = ReadLifetime(*member);
    if (!outcome.tokens.expires_in.has_value()) remark("expires_in", "is not a positive number of seconds");
  }
  if (const JsonMember* member = body.Find("scope"); member != nullptr) {
    outcome.tokens.scopes = ReadScopes(*member, record.answer_scope_separator());
    if (!outcome.tokens.scopes.has_value()) remark("scope", "is not a list of scopes");
  }
}

void ReadSuccess(const config::v1::Provider& record, const HttpResponse& response, TokenOutcome& outcome) {
  const auto body = JsonObject::Parse(response.body.Expose());
  if (!body.ok()) {
    const std::string_view problem(body.status().message().data(), body.status().message().size());
    outcome.status = Error(Reason::kProviderError, Message(record, fmt::format("the answer {}", problem)));
    return;
  }
  ReadRemainder(record, *body, outcome);
  const JsonMember* const token = body->Find("access_token");
  const JsonMember* const type = body->Find("token_type");
  std::string_view field = "access_token";
  std::string_view problem = ProblemWithToken(token);
  const bool readable = problem.empty();
  if (problem.empty() && token->repeated) problem = "is given twice";
  if (problem.empty()) {
    field = "token_type";
    problem = ProblemWithTokenType(type);
  }
  if (readable || outcome.tokens.refresh_token.has_value()) outcome.kind = Kind::kGranted;
  if (problem.empty()) {
    outcome.tokens.access_token = token->text.Clone();
    outcome.tokens.token_type = std::string(type->text.Expose());
    outcome.status = absl::OkStatus();
  } else {
    outcome.status = Error(Reason::kProviderError, Message(record, fmt::format("{} {}", field, problem)));
  }
}

void Refuse(const config::v1::Provider& record, const HttpResponse& response, OAuthError error,
            TokenOutcome& outcome) {
  outcome.kind = Kind::kRefused;
  if (response.status == 429) {
    outcome.status = RetryableError(Reason::kProviderThrottled, Message(record, "answered 429"),
                                    outcome.retry_after.value_or(seconds(1)));
  } else {
    const bool client = error.code == "invalid_client" || error.code == "unauthorized_client";
    outcome.status = Error(client ? Reason::kClientMisconfigured : Reason::kProviderError,
                           Message(record, fmt::format("refused: {}", error.code)));
  }
  outcome.error = std::move(error.code);
  outcome.error_description = std::move(error.description);
}

}  // namespace

std::optional<OAuthError> ReadOAuthError(const config::v1::Provider& record, const HttpResponse& response) {
  const bool client_error = response.status >= 400 && response.status <= 499;
  const bool with_success =
      response.status == 200 && record.error_dialect() == config::v1::ERROR_DIALECT_ERROR_IN_200;
  if (!client_error && !with_success) return std::nullopt;
  const auto body = JsonObject::Parse(response.body.Expose());
  if (!body.ok()) return std::nullopt;
  const JsonMember* const code = body->Find("error");
  if (code == nullptr || code->type != Type::kString) return std::nullopt;
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

TokenOutcome ParseTokenAnswer(const config::v1::Provider& record, const HttpOutcome& answer, Time sent_time) {
  TokenOutcome outcome;
  outcome.sent_time = sent_time;
  if (!answer.response.has_value()) {
    const std::string_view what(answer.error.message().data(), answer.error.message().size());
    outcome.kind = answer.not_sent ? Kind::kNotSent : Kind::kInDoubt;
    outcome.status =
        Error(answer.not_sent ? Reason::kProviderUnreachable : Reason::kProviderError, Message(record, what));
    return outcome;
  }
  const HttpResponse& response = *answer.response;
  outcome.retry_after = ReadRetryAfter(response, sent_time);
  if (response.status >= 200 && response.status <= 299) ReadSuccess(record, response, outcome);
  // Tokens, once read, are never thrown away for what else the answer says.
  if (outcome.kind == Kind::kGranted) return outcome;
  std::optional<OAuthError> error = ReadOAuthError(record, response);
  if (error.has_value() || response.status == 429) {
    Refuse(record, response, std::move(error).value_or(OAuthError()), outcome);
  } else if (outcome.status.ok()) {
    outcome.status =
        Error(Reason::kProviderError,
              Message(record, fmt::format("answered {} without an OAuth error", response.status)));
  }
  return outcome;
}

}  // namespace grantkeep
