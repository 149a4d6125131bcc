// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CONFIG_YAML_LINES_H_
#define GRANTKEEP_CONFIG_YAML_LINES_H_

#include <map>
#include <string>
#include <string_view>

namespace grantkeep {

// Where in a file each field stands, for what is found wrong only after reading.
class YamlLines {
 public:
  void SetSource(std::string_view source) { source_ = source; }
  void Note(const std::string& path, int line) { lines_.emplace(path, line); }

  // Whether the field itself is there.
  bool Has(std::string_view path) const { return lines_.contains(path); }
  // The line of the field, or of the nearest group around it that is there; 0 when nothing of it is.
  int LineOf(std::string_view path) const;
  // "file:line" of the field, or of the nearest group around it that is there; the file alone when
  // nothing of it is; empty when no file was read.
  std::string PlaceOf(std::string_view path) const;

  // `problem`, which begins with "path: ", behind its place: "file:line: path: what is wrong".
  std::string Located(std::string_view problem) const;

 private:
  std::string source_;
  std::map<std::string, int, std::less<>> lines_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_CONFIG_YAML_LINES_H_
