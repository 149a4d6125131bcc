// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_COLOURS_H_
#define GRANTKEEP_CLIENT_CLI_COLOURS_H_

#include <string>
#include <string_view>

namespace grantkeep::cli {

// Colours for one stream: only on a terminal that knows them, and not where the user has set
// NO_COLOR (no-color.org) or TERM=dumb. The text must be printable.
class Colours {
 public:
  explicit Colours(int fd);

  std::string Good(std::string_view text) const { return In("32", text); }
  std::string Doubtful(std::string_view text) const { return In("33", text); }
  std::string Bad(std::string_view text) const { return In("31", text); }
  std::string Heading(std::string_view text) const { return In("1", text); }

 private:
  std::string In(std::string_view code, std::string_view text) const;
  bool on_;
};

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_COLOURS_H_
