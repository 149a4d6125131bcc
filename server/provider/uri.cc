// SPDX-License-Identifier: Apache-2.0
#include "provider/uri.h"

#include <algorithm>
#include <boost/asio/ip/address_v6.hpp>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>

namespace grantkeep {
namespace {

constexpr size_t kMaxUri = 2048;

// The parts of an absolute URI (RFC 3986 section 3) that rules are about; they point into it.
// Boost.URL 1.81 is of no use here: it reads the host of "127.0.0.1.evil.example" as 127.0.0.1.
struct AbsoluteUri {
  std::string_view scheme;
  std::string_view authority;
  std::string_view host;  // with its brackets, if it is an IPv6 literal
  bool has_userinfo = false;
  bool has_fragment = false;
};

bool IsHexDigit(char c) {
  return std::string_view("0123456789abcdefABCDEF").find(c) != std::string_view::npos;
}

// Nothing but characters that a URI may have, and complete percent-encodings.
bool HasUriCharacters(std::string_view uri) {
  for (size_t i = 0; i < uri.size(); ++i) {
    if (uri[i] <= 0x20 || uri[i] >= 0x7F) return false;
    if (std::string_view("\"<>\\^`{|}").find(uri[i]) != std::string_view::npos) return false;
    if (uri[i] != '%') continue;
    if (i + 2 >= uri.size() || !IsHexDigit(uri[i + 1]) || !IsHexDigit(uri[i + 2])) return false;
  }
  return true;
}

// Empty when there is none that makes sense.
std::string_view HostOf(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::string_view host = authority.substr(0, authority.find(']') + 1);
    if (host.size() < 3) return "";
    boost::system::error_code error;
    boost::asio::ip::make_address_v6(std::string(host.substr(1, host.size() - 2)), error);
    return error.failed() || host.find('%') != std::string_view::npos ? "" : host;
  }
  const std::string_view host = authority.substr(0, authority.find(':'));
  const bool name = std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_';
  });
  return name ? host : "";
}

// ":" and 1 to 65535 in plain decimal, or nothing at all.
bool IsPortOrNothing(std::string_view text) {
  if (text.empty()) return true;
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), port);
  return text[0] == ':' && error == std::errc() && end == text.data() + text.size() && port != 0 &&
         text[1] != '0';
}

std::optional<AbsoluteUri> ParseAbsolute(std::string_view uri) {
  if (uri.size() > kMaxUri || !HasUriCharacters(uri)) return std::nullopt;
  const size_t colon = uri.find("://");
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  AbsoluteUri parsed;
  parsed.scheme = uri.substr(0, colon);
  const std::string_view rest = uri.substr(colon + 3);
  parsed.authority = rest.substr(0, rest.find_first_of("/?#"));
  parsed.has_fragment = rest.find('#') != std::string_view::npos;
  parsed.has_userinfo = parsed.authority.find('@') != std::string_view::npos;
  const size_t host_at = parsed.has_userinfo ? parsed.authority.rfind('@') + 1 : 0;
  parsed.host = HostOf(parsed.authority.substr(host_at));
  if (parsed.host.empty()) return std::nullopt;
  if (!IsPortOrNothing(parsed.authority.substr(host_at + parsed.host.size()))) return std::nullopt;
  return parsed;
}

bool IsLoopbackHost(std::string_view host) {
  return host == "127.0.0.1" || host == "[::1]" || host == "localhost";
}

std::string ProblemWith(std::string_view uri, bool loopback_http) {
  const auto parsed = ParseAbsolute(uri);
  if (!parsed.has_value()) return "must be an absolute URI with a host";
  if (parsed->has_fragment) return "must not have a fragment";
  if (parsed->has_userinfo) return "must not have user information";
  if (parsed->scheme == "https") return "";
  if (parsed->scheme == "http" && loopback_http && IsLoopbackHost(parsed->host)) return "";
  return loopback_http ? "must be https, or http to a loopback address" : "must be https";
}

struct LoopbackParts {
  std::string_view host;
  std::string_view after_authority;
};

std::optional<LoopbackParts> SplitLoopbackLiteral(std::string_view uri) {
  if (!ProblemWith(uri, true).empty()) return std::nullopt;
  const auto parsed = ParseAbsolute(uri);
  if (parsed->scheme != "http" || parsed->host == "localhost") return std::nullopt;
  const size_t after = parsed->scheme.size() + 3 + parsed->authority.size();
  return LoopbackParts{parsed->host, uri.substr(after)};
}

std::string FormDecode(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

}  // namespace

std::string ProblemWithEndpoint(std::string_view uri, bool development) {
  return ProblemWith(uri, development);
}

std::string ProblemWithIssuer(std::string_view uri, bool development) {
  if (std::string problem = ProblemWith(uri, development); !problem.empty()) return problem;
  return uri.find('?') == std::string_view::npos ? "" : "must not have a query";
}

std::string ProblemWithRedirectUri(std::string_view uri) { return ProblemWith(uri, true); }

bool IsLoopbackLiteral(std::string_view uri) { return SplitLoopbackLiteral(uri).has_value(); }

bool RedirectUriMatches(std::string_view configured, std::string_view uri) {
  if (configured == uri) return true;
  const auto left = SplitLoopbackLiteral(configured);
  const auto right = SplitLoopbackLiteral(uri);
  return left.has_value() && right.has_value() && left->host == right->host &&
         left->after_authority == right->after_authority;
}

std::vector<std::string> QueryParameterNames(std::string_view uri) {
  std::vector<std::string> names;
  uri = uri.substr(0, uri.find('#'));
  const size_t question = uri.find('?');
  if (question == std::string_view::npos) return names;
  std::string_view query = uri.substr(question + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (!pair.empty()) names.push_back(FormDecode(pair.substr(0, pair.find('='))));
  }
  return names;
}

}  // namespace grantkeep
