// SPDX-License-Identifier: Apache-2.0
#include "flow/callback.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/reason.h"
#include "crypto/digest.h"
#include "flow/uri_parts.h"

namespace grantkeep {
namespace {

constexpr size_t kMaxShown = 200;

// Text from outside, made fit for an error message: printable ASCII without quotes, cut short.
std::string Shown(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, kMaxShown)) {
    shown += c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '\'' ? c : '?';
  }
  return shown;
}

// VSCHAR of RFC 6749 appendix A, which codes consist of.
bool IsVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

absl::Status Malformed(std::string_view field, std::string_view what) {
  return FieldError(field, what, Reason::kCallbackMalformed);
}

// Percent-decodes one half of a query parameter; '+' is a space, as in a form. Nothing for a '%'
// without two hexadecimal digits.
std::optional<std::string> Decode(std::string_view encoded) {
  std::string decoded;
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      decoded += encoded[i] == '+' ? ' ' : encoded[i];
      continue;
    }
    const auto byte = i + 2 < encoded.size() ? HexDecode(encoded.substr(i + 1, 2)) : std::nullopt;
    if (!byte.has_value()) return std::nullopt;
    decoded += *byte;
    i += 2;
  }
  return decoded;
}

// Scheme, authority and path as a browser writes them: scheme and host in lower case, no default
// port, "/" for an empty path.
std::string BaseOf(const UriParts& url) {
  std::string origin = fmt::format("{}://{}", url.scheme, url.authority);
  for (char& c : origin) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const std::string_view port = origin.starts_with("https:") ? ":443" : ":80";
  if (origin.ends_with(port)) origin.resize(origin.size() - port.size());
  return origin + std::string(url.path.empty() ? "/" : url.path);
}

absl::StatusOr<Callback> ParseUrl(const std::string& text) {
  const auto url = SplitUri(text);
  if (!url.has_value() || url->authority.empty()) return Malformed("callback_url", "not an absolute URL");
  if (!url->query.has_value()) return Malformed("callback_url", "has no query");
  Callback callback;
  callback.base_url = BaseOf(*url);
  for (std::string_view rest = *url->query; !rest.empty();) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    auto name = Decode(pair.substr(0, equals));
    auto value = Decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name.has_value() || !value.has_value()) {
      return Malformed("callback_url", "has a '%' without two hexadecimal digits");
    }
    callback.parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return callback;
}

absl::Status CheckRedirectUri(const Callback& callback, const storage::v1::Flow& flow) {
  if (callback.base_url.empty()) return absl::OkStatus();
  const auto expected = SplitUri(flow.redirect_uri());
  if (expected.has_value() && callback.base_url == BaseOf(*expected)) return absl::OkStatus();
  return Malformed("callback_url", "is not the redirect_uri that this flow was begun with");
}

absl::Status CheckIssuer(const Callback& callback, const storage::v1::Flow& flow) {
  const auto iss = callback.Find("iss");
  if (!iss.has_value()) {
    if (!flow.iss_advertised()) return absl::OkStatus();
    return Error(Reason::kIssuerMismatch,
                 fmt::format("callback has no iss although '{}' always sends it", flow.provider()));
  }
  if (*iss == flow.issuer()) return absl::OkStatus();
  const std::string received = Shown(*iss);
  if (flow.issuer().empty()) {
    return Error(Reason::kIssuerMismatch,
                 fmt::format("callback iss is '{}', but provider '{}' has no issuer configured to compare it "
                             "with; if this is its own, set issuer: {} in its configuration",
                             received, flow.provider(), received));
  }
  return Error(Reason::kIssuerMismatch, fmt::format("callback iss is '{}', expected '{}' for provider '{}'",
                                                    received, flow.issuer(), flow.provider()));
}

// RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6.
Reason ReasonOfError(std::string_view error) {
  static const std::set<std::string_view> kUser = {"access_denied", "interaction_required", "login_required",
                                                   "consent_required", "account_selection_required"};
  static const std::set<std::string_view> kProvider = {"server_error", "temporarily_unavailable"};
  if (kUser.contains(error)) return Reason::kAccessDenied;
  return kProvider.contains(error) ? Reason::kProviderError : Reason::kClientMisconfigured;
}

}  // namespace

std::optional<std::string> Callback::Find(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name && !value.empty()) return value;
  }
  return std::nullopt;
}

absl::StatusOr<Callback> ParseCallback(const CompleteAuthRequest& request) {
  if (const auto* url = std::get_if<std::string>(&request.callback)) return ParseUrl(*url);
  return Callback{"", std::get<CallbackParameters>(request.callback)};
}

absl::StatusOr<std::string> StateOf(const Callback& callback) {
  std::optional<std::string> state;
  for (const auto& [name, value] : callback.parameters) {
    if (name != "state") continue;
    if (state.has_value()) return Malformed("state", "appears twice in the callback");
    state = value;
  }
  if (!state.has_value() || state->empty()) return Malformed("state", "is missing in the callback");
  return *state;
}

absl::StatusOr<std::string> CheckCallback(const Callback& callback, const storage::v1::Flow& flow) {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : callback.parameters) {
    if (seen.insert(name).second) continue;
    return name.empty() ? Malformed("callback", "has two parameters without a name")
                        : Malformed(Shown(name), "appears twice in the callback");
  }
  if (absl::Status status = CheckRedirectUri(callback, flow); !status.ok()) return status;
  if (absl::Status status = CheckIssuer(callback, flow); !status.ok()) return status;
  if (const auto error = callback.Find("error"); error.has_value()) {
    const auto description = callback.Find("error_description");
    return Error(ReasonOfError(*error),
                 fmt::format("'{}' answered {}{}{}", flow.provider(), Shown(*error), description ? ": " : "",
                             description ? Shown(*description) : ""));
  }
  auto code = callback.Find("code");
  if (!code.has_value()) return Malformed("code", "is missing in the callback");
  if (!IsVisible(*code)) return Malformed("code", "has a character outside printable ASCII");
  return *std::move(code);
}

}  // namespace grantkeep
