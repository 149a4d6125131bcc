// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "store/redis/redis_options.h"

namespace grantkeep {
namespace {

constexpr uint16_t kRedisPort = 6379;
constexpr uint16_t kSentinelPort = 26379;
constexpr size_t kMaxUrl = 2048;
constexpr size_t kMaxSentinels = 16;
constexpr size_t kMaxHost = 253;
constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxMasterName = 128;
constexpr size_t kMaxScheme = 32;
// sockaddr_un.sun_path with its terminating zero.
constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;

constexpr std::string_view kSchemes = "redis, rediss, unix, redis+sentinel and rediss+sentinel";
constexpr std::string_view kNoCredentials =
    "a user name or password does not belong into the URL, which is shown in logs: use username and "
    "password_file (of Sentinels: sentinel_username and sentinel_password_file)";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsNameCharacter(char c) { return IsLetter(c) || IsDigit(c) || c == '-' || c == '_'; }

// Decimal digits and nothing else.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  if (text.empty() || !std::ranges::all_of(text, IsDigit)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The part before `mark`, which is taken off with it; nothing when there is no mark.
std::optional<std::string_view> TakeUntil(char mark, std::string_view& text) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

template <int kFamily>
bool IsAddress(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  // A zero byte would end the text early.
  return text.find('\0') == std::string::npos && inet_pton(kFamily, text.c_str(), bytes) == 1;
}

// A DNS name, or an IPv4 address if it looks like one. Underscores occur in the names of containers.
bool IsHost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > kMaxHost) return false;
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (std::ranges::all_of(last, IsDigit)) return IsAddress<AF_INET>(std::string(host));
  for (std::string_view rest = host; !rest.empty();) {
    const size_t end = std::min(rest.find('.'), rest.size());
    const std::string_view label = rest.substr(0, end);
    if (label.empty() || label.size() > kMaxLabel || !std::ranges::all_of(label, IsNameCharacter))
      return false;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return true;
}

class Parser {
 public:
  explicit Parser(std::string_view field) : field_(field) {}

  absl::StatusOr<RedisUrl> Parse(std::string_view text) {
    if (text.empty()) return Refused("is required: redis://HOST:PORT");
    if (text.size() > kMaxUrl) {
      return Refused(fmt::format("must have at most {} bytes, has {}", kMaxUrl, text.size()));
    }
    if (std::ranges::any_of(text,
                            [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; })) {
      return Refused("must not contain control characters");
    }
    const size_t colon = text.find("://");
    if (colon == std::string_view::npos) {
      return Refused(text.find('@') == std::string_view::npos
                         ? "must be an URL, such as redis://HOST:PORT; it begins with one of the schemes " +
                               std::string(kSchemes)
                         : std::string(kNoCredentials));
    }
    const std::string_view scheme = text.substr(0, colon);
    text.remove_prefix(colon + 3);
    if (scheme == "unix") return ParseUnix(text);
    // A password may hold any character, so that this is looked for before anything is cut up or shown.
    if (text.find('@') != std::string_view::npos) return Refused(kNoCredentials);
    if (scheme == "redis" || scheme == "rediss") return ParseServer(scheme == "rediss", text);
    if (scheme == "redis+sentinel" || scheme == "rediss+sentinel") {
      return ParseSentinels(scheme == "rediss+sentinel", text);
    }
    return Refused(UnknownScheme(scheme));
  }

 private:
  absl::Status Refused(std::string_view what) const { return FieldError(field_, what); }

  static std::string UnknownScheme(std::string_view scheme) {
    const bool presentable =
        !scheme.empty() && scheme.size() <= kMaxScheme && std::ranges::all_of(scheme, [](char c) {
          return IsLetter(c) || IsDigit(c) || c == '+' || c == '-' || c == '.';
        });
    return presentable ? fmt::format("the scheme \"{}\" is none of {}", scheme, kSchemes)
                       : fmt::format("the scheme is none of {}", kSchemes);
  }

  absl::StatusOr<RedisUrl> ParseUnix(std::string_view text) const {
    RedisUrl url;
    RedisAddress address;
    std::string_view path = text;
    if (const auto before = TakeUntil('?', text)) {
      path = *before;
      if (!text.starts_with("db=")) return Refused("after \"?\" only db=NUMBER may follow");
      ASSIGN_OR_RETURN(url.database, Database(text.substr(3)));
    }
    if (!path.starts_with('/')) {
      return Refused(path.find('@') == std::string_view::npos
                         ? "the path of a socket begins with \"/\": unix:///run/redis/redis.sock"
                         : kNoCredentials);
    }
    if (path.ends_with('/')) return Refused("the path of the socket is missing");
    if (path.size() > kMaxPath) {
      return Refused(
          fmt::format("the path of a unix socket must have at most {} bytes, has {}", kMaxPath, path.size()));
    }
    address.path = std::string(path);
    url.addresses.push_back(std::move(address));
    return url;
  }

