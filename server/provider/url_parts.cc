// SPDX-License-Identifier: Apache-2.0
#include "provider/url_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "provider/charset.h"
#include "provider/record_revocation.h"

namespace grantkeep {
namespace {

constexpr size_t kMaxHostName = 253;
constexpr size_t kMaxLabel = 63;
constexpr std::string_view kAnyLabel = "*";

// One "{name}" of a URL.
struct Placeholder {
  std::string_view name;
  // In the host: the host's text after its last placeholder. Nothing in the path.
  std::optional<std::string_view> domain;
};

bool IsLabel(std::string_view label) {
  const auto alphanumeric = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (!alphanumeric(label.front()) || !alphanumeric(label.back())) return false;
  return std::all_of(label.begin(), label.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
}

// Labels with dots between them.
bool AreLabels(std::string_view text) {
  if (text.size() > kMaxHostName) return false;
  for (;;) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (!IsLabel(label)) return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

// What an address parser may take for the last part of an IPv4 address: decimal, octal or 0x...
bool IsNumber(std::string_view label) {
  if (label.starts_with("0x") || label.starts_with("0X")) label.remove_prefix(2);
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }) &&
         (label.empty() || std::isdigit(static_cast<unsigned char>(label.front())) != 0);
}

bool IsPartName(std::string_view name) {
  return !name.empty() && name.size() <= 32 &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

// ".example.com": two labels or more.
bool IsFixedDomain(std::string_view text) {
  return text.starts_with('.') && IsHostName(text.substr(1)) &&
         text.substr(1).find('.') != std::string_view::npos;
}

// Nothing when braces do not pair, a name is malformed, or one stands outside of host and path.
std::optional<std::vector<Placeholder>> PlaceholdersOf(std::string_view url) {
  std::vector<Placeholder> found;
  const size_t scheme = url.find("://");
  const size_t host_begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t host_end = std::min(url.size(), url.find_first_of("/?#:", host_begin));
  const size_t path_end = std::min(url.size(), url.find_first_of("?#"));
  for (size_t at = url.find_first_of("{}"); at != std::string_view::npos;
       at = url.find_first_of("{}", at + 1)) {
    const size_t end = url.find('}', at);
    if (url[at] == '}' || end == std::string_view::npos) return std::nullopt;
    Placeholder placeholder{.name = url.substr(at + 1, end - at - 1), .domain = std::nullopt};
    if (!IsPartName(placeholder.name)) return std::nullopt;
    if (at < host_begin || end >= path_end) return std::nullopt;
    if (at < host_end) {
      const size_t last = url.substr(0, host_end).rfind('}');
      placeholder.domain = url.substr(last + 1, host_end - last - 1);
    } else if (url[std::min(host_end, url.size() - 1)] == ':' && at < url.find('/', host_begin)) {
      return std::nullopt;  // a port
    }
    found.push_back(placeholder);
    at = end;
  }
  return found;
}

// The record's URLs in which parts may stand, with their fields.
std::array<std::pair<std::string_view, const std::string*>, 4> UrlsOf(const config::v1::Provider& record) {
  return {{{"issuer", &record.issuer()},
           {"authorization_endpoint", &record.authorization_endpoint()},
           {"token_endpoint", &record.token_endpoint()},
           {"revocation_endpoint", &record.revocation_endpoint()}}};
}

std::string FieldOfPart(std::string_view name) { return fmt::format("url_parts[\"{}\"]", name); }

// "*.example.com" allows one label more, as in certificates (RFC 9525 section 6.3).
bool Allows(std::string_view pattern, std::string_view value) {
  if (pattern == kAnyLabel) return value.find('.') == std::string_view::npos;
  if (!pattern.starts_with("*.")) return LowerCase(pattern) == value;
  const size_t dot = value.find('.');
  return dot != std::string_view::npos && value.substr(dot) == LowerCase(pattern.substr(1));
}

bool IsAllowed(const config::v1::UrlPart& part, std::string_view value) {
  return std::any_of(part.allowed().begin(), part.allowed().end(),
                     [&](const std::string& pattern) { return Allows(pattern, value); });
}

absl::Status CheckRule(const std::string& name, const config::v1::UrlPart& part) {
  const std::string field = FieldOfPart(name);
  if (!IsPartName(name)) {
    return FieldError("url_parts", "has a malformed name; names are lower-case letters and '_'");
  }
  if (part.allowed().empty()) {
    return FieldError(field + ".allowed", "is missing; a caller could send the client secret anywhere");
  }
  for (int i = 0; i < part.allowed_size(); ++i) {
    const std::string& pattern = part.allowed(i);
    if (pattern == kAnyLabel || AreLabels(pattern)) continue;
    if (pattern.starts_with("*") && IsFixedDomain(std::string_view(pattern).substr(1))) continue;
    return FieldError(fmt::format("{}.allowed[{}]", field, i),
                      "must be a host name or a label of one, *.DOMAIN with two labels or more, or *");
  }
  if (!part.default_value().empty() && !IsAllowed(part, LowerCase(part.default_value()))) {
    return FieldError(field + ".default_value", "is not among the allowed values");
  }
  return absl::OkStatus();
}

}  // namespace

bool IsHostName(std::string_view text) {
  return AreLabels(text) && !IsNumber(text.substr(text.rfind('.') + 1));
}

absl::Status CheckUrlPartRules(const config::v1::Provider& record) {
  for (const auto& [name, part] : record.url_parts()) RETURN_IF_ERROR(CheckRule(name, part));
  if (record.url_parts().contains(std::string(kClientIdPart))) {
    return FieldError(FieldOfPart(kClientIdPart), "stands for client.client_id, and needs no rule");
  }
  std::set<std::string_view> used;
  for (const auto& [field, url] : UrlsOf(record)) {
    const auto placeholders = PlaceholdersOf(*url);
    if (!placeholders.has_value()) {
      return FieldError(field, "has braces that are not a {part} of the host or the path");
    }
    for (const Placeholder& placeholder : *placeholders) {
      if (placeholder.name == kClientIdPart && field == "revocation_endpoint") {
        if (!placeholder.domain.has_value()) continue;
        return FieldError(field, "can have {client_id} in its path only");
      }
      const auto rule = record.url_parts().find(std::string(placeholder.name));
      if (rule == record.url_parts().end()) {
        return FieldError(FieldOfPart(placeholder.name), fmt::format("is missing; {} has it", field));
      }
      used.insert(rule->first);
      const auto& allowed = rule->second.allowed();
      if (!placeholder.domain.has_value() || IsFixedDomain(*placeholder.domain)) continue;
      for (const std::string& pattern : allowed) {
        if (pattern != kAnyLabel && (pattern.starts_with('*') || IsHostName(pattern))) continue;
        return FieldError(FieldOfPart(placeholder.name) + ".allowed",
                          fmt::format("must be host names where {} has no fixed domain after it", field));
      }
    }
  }
  for (const auto& [name, part] : record.url_parts()) {
    if (!used.contains(name)) return FieldError(FieldOfPart(name), "is used by no URL");
  }
  if (!used.empty() && record.token_endpoint().empty()) {
    return FieldError("token_endpoint", "is missing; URLs with parts are not discovered");
  }
  return absl::OkStatus();
}

absl::StatusOr<UrlParts> ChooseUrlParts(const config::v1::Provider& record, const UrlParts& given) {
  for (const auto& [name, value] : given) {
    if (!record.url_parts().contains(name)) {
      return FieldError("url_parts",
                        fmt::format("has a name that is not a part of provider '{}'", record.id()));
    }
  }
  UrlParts chosen;
  for (const auto& [name, part] : record.url_parts()) {
    const auto found = given.find(name);
    const std::string value = LowerCase(found != given.end() ? found->second : part.default_value());
    if (value.empty()) {
      return FieldError(FieldOfPart(name), fmt::format("is required by provider '{}'", record.id()));
    }
    if (!AreLabels(value)) return FieldError(FieldOfPart(name), "must be a host name, or a label of one");
    if (!IsAllowed(part, value)) {
      return FieldError(FieldOfPart(name), fmt::format("is not one that provider '{}' allows", record.id()));
    }
    chosen.emplace(name, value);
  }
  return chosen;
}

std::string ExpandUrl(std::string_view url, const UrlParts& parts) {
  std::string expanded;
  while (!url.empty()) {
    const size_t begin = std::min(url.size(), url.find('{'));
    expanded += url.substr(0, begin);
    url.remove_prefix(begin);
    if (url.empty()) break;
    const size_t end = url.find('}');
    const auto part =
        end == std::string_view::npos ? parts.end() : parts.find(std::string(url.substr(1, end - 1)));
    const size_t length = part == parts.end() ? 1 : end + 1;
    expanded += part == parts.end() ? std::string_view("{") : std::string_view(part->second);
    url.remove_prefix(length);
  }
  return expanded;
}

}  // namespace grantkeep
