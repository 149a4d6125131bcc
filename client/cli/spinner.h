// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_SPINNER_H_
#define GRANTKEEP_CLIENT_CLI_SPINNER_H_

#include <chrono>
#include <cstddef>
#include <string>

#include "client/cli/console.h"

namespace grantkeep::cli {

// One line on standard error that shows that something is waited for and how long still. On
// anything but a terminal it prints nothing.
class Spinner {
 public:
  Spinner(const Console& console, std::string text);
  // Removes the line.
  ~Spinner();
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  void Tick(std::chrono::seconds left);

 private:
  const Console& console_;
  const std::string text_;
  const bool enabled_;
  const bool unicode_;
  size_t frame_ = 0;
};

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_SPINNER_H_
