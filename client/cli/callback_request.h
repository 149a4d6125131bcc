// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_CALLBACK_REQUEST_H_
#define GRANTKEEP_CLIENT_CLI_CALLBACK_REQUEST_H_

#include <optional>
#include <string>
#include <string_view>

namespace grantkeep::cli {

// What the callback listener needs of an HTTP/1.x request. Anything on this machine may have
// sent it.
struct CallbackRequest {
  std::string method;
  // Origin form: a path with its query.
  std::string target;
  // The Host header; empty when there is none.
  std::string host;
};

// Reads a request's head: the bytes up to and including the empty line. Nothing when it is
// malformed: not HTTP/1.x, a target in another form or with bytes outside %x21-7E, folded
// lines, more than one Host.
std::optional<CallbackRequest> ParseRequestHead(std::string_view head);

// What the listener waits for.
struct ExpectedCallback {
  // "127.0.0.1:PORT". Another Host is a page that reached us by DNS rebinding, or a mistake.
  std::string host;
  // The flow's state parameter.
  std::string state;
  // Whether it has arrived; then the done page exists.
  bool arrived = false;
};

inline constexpr char kCallbackPath[] = "/callback";
inline constexpr char kDonePath[] = "/done";

struct CallbackAnswer {
  // The complete HTTP response.
  std::string response;
  // Set when this request was the callback: its target.
  std::optional<std::string> callback_target;
  // This request fetched the done page.
  bool done_page = false;
};

// Whether a query has exactly one `state` parameter, and it is this one.
bool CarriesState(std::string_view query, std::string_view state);

// Decides about one request; without one, it was malformed. Only GET on the callback path
// with exactly one, right state is the callback, and it is answered with 303 to the done page,
// so that code and state stay out of the address bar and the history (RFC 9700 section 4.2.4).
CallbackAnswer AnswerTo(const std::optional<CallbackRequest>& request, const ExpectedCallback& expected);
// The answer to a request whose head does not end within the limit.
std::string TooLargeAnswer();

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_CALLBACK_REQUEST_H_
