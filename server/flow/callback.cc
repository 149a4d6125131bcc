// SPDX-License-Identifier: Apache-2.0
#include "flow/callback.h"

#include <fmt/format.h>

#include <boost/url/encoding_opts.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <set>

#include "base/reason.h"

namespace grantkeep {
namespace {

namespace urls = boost::urls;

constexpr size_t kMaxShown = 200;

// Text from outside, made fit for an error message: printable ASCII without quotes, cut short.
std::string Shown(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, kMaxShown)) {
    shown += c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '\'' ? c : '?';
  }
  return shown;
}

std::string_view View(boost::core::string_view view) { return {view.data(), view.size()}; }

absl::Status Malformed(std::string_view field, std::string_view what) {
  return FieldError(field, what, Reason::kCallbackMalformed);
}

// Percent-decodes one half of a query parameter; '+' is a space, as in a form.
std::string Decode(urls::pct_string_view encoded) {
  urls::encoding_opts options;
  options.space_as_plus = true;
  return encoded.decode(options);
}

// Scheme, authority and path as a browser writes them: scheme and host in lower case, no default
// port, "/" for an empty path.
std::string BaseOf(const urls::url_view& url) {
  std::string origin = fmt::format("{}://{}", View(url.scheme()), View(url.encoded_authority()));
  for (char& c : origin) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const std::string_view port = origin.starts_with("https:") ? ":443" : ":80";
  if (origin.ends_with(port)) origin.resize(origin.size() - port.size());
  const std::string_view path = View(url.encoded_path());
  return origin + std::string(path.empty() ? "/" : path);
}

absl::StatusOr<Callback> ParseUrl(const std::string& text) {
  const auto parsed = urls::parse_uri({text.data(), text.size()});
  if (!parsed.has_value()) return Malformed("callback_url", "not an absolute URL");
  const urls::url_view url = *parsed;
  if (!url.has_query()) return Malformed("callback_url", "has no query");
  Callback callback;
  callback.base_url = BaseOf(url);
  for (const auto& param : url.encoded_params()) {
    callback.parameters.emplace_back(Decode(param.key),
                                     param.has_value ? Decode(param.value) : std::string());
  }
  return callback;
}

absl::Status CheckRedirectUri(const Callback& callback, const storage::v1::Flow& flow) {
  if (callback.base_url.empty()) return absl::OkStatus();
  const auto expected = urls::parse_uri({flow.redirect_uri().data(), flow.redirect_uri().size()});
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
  return Error(Reason::kIssuerMismatch,
               fmt::format("callback iss is '{}', expected {} for provider '{}'", Shown(*iss),
                           flow.issuer().empty() ? "none: the provider has no issuer configured"
                                                 : fmt::format("'{}'", flow.issuer()),
                           flow.provider()));
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
    if (!seen.insert(name).second) return Malformed(Shown(name), "appears twice in the callback");
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
  return *std::move(code);
}

}  // namespace grantkeep