  absl::StatusOr<RedisUrl> ParseServer(bool tls, std::string_view text) const {
    RedisUrl url;
    url.tls = tls;
    RETURN_IF_ERROR(CheckNoQuery(text));
    const std::optional<std::string_view> authority = TakeUntil('/', text);
    const std::string_view place = authority.value_or(text);
    if (place.find(',') != std::string_view::npos) {
      return Refused(
          "several addresses are those of Sentinels: redis+sentinel://HOST:PORT,HOST:PORT/MASTER-NAME");
    }
    ASSIGN_OR_RETURN(RedisAddress address, Address(place, kRedisPort));
    url.addresses.push_back(std::move(address));
    if (authority.has_value()) {
      ASSIGN_OR_RETURN(url.database, Database(text));
    }
    return url;
  }

  absl::StatusOr<RedisUrl> ParseSentinels(bool tls, std::string_view text) const {
    RedisUrl url;
    url.tls = tls;
    RETURN_IF_ERROR(CheckNoQuery(text));
    std::optional<std::string_view> authority = TakeUntil('/', text);
    if (!authority.has_value() || text.empty()) {
      return Refused(
          "the master's name, as the Sentinels know it, is missing: redis+sentinel://HOST:PORT/NAME");
    }
    for (bool more = true; more;) {
      const std::optional<std::string_view> before = TakeUntil(',', *authority);
      more = before.has_value();
      if (url.addresses.size() == kMaxSentinels) {
        return Refused(fmt::format("has more than {} Sentinels", kMaxSentinels));
      }
      ASSIGN_OR_RETURN(RedisAddress address, Address(before.value_or(*authority), kSentinelPort));
      url.addresses.push_back(std::move(address));
    }
    const std::optional<std::string_view> before_database = TakeUntil('/', text);
    const std::string_view name = before_database.value_or(text);
    if (name.empty() || name.size() > kMaxMasterName ||
        !std::ranges::all_of(name, [](char c) { return IsNameCharacter(c) || c == '.'; })) {
      return Refused(fmt::format("the master's name must be 1 to {} of A-Z a-z 0-9 . _ -", kMaxMasterName));
    }
    url.master_name = std::string(name);
    if (before_database.has_value()) {
      ASSIGN_OR_RETURN(url.database, Database(text));
    }
    return url;
  }

  absl::Status CheckNoQuery(std::string_view text) const {
    if (text.find_first_of("?#") == std::string_view::npos) return absl::OkStatus();
    return Refused("takes no options behind \"?\" or \"#\": they are fields of the configuration");
  }

  absl::StatusOr<int> Database(std::string_view text) const {
    const std::optional<int> number = ParseNumber<int>(text);
    if (!number.has_value()) return Refused("the database must be a number from 0");
    return *number;
  }

  absl::StatusOr<RedisAddress> Address(std::string_view text, uint16_t default_port) const {
    RedisAddress address;
    address.port = default_port;
    if (text.starts_with('[')) {
      text.remove_prefix(1);
      const std::optional<std::string_view> host = TakeUntil(']', text);
      if (!host.has_value() || !IsAddress<AF_INET6>(std::string(*host))) {
        return Refused("what stands in brackets must be an IPv6 address");
      }
      address.host = std::string(*host);
      if (text.empty()) return address;
      if (!text.starts_with(':')) return Refused("after \"]\" only a port may follow");
      text.remove_prefix(1);
      ASSIGN_OR_RETURN(address.port, Port(text));
      return address;
    }
    if (std::ranges::count(text, ':') > 1) return Refused("an IPv6 address stands in brackets: [::1]:6379");
    const std::optional<std::string_view> host = TakeUntil(':', text);
    const std::string_view name = host.value_or(text);
    if (name.empty()) return Refused("a host is missing");
    if (!IsHost(name)) return Refused("a host is neither a DNS name nor an IP address");
    address.host = std::string(name);
    if (host.has_value()) {
      ASSIGN_OR_RETURN(address.port, Port(text));
    }
    return address;
  }

  absl::StatusOr<uint16_t> Port(std::string_view text) const {
    const std::optional<uint16_t> port = ParseNumber<uint16_t>(text);
    if (!port.has_value() || *port == 0) return Refused("a port must be a number from 1 to 65535");
    return *port;
  }

  const std::string_view field_;
};

}  // namespace

absl::StatusOr<RedisUrl> ParseRedisUrl(std::string_view url, std::string_view field) {
  return Parser(field).Parse(url);
}

std::string ToString(const RedisAddress& address) {
  if (!address.path.empty()) return "unix://" + address.path;
  const bool is_v6 = address.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", address.host, address.port)
               : fmt::format("{}:{}", address.host, address.port);
}

}  // namespace grantkeep
