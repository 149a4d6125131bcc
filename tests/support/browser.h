// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_BROWSER_H_
#define GRANTKEEP_TESTS_SUPPORT_BROWSER_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace grantkeep::testing {

// What a browser shows, or where it is sent.
struct Page {
  std::string url;       // where this page came from
  int status = 0;        // 0: no answer
  std::string location;  // of a redirect, absolute; empty otherwise
  std::string body;

  // The named inputs of the page's form with their values (hidden ones, mostly).
  std::map<std::string, std::string> FormFields() const;
};

// A user's browser with its cookies. Does not follow redirects by itself. Blocking.
class Browser {
 public:
  Browser();
  ~Browser();

  // Accepts https servers with certificates of this CA (a PEM file), and no others.
  void Trust(const std::string& ca_file);
  Page Get(const std::string& url);
  // `authorization`: that header, when not empty.
  Page Post(const std::string& url, const std::map<std::string, std::string>& fields,
            const std::string& authorization = "");
  // A form that is encoded already.
  Page PostBody(const std::string& url, const std::string& body, const std::string& authorization = "");
  Page GetWithToken(const std::string& url, std::string_view access_token);

 private:
  Page Send(const std::string& url, const std::string* body, const std::string& authorization);

  struct State;
  std::unique_ptr<State> state_;
};

std::string UrlEncode(std::string_view text);

// The value of a query parameter of `url`, percent-decoded; empty when there is none.
std::string QueryParameter(std::string_view url, std::string_view name);

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_BROWSER_H_
