// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CONFIG_YAML_TREE_H_
#define GRANTKEEP_CONFIG_YAML_TREE_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace grantkeep {

struct YamlEntry;

// A YAML document as it was written: unlike YAML::Node it keeps duplicate keys, the line of every
// node, and whether a scalar was quoted.
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  int line = 1;
  bool quoted = false;             // kScalar
  std::string scalar;              // kScalar
  std::vector<YamlNode> items;     // kSequence
  std::vector<YamlEntry> entries;  // kMap, in order
};

struct YamlEntry {
  YamlNode key;  // of any kind
  YamlNode value;
};

// What is wrong with a document, without any of its values.
struct YamlProblem {
  int line = 0;  // 0: the document as a whole
  std::string message;
};

// Largest document and deepest nesting that are read.
inline constexpr size_t kMaxYamlBytes = size_t{1024} * 1024;
inline constexpr size_t kMaxYamlDepth = 16;

// Reads one document of the subset that configuration needs: valid UTF-8 without control
// characters, no tabs in the indentation, no anchors, aliases or tags. An empty text is a null node.
std::variant<YamlNode, YamlProblem> ParseYamlTree(std::string_view text);

}  // namespace grantkeep

#endif  // GRANTKEEP_CONFIG_YAML_TREE_H_
