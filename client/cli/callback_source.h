// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_CALLBACK_SOURCE_H_
#define GRANTKEEP_CLIENT_CLI_CALLBACK_SOURCE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/callback_listener.h"
#include "client/cli/console.h"

namespace grantkeep::cli {

// Where the callback of one sign-in comes from: the browser, at a loopback port of this machine, or
// the user, who pastes its URL; whichever is first. The port may be missing where pasting is possible.
class CallbackSource {
 public:
  using Deadline = CallbackListener::Deadline;

  enum class Pasting {
    kNo,
    kPossible,  // standard input is a terminal: its end means only that nothing is pasted
    kExpected,  // asked for: the end of standard input is the end of the sign-in
  };

  // Listens on `port` (0: any). Fails when it cannot, unless the callback can be pasted.
  static absl::StatusOr<std::unique_ptr<CallbackSource>> Open(uint16_t port, Pasting pasting,
                                                              const Console& console);

  const std::string& redirect_uri() const { return redirect_uri_; }
  bool listens() const { return listener_ != nullptr; }
  uint16_t port() const { return port_; }

  // The callback's whole URL. DEADLINE_EXCEEDED at `deadline`; INVALID_ARGUMENT when standard input,
  // from which it was expected, has ended without it.
  absl::StatusOr<std::string> Wait(const std::string& state, Deadline deadline);
  // Serves the last page to the browser that brought the callback, if one did.
  void ServeDonePage(Deadline deadline);

 private:
  CallbackSource(std::unique_ptr<CallbackListener> listener, uint16_t port, Pasting pasting,
                 const Console& console);

  const std::unique_ptr<CallbackListener> listener_;
  const uint16_t port_;
  const Pasting pasting_;
  const Console& console_;
  const std::string redirect_uri_;
  bool came_by_browser_ = false;
};

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_CALLBACK_SOURCE_H_
