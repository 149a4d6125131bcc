// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_TEXT_H_
#define GRANTKEEP_CLIENT_CLI_TEXT_H_

#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grantkeep::cli {

// `text` with everything that a terminal might obey or that could deceive a reader replaced by
// a visible escape: control characters (\x1b), bidirectional overrides (\u{202e}), bytes that
// are not UTF-8 (\xff). Other UTF-8 is kept.
std::string Printable(std::string_view text);
// Whether Printable would change nothing.
bool IsPrintable(std::string_view text);

// A JSON document with the same characters replaced by JSON escapes inside its strings.
std::string TerminalSafeJson(std::string_view json);

// "2026-11-23T02:10:00Z (in 9 min)"
std::string TimeAndDistance(const google::protobuf::Timestamp& time,
                            std::chrono::system_clock::time_point now);
// "9 min", "2 h", "3 days": one unit, rounded down.
std::string Distance(std::chrono::seconds distance);

// "10s", "500ms", "5m", "1h", or "10" for seconds; nothing for other texts and more than a day.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

// Rows under a headline, columns padded. Cells are made printable.
std::string Table(const std::vector<std::vector<std::string>>& rows);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_TEXT_H_
