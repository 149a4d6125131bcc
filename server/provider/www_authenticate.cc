// SPDX-License-Identifier: Apache-2.0
#include "provider/www_authenticate.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "provider/charset.h"

namespace grantkeep {
namespace {

absl::Status Malformed(const char* what) { return absl::InvalidArgumentError(what); }

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 9110 section 5.6.2.
bool IsTokenCharacter(char c) {
  return IsLetterOrDigit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Section 11.2, without the "=" at the end.
bool IsToken68Character(char c) {
  return IsLetterOrDigit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Whether a character may stand in a quoted string, escaped or not (section 5.6.4); obs-text too.
bool IsText(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7F);
}

// Reads a header field from left to right.
//
//   challenges = [ challenge ] *( OWS "," OWS [ challenge ] )
//   challenge  = scheme [ 1*SP ( token68 / [ parameter ] *( OWS "," OWS [ parameter ] ) ) ]
//
// Both lists are separated by commas. What follows a comma belongs to the challenge before it if it
// has the form `name =`, and begins another one if not.
class Reader {
 public:
  explicit Reader(std::string_view header) : rest_(header) {}

  absl::StatusOr<std::vector<Challenge>> ReadAll() {
    std::vector<Challenge> challenges;
    for (SkipCommas(); !rest_.empty(); SkipCommas()) {
      if (challenges.size() == kMaxChallenges) return Malformed("has too many challenges");
      ASSIGN_OR_RETURN(Challenge challenge, ReadChallenge());
      challenges.push_back(std::move(challenge));
    }
    return challenges;
  }

 private:
  absl::StatusOr<Challenge> ReadChallenge() {
    Challenge challenge;
    challenge.scheme = LowerCase(TakeWhile(IsTokenCharacter));
    if (challenge.scheme.empty()) return Malformed("has something that is not an authentication scheme");
    if (AtEndOfElement()) {
      SkipBlanks();
      return challenge;
    }
    if (!IsBlank(rest_.front())) return Malformed("has something that is not an authentication scheme");
    SkipBlanks();
    if (std::optional<std::string> token68 = TakeToken68(); token68.has_value()) {
      challenge.token68 = *std::move(token68);
      return challenge;
    }
    for (bool more = true; more; more = ParameterFollows()) RETURN_IF_ERROR(ReadParameter(challenge));
    return challenge;
  }

  // What stands alone up to the comma: a name with a value after "=" is none.
  std::optional<std::string> TakeToken68() {
    const std::string_view before = rest_;
    std::string token68(TakeWhile(IsToken68Character));
    if (!token68.empty()) {
      token68 += TakeWhile([](char c) { return c == '='; });
      if (AtEndOfElement()) {
        SkipBlanks();
        return token68;
      }
    }
    rest_ = before;
    return std::nullopt;
  }

  absl::Status ReadParameter(Challenge& challenge) {
    const std::string name = LowerCase(TakeWhile(IsTokenCharacter));
    SkipBlanks();
    if (name.empty() || !Take('=')) return Malformed("has something that is not a parameter");
    SkipBlanks();
    std::string value;
    if (Take('"')) {
      ASSIGN_OR_RETURN(value, TakeQuoted());
    } else {
      value = TakeWhile(IsTokenCharacter);
      if (value.empty()) return Malformed("has a parameter without a value");
    }
    if (!AtEndOfElement()) return Malformed("has something behind the value of a parameter");
    SkipBlanks();
    if (challenge.parameters.size() == kMaxChallengeParameters) return Malformed("has too many parameters");
    if (!challenge.parameters.emplace(name, std::move(value)).second) {
      return Malformed("has a parameter that is given twice");
    }
    return absl::OkStatus();
  }

  // After the opening quote.
  absl::StatusOr<std::string> TakeQuoted() {
    std::string text;
    while (!rest_.empty()) {
      char c = TakeOne();
      if (c == '"') return text;
      if (c == '\\') {
        if (rest_.empty()) break;
        c = TakeOne();
      }
      if (!IsText(c)) return Malformed("has a control character in a quoted string");
      text += c;
    }
    return Malformed("has a quoted string without its end");
  }

  // Whether another parameter of the same challenge comes behind the commas.
  bool ParameterFollows() {
    SkipCommas();
    const std::string_view before = rest_;
    const bool named = !TakeWhile(IsTokenCharacter).empty();
    SkipBlanks();
    const bool follows = named && Take('=');
    rest_ = before;
    return follows;
  }

  template <typename Predicate>
  std::string_view TakeWhile(Predicate predicate) {
    const auto* const end = std::find_if_not(rest_.begin(), rest_.end(), predicate);
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  char TakeOne() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void SkipBlanks() { TakeWhile(IsBlank); }
  void SkipCommas() {
    TakeWhile([](char c) { return IsBlank(c) || c == ','; });
  }
  // Whether nothing but blanks comes before the next comma or the end.
  bool AtEndOfElement() const {
    const size_t next = rest_.find_first_not_of(" \t");
    return next == std::string_view::npos || rest_[next] == ',';
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::string_view> Challenge::Parameter(std::string_view name) const {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<std::vector<Challenge>> ParseChallenges(std::string_view header) {
  if (header.size() > kMaxChallengeHeader) return Malformed("is too long");
  return Reader(header).ReadAll();
}

absl::StatusOr<std::vector<Challenge>> ParseChallenges(const std::vector<std::string_view>& headers) {
  std::vector<Challenge> all;
  size_t size = 0;
  for (const std::string_view header : headers) {
    size += header.size();
    if (size > kMaxChallengeHeader) return Malformed("is too long");
    ASSIGN_OR_RETURN(std::vector<Challenge> challenges, ParseChallenges(header));
    if (all.size() + challenges.size() > kMaxChallenges) return Malformed("has too many challenges");
    std::move(challenges.begin(), challenges.end(), std::back_inserter(all));
  }
  return all;
}

const Challenge* FindOAuthChallenge(const std::vector<Challenge>& challenges) {
  const auto first = [&](auto predicate) -> const Challenge* {
    const auto found = std::find_if(challenges.begin(), challenges.end(), predicate);
    return found == challenges.end() ? nullptr : &*found;
  };
  const Challenge* const bearer =
      first([](const Challenge& challenge) { return challenge.scheme == "bearer"; });
  if (bearer != nullptr) return bearer;
  return first([](const Challenge& challenge) { return challenge.resource_metadata().has_value(); });
}

}  // namespace grantkeep
