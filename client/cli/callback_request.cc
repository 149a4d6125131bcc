// SPDX-License-Identifier: Apache-2.0
#include "client/cli/callback_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace grantkeep::cli {
namespace {

constexpr char kStyle[] =
    "body{font:17px/1.5 system-ui,sans-serif;max-width:32em;margin:18vh auto;padding:0 1em}";
// Of kStyle, so that the policy allows this style and no other.
constexpr char kStyleDigest[] = "sha256-Sf2SaV1LZWzGQVzHr/Y2j+NQoGWKdbHMGbAgbq4ZNy0=";

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsHost(std::string_view name) { return std::ranges::equal(name, std::string_view("host"), {}, Lower); }

// Takes the text up to `separator` off the front of `rest`.
std::string_view TakeUntil(std::string_view& rest, std::string_view separator) {
  const size_t at = rest.find(separator);
  const std::string_view front = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + separator.size());
  return front;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = Lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// application/x-www-form-urlencoded; a stray % stays as it is, which matches nothing of ours.
std::string FormDecode(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0) {
      result += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

// Takes the same time wherever the two differ.
bool Equal(std::string_view a, std::string_view b) {
  uint8_t difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) difference |= static_cast<uint8_t>(a[i] ^ b[i]);
  return difference == 0;
}

std::string Response(std::string_view status, std::string_view headers, std::string_view title,
                     std::string_view text) {
  const std::string body = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>"
      "<style>{}</style></head><body><h1>{}</h1><p>{}</p></body></html>\n",
      title, kStyle, title, text);
  return fmt::format(
      "HTTP/1.1 {}\r\n{}"
      "Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n"
      "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
      "X-Frame-Options: DENY\r\nCross-Origin-Resource-Policy: same-origin\r\n"
      "Content-Security-Policy: default-src 'none'; style-src '{}'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'\r\n\r\n{}",
      status, headers, body.size(), kStyleDigest, body);
}

CallbackAnswer Refusal(std::string_view status, std::string_view text, std::string_view headers = "") {
  return {.response = Response(status, headers, "This is not the page", text),
          .callback_target = std::nullopt,
          .done_page = false};
}

}  // namespace

bool CarriesState(std::string_view query, std::string_view state) {
  int matching = 0;
  int all = 0;
  while (!query.empty()) {
    std::string_view value = TakeUntil(query, "&");
    const std::string_view name = TakeUntil(value, "=");
    if (FormDecode(name) != "state") continue;
    ++all;
    matching += Equal(FormDecode(value), state) ? 1 : 0;
  }
  return all == 1 && matching == 1;
}

std::optional<CallbackRequest> ParseRequestHead(std::string_view head) {
  std::string_view line = TakeUntil(head, "\r\n");
  CallbackRequest request;
  request.method = TakeUntil(line, " ");
  request.target = TakeUntil(line, " ");
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (request.method.empty() || !std::ranges::all_of(request.method, visible)) return std::nullopt;
  if (!request.target.starts_with('/') || !std::ranges::all_of(request.target, visible)) return std::nullopt;
  if (line != "HTTP/1.1" && line != "HTTP/1.0") return std::nullopt;
  bool host_seen = false;
  while (!head.empty()) {
    std::string_view value = TakeUntil(head, "\r\n");
    if (value.empty()) return head.empty() ? std::optional(request) : std::nullopt;
    if (value.find(':') == std::string_view::npos || value[0] == ' ' || value[0] == '\t') return std::nullopt;
    if (!IsHost(TakeUntil(value, ":"))) continue;
    if (host_seen) return std::nullopt;
    host_seen = true;
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    request.host = value;
  }
  return std::nullopt;
}

CallbackAnswer AnswerTo(const std::optional<CallbackRequest>& request, const ExpectedCallback& expected) {
  if (!request.has_value()) return Refusal("400 Bad Request", "That was not an HTTP request.");
  if (request->host != expected.host) return Refusal("400 Bad Request", "That was meant for another host.");
  std::string_view query = request->target;
  const std::string_view path = TakeUntil(query, "?");
  const bool done = path == kDonePath && expected.arrived;
  if (path != kCallbackPath && !done) return Refusal("404 Not Found", "There is nothing here.");
  if (request->method != "GET") return Refusal("405 Method Not Allowed", "Only GET.", "Allow: GET\r\n");
  if (done) {
    return {.response = Response("200 OK", "", "Back to the terminal",
                                 "Grantkeep has the provider's answer; the terminal shows what came of it. "
                                 "You can close this window."),
            .callback_target = std::nullopt,
            .done_page = true};
  }
  if (expected.arrived || !CarriesState(query, expected.state)) {
    return Refusal("400 Bad Request", "This does not belong to the sign-in that is waiting.");
  }
  return {.response = Response("303 See Other", fmt::format("Location: {}\r\n", kDonePath), "Signing in", ""),
          .callback_target = request->target,
          .done_page = false};
}

std::string TooLargeAnswer() {
  return Refusal("431 Request Header Fields Too Large", "That was too much.").response;
}

}  // namespace grantkeep::cli
