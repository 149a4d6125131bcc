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

constexpr std::array<std::string_view, 2> kTokens = {"access_token", "refresh_token"};
constexpr std::string_view kCharacters = "has characters that no token may have";
constexpr seconds kMaxLifetime = std::chrono::hours(24) * 365 * 10;

std::string Message(const config::v1::Provider& record, std::string_view what) {
  return fmt::format("provider '{}': token endpoint: {}", record.id(), what);
}

bool IsEmptyString(const JsonMember& member) { return member.type == Type::kString && member.text.empty(); }

// A credential (RFC 6749 appendix A.12 and A.17: 1*VSCHAR), or what is wrong with it.
std::string_view ProblemWithToken(const JsonMember* member) {
  if (member == nullptr) return "is missing";
  if (member->type != Type::kString) return "is not a string";
  const std::string_view token = member->text.Expose();
  if (token.empty()) return "is empty";
  return IsPrintableAscii(token) ? "" : kCharacters;
}

// An access token travels in a header, where a space would end it (RFC 6750 section 2.1).
std::string_view ProblemWithAccessToken(const JsonMember* member) {
  const std::string_view problem = ProblemWithToken(member);
  if (!problem.empty()) return problem;
  return member->text.Expose().find(' ') == std::string_view::npos ? "" : kCharacters;
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

// As callers are told how to use the token: Slack's words for it say whose it is.
std::string TokenType(const JsonMember& member) {
  const std::string_view type = member.text.Expose();
  return LowerCase(type) == "bearer" ? std::string(type) : "Bearer";
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
    for (const Secret& scope : member.strings) scopes.emplace_back(scope.Expose());
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

// Where in an answer the token set of the grant is. All fields are read from there and from nowhere
// else: those of two token sets are never mixed.
struct TokenSetPlace {
  const JsonObject* object;  // null: there is none
  std::string prefix;        // before the names of its fields in messages: "authed_user."
  std::string_view problem;  // with the object itself
};

TokenSetPlace FindTokenSet(const config::v1::Provider& record, const JsonObject& body,
                           TokenRequestKind request) {
  const std::string& name = record.token_object();
  if (name.empty()) return {&body, "", ""};
  const JsonMember* const member = body.Find(name);
  const JsonObject* const object = member == nullptr ? nullptr : member->object.get();
  const bool found = object != nullptr && HoldsTokens(*object);
  if (!found && request == TokenRequestKind::kRefresh) return {&body, "", ""};
  if (member == nullptr) return {nullptr, name, "is missing"};
  if (object == nullptr) return {nullptr, name, "is not an object"};
  return {object, name + ".", member->repeated ? "is given twice" : ""};
}

class AnswerReader {
 public:
  AnswerReader(const config::v1::Provider& record, TokenOutcome& outcome)
      : record_(record), outcome_(outcome) {}

  void Read(const JsonObject& body, const TokenSetPlace& place) {
    RemarkOtherTokens(body, place);
    if (place.object == nullptr) {
      outcome_.status =
          Error(Reason::kProviderError, Message(record_, fmt::format("{} {}", place.prefix, place.problem)));
      return;
    }
    ReadRemainder(*place.object, place.prefix);
    ReadAccessToken(*place.object, place);
  }

 private:
  void Remark(std::string_view what) {
    outcome_.remark += outcome_.remark.empty() ? Message(record_, what) : fmt::format("; {}", what);
  }
  void Remark(const std::string& prefix, std::string_view field, std::string_view problem) {
    Remark(fmt::format("{}{} {}", prefix, field, problem));
  }

  // Tokens that were issued and that nobody keeps.
  void RemarkOtherTokens(const JsonObject& body, const TokenSetPlace& place) {
    if (place.object != &body && HoldsTokens(body))
      Remark("a second token set, at the top level, is not kept");
    const auto& members = body.members();
    const bool elsewhere = std::any_of(members.begin(), members.end(), [&](const auto& entry) {
      const JsonObject* const object = entry.second.object.get();
      return object != nullptr && object != place.object && HoldsTokens(*object);
    });
    // Its name is the provider's text.
    if (elsewhere) Remark("a second token set, in another object, is not kept");
  }

  // The members beside the access token. One that cannot be read is left out and remarked upon: the
  // tokens are good all the same.
  void ReadRemainder(const JsonObject& set, const std::string& prefix) {
    TokenSet& tokens = outcome_.tokens;
    if (const JsonMember* member = set.Find("refresh_token"); member != nullptr) {
      const std::string_view problem = ProblemWithToken(member);
      if (problem.empty()) tokens.refresh_token = member->text.Clone();
      // An empty one means that there is none.
      if (!problem.empty() && !IsEmptyString(*member)) Remark(prefix, "refresh_token", problem);
      if (member->repeated) Remark(prefix, "refresh_token", "is given twice");
    }
    if (const JsonMember* member = set.Find("expires_in"); member != nullptr) {
      tokens.expires_in = ReadLifetime(*member);
      if (!tokens.expires_in.has_value()) Remark(prefix, "expires_in", "is not a positive number of seconds");
    }
    if (const JsonMember* member = set.Find("scope"); member != nullptr) {
      tokens.scopes = ReadScopes(*member, record_.answer_scope_separator());
      if (!tokens.scopes.has_value()) Remark(prefix, "scope", "is not a list of scopes");
    }
  }

  void ReadAccessToken(const JsonObject& set, const TokenSetPlace& place) {
    const JsonMember* const token = set.Find("access_token");
    const JsonMember* const type = set.Find("token_type");
    std::string field = place.prefix + "access_token";
    std::string_view problem = ProblemWithAccessToken(token);
    const bool readable = problem.empty();
    if (problem.empty() && token->repeated) problem = "is given twice";
    if (problem.empty() && !place.problem.empty()) {
      field = record_.token_object();
      problem = place.problem;
    }
    if (problem.empty()) {
      field = place.prefix + "token_type";
      problem = ProblemWithTokenType(type);
    }
    if (readable || outcome_.tokens.refresh_token.has_value()) outcome_.kind = Kind::kGranted;
    if (problem.empty()) {
      outcome_.tokens.access_token = token->text.Clone();
      outcome_.tokens.token_type = TokenType(*type);
      outcome_.status = absl::OkStatus();
    } else {
      outcome_.status = Error(Reason::kProviderError, Message(record_, fmt::format("{} {}", field, problem)));
    }
  }

  const config::v1::Provider& record_;
  TokenOutcome& outcome_;
};

void ReadSuccess(const config::v1::Provider& record, const HttpResponse& response, TokenRequestKind request,
                 TokenOutcome& outcome) {
  const auto body = JsonObject::Parse(response.body.Expose());
  if (!body.ok()) {
    const std::string_view problem(body.status().message().data(), body.status().message().size());
    outcome.status = Error(Reason::kProviderError, Message(record, fmt::format("the answer {}", problem)));
    return;
  }
  AnswerReader(record, outcome).Read(*body, FindTokenSet(record, *body, request));
}

void Refuse(const config::v1::Provider& record, const HttpResponse& response, OAuthError error,
            TokenOutcome& outcome) {
  outcome.kind = Kind::kRefused;
  if (response.status == 429) {
    // Nobody has looked at what was presented, whatever the body says.
    outcome.status = RetryableError(Reason::kProviderThrottled, Message(record, "answered 429"),
                                    outcome.retry_after.value_or(seconds(1)));
    return;
  }
  const bool client = error.code == "invalid_client" || error.code == "unauthorized_client";
  outcome.status = Error(client ? Reason::kClientMisconfigured : Reason::kProviderError,
                         Message(record, fmt::format("refused: {}", error.code)));
  outcome.error = std::move(error.code);
  outcome.error_description = std::move(error.description);
}

}  // namespace

bool HoldsTokens(const JsonObject& object) {
  return std::any_of(kTokens.begin(), kTokens.end(), [&](std::string_view name) {
    const JsonMember* const member = object.Find(name);
    return member != nullptr && !IsEmptyString(*member);
  });
}

TokenOutcome ParseTokenAnswer(const config::v1::Provider& record, const HttpOutcome& answer, Time sent_time,
                              TokenRequestKind request) {
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
  if (response.status >= 200 && response.status <= 299) ReadSuccess(record, response, request, outcome);
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
