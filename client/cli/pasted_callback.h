// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_PASTED_CALLBACK_H_
#define GRANTKEEP_CLIENT_CLI_PASTED_CALLBACK_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "client/cli/console.h"

namespace grantkeep::cli {

// The callback's URL, when `pasted` is one for this redirect URI that carries the flow's state; white
// space around it is taken off.
std::optional<std::string> CallbackIn(std::string_view pasted, std::string_view redirect_uri,
                                      std::string_view state);

// Takes the callback from standard input: where no browser can reach this machine, the user copies
// the address of the page that their browser failed to load. The line holds the authorization code,
// so nothing of it is repeated. One thread.
class PastedCallback {
 public:
  // `console` must outlive this object.
  PastedCallback(const Console& console, std::string redirect_uri, std::string state);
  ~PastedCallback();
  PastedCallback(const PastedCallback&) = delete;
  PastedCallback& operator=(const PastedCallback&) = delete;

  // Reads what is there, waiting up to `patience` for it, and tells the user about lines that are not
  // the callback. True when there is nothing more to wait for here: found() or ended().
  bool Look(std::chrono::milliseconds patience);
  const std::optional<std::string>& found() const { return found_; }
  // The input has ended without the callback, or cannot be read.
  bool ended() const { return ended_ && !found_.has_value(); }

 private:
  void TakeLine(std::string_view line);

  const Console& console_;
  const std::string redirect_uri_;
  const std::string state_;
  std::string buffer_;
  bool ended_ = false;
  std::optional<std::string> found_;
};

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_PASTED_CALLBACK_H_
