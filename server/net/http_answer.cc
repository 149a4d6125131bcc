// SPDX-License-Identifier: Apache-2.0
#include "net/http_answer.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace grantkeep {
namespace {

constexpr size_t kFirstBuffer = size_t{4} * 1024;

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

bool HttpAnswer::Refuse(std::string_view problem) {
  problem_ = problem;
  return false;
}

bool HttpAnswer::AddHeaderLine(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes || ++header_lines_ > kMaxHeaderLines) {
    return Refuse("oversized header");
  }
  if (header_done_) return true;  // a trailer
  if (line.starts_with("HTTP/")) return AddStatusLine(line);
  if (Trim(line).empty()) {
    header_done_ = response_.status >= 200;
    return true;
  }
  return AddField(line);
}

bool HttpAnswer::AddStatusLine(std::string_view line) {
  response_.headers.clear();  // those of an interim response
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return Refuse("malformed status line");
  const std::string_view code = line.substr(space + 1, 3);
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), response_.status);
  if (error != std::errc() || end != code.data() + 3 || response_.status < 100) {
    return Refuse("malformed status line");
  }
  return true;
}

bool HttpAnswer::AddField(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {  // obsolete line folding, RFC 9112 section 5.2
    if (response_.headers.empty()) return Refuse("malformed header");
    response_.headers.back().second.append(" ").append(Trim(line));
    return true;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return Refuse("malformed header");
  response_.headers.emplace_back(LowerCase(line.substr(0, colon)), Trim(line.substr(colon + 1)));
  return true;
}

bool HttpAnswer::AddBody(std::string_view bytes) {
  const size_t size = body_size_ + bytes.size();
  if (size > HttpClient::kMaxBody) return Refuse("oversized body");
  if (size > response_.body.size()) {
    Secret larger = Secret::OfSize(std::max({size, 2 * response_.body.size(), kFirstBuffer}));
    std::ranges::copy(response_.body.Expose().substr(0, body_size_), larger.Mutable().begin());
    response_.body = std::move(larger);
  }
  std::ranges::copy(bytes, response_.body.Mutable().begin() + static_cast<std::ptrdiff_t>(body_size_));
  body_size_ = size;
  return true;
}

HttpResponse HttpAnswer::Take() {
  response_.body.Truncate(body_size_);
  body_size_ = 0;
  return std::exchange(response_, {});
}

}  // namespace grantkeep
