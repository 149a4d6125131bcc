// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/redis/behaviour_table.h"

#include <cctype>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "tests/support/child_process.h"

namespace grantkeep::testing {
namespace {

constexpr std::string_view kFirstColumn = "Trouble";

std::string Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(' ') - begin + 1));
}

// The cells of "| a | b |"; none of another line.
std::vector<std::string> CellsOf(std::string_view line) {
  std::vector<std::string> cells;
  if (!line.starts_with('|')) return cells;
  line.remove_prefix(1);
  for (size_t end = 0; (end = line.find('|')) != std::string_view::npos; line.remove_prefix(end + 1)) {
    cells.push_back(Trimmed(line.substr(0, end)));
  }
  return cells;
}

std::string TestNameOf(std::string_view row) {
  std::string name;
  bool begins_word = true;
  for (const char c : row) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0) name += begins_word ? static_cast<char>(std::toupper(letter)) : c;
    begins_word = std::isalnum(letter) == 0;
  }
  return name;
}

}  // namespace

std::map<std::string, Behaviour> ReadBehaviourTable() {
  std::map<std::string, Behaviour> table;
  std::vector<std::string> columns;
  std::istringstream document(ReadFile(REDIS_DOCUMENT));
  for (std::string line; std::getline(document, line);) {
    const std::vector<std::string> cells = CellsOf(line);
    if (!cells.empty() && cells[0] == kFirstColumn) columns = cells;
    if (columns.empty() || cells.empty()) {
      if (!table.empty()) break;
      continue;
    }
    if (cells[0] == kFirstColumn || cells[0].starts_with('-')) continue;
    if (cells.size() != columns.size()) throw std::runtime_error("docs/redis.md: odd row " + line);
    Behaviour& row = table[TestNameOf(cells[0])];
    if (!row.empty()) throw std::runtime_error("docs/redis.md: two rows " + cells[0]);
    for (size_t i = 1; i < cells.size(); ++i) row.emplace_back(columns[i], cells[i]);
  }
  if (table.empty()) throw std::runtime_error("docs/redis.md: no behaviour table");
  return table;
}

}  // namespace grantkeep::testing
