// SPDX-License-Identifier: Apache-2.0
#include "tests/support/browser.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <utility>

namespace grantkeep::testing {
namespace {

size_t Append(char* data, size_t, size_t size, void* target) {
  static_cast<std::string*>(target)->append(data, size);
  return size;
}

std::string HtmlUnescape(std::string text) {
  const std::pair<std::string_view, std::string_view> entities[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#x27;", "'"}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : entities) {
    for (size_t at = text.find(entity); at != std::string::npos; at = text.find(entity, at + 1)) {
      text.replace(at, entity.size(), character);
    }
  }
  return text;
}

std::string Attribute(const std::string& tag, const std::string& name) {
  std::smatch found;
  if (!std::regex_search(tag, found, std::regex("\\s" + name + "=\"([^\"]*)\""))) return "";
  return HtmlUnescape(found[1]);
}

std::string PercentDecode(std::string_view text) {
  int size = 0;
  char* decoded = curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &size);
  std::string result(decoded, static_cast<size_t>(size));
  curl_free(decoded);
  return result;
}

}  // namespace

struct Browser::State {
  std::unique_ptr<CURL, void (*)(CURL*)> curl{curl_easy_init(), curl_easy_cleanup};
};

std::map<std::string, std::string> Page::FormFields() const {
  static const std::regex kInput("<input[^>]*>");
  std::map<std::string, std::string> fields;
  for (std::sregex_iterator tag(body.begin(), body.end(), kInput), end; tag != end; ++tag) {
    const std::string name = Attribute(tag->str(), "name");
    if (!name.empty()) fields[name] = Attribute(tag->str(), "value");
  }
  return fields;
}

Browser::Browser() : state_(std::make_unique<State>()) {
  CURL* curl = state_->curl.get();
  curl_easy_setopt(curl, CURLOPT_COOKIEFILE, "");  // keeps cookies, in memory
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Append);
}

Browser::~Browser() = default;

void Browser::Trust(const std::string& ca_file) {
  curl_easy_setopt(state_->curl.get(), CURLOPT_CAINFO, ca_file.c_str());
}

Page Browser::Get(const std::string& url) { return Send(url, nullptr, ""); }

Page Browser::Post(const std::string& url, const std::map<std::string, std::string>& fields,
                   const std::string& authorization) {
  std::string body;
  for (const auto& [name, value] : fields) {
    if (!body.empty()) body += '&';
    body += UrlEncode(name) + '=' + UrlEncode(value);
  }
  return PostBody(url, body, authorization);
}

Page Browser::PostBody(const std::string& url, const std::string& body, const std::string& authorization) {
  return Send(url, &body, authorization);
}

Page Browser::GetWithToken(const std::string& url, std::string_view access_token) {
  return Send(url, nullptr, fmt::format("Bearer {}", access_token));
}

Page Browser::Send(const std::string& url, const std::string* body, const std::string& authorization) {
  CURL* curl = state_->curl.get();
  Page page;
  page.url = url;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &page.body);
  curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  if (body != nullptr) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
    curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body->c_str());
  }
  curl_slist* headers = nullptr;
  if (!authorization.empty())
    headers = curl_slist_append(headers, ("Authorization: " + authorization).c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  if (curl_easy_perform(curl) == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    page.status = static_cast<int>(status);
    char* location = nullptr;
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
    if (location != nullptr) page.location = location;
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
  curl_slist_free_all(headers);
  return page;
}

std::string UrlEncode(std::string_view text) {
  if (text.empty()) return "";
  char* encoded = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  std::string result(encoded);
  curl_free(encoded);
  return result;
}

std::string QueryParameter(std::string_view url, std::string_view name) {
  size_t at = url.find('?');
  while (at < url.size()) {
    const std::string_view field = url.substr(at + 1, url.find('&', at + 1) - at - 1);
    if (field.starts_with(name) && field.substr(name.size()).starts_with('=')) {
      std::string value(field.substr(name.size() + 1));
      std::replace(value.begin(), value.end(), '+', ' ');
      return PercentDecode(value);
    }
    at = url.find('&', at + 1);
  }
  return "";
}

}  // namespace grantkeep::testing
