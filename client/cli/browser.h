// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_BROWSER_H_
#define GRANTKEEP_CLIENT_CLI_BROWSER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace grantkeep::cli {

// Whether `url` may be given to a browser: https (http only to loopback), printable ASCII.
bool IsBrowsable(std::string_view url);

// The commands that open `url`, to be tried in order, each as its argument list: those of
// `browser` ($BROWSER: separated by colons, %s for the URL), else xdg-open when there is a
// `display`. No shell reads them.
std::vector<std::vector<std::string>> BrowserCommands(std::string_view browser, bool display,
                                                      const std::string& url);

// Starts the user's browser with the URL and does not wait for it. NOT_FOUND when there is
// none to start. The URL is visible to other users of this machine in the process list, as
// with every program that opens a browser; the session binding, which is not, protects the flow.
absl::Status OpenBrowser(const std::string& url);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_BROWSER_H_
