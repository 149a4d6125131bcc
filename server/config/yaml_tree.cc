// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <utility>

namespace grantkeep {
namespace {

// Length of the UTF-8 sequence at the start of `text` (RFC 3629), or 0 when it is malformed.
size_t Utf8SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                        : lead >= 0xE0 && lead <= 0xEF ? 3
                        : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) > 0x9F;
  const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

// The checks on bytes that yaml-cpp would answer with guesses.
std::optional<YamlProblem> CheckBytes(std::string_view text) {
  if (text.size() > kMaxYamlBytes) {
    return YamlProblem{0, fmt::format("is larger than {} bytes", kMaxYamlBytes)};
  }
  int line = 1;
  bool indentation = true;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const size_t length = Utf8SequenceLength(text.substr(i));
    if (length == 0) return YamlProblem{line, "is not valid UTF-8"};
    if (c == '\t' && indentation) return YamlProblem{line, "has a tab in its indentation; use spaces"};
    const bool line_break = c == '\n' || (c == '\r' && text.substr(i + 1, 1) == "\n");
    const bool control = (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7F;
    if (control && !line_break) return YamlProblem{line, "has a control character"};
    if (c == '\n') ++line;
    indentation = c == '\n' || (indentation && c == ' ');
    i += length;
  }
  return std::nullopt;
}

// Builds the tree from yaml-cpp's events and leaves it, by a thrown YamlProblem, at the first
// thing that configuration does not use.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckPlain(mark, "?", anchor);
    Attach(NodeAt(mark, YamlNode::Kind::kNull));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YamlProblem{mark.line + 1, "has an alias; aliases are not accepted"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckPlain(mark, tag, anchor);
    YamlNode node = NodeAt(mark, YamlNode::Kind::kScalar);
    node.quoted = tag == "!";
    node.scalar = value;
    Attach(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckPlain(mark, tag, anchor);
    Open(NodeAt(mark, YamlNode::Kind::kSequence));
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckPlain(mark, tag, anchor);
    Open(NodeAt(mark, YamlNode::Kind::kMap));
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    YamlNode node;
    std::optional<YamlNode> key;  // kMap: read, its value still to come
  };

  static YamlNode NodeAt(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    return node;
  }

  // yaml-cpp's own tags are "" and "?" for plain nodes and "!" for quoted scalars.
  static void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      throw YamlProblem{mark.line + 1, "has an anchor; anchors are not accepted"};
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw YamlProblem{mark.line + 1, "has a tag; tags are not accepted"};
    }
  }

  void Open(YamlNode node) {
    if (levels_.size() == kMaxYamlDepth) {
      throw YamlProblem{node.line, fmt::format("is nested deeper than {} levels", kMaxYamlDepth)};
    }
    levels_.push_back({std::move(node), std::nullopt});
  }

  void Close() {
    YamlNode node = std::move(levels_.back().node);
    levels_.pop_back();
    Attach(std::move(node));
  }

  void Attach(YamlNode node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& parent = levels_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key.has_value()) {
      parent.key = std::move(node);
    } else {
      // yaml-cpp reports a missing value at the token that follows it.
      if (node.kind == YamlNode::Kind::kNull) node.line = parent.key->line;
      parent.node.entries.push_back({*std::move(parent.key), std::move(node)});
      parent.key.reset();
    }
  }

  YamlNode root_;
  std::vector<Level> levels_;
};

}  // namespace

std::variant<YamlNode, YamlProblem> ParseYamlTree(std::string_view text) {
  if (auto problem = CheckBytes(text); problem.has_value()) return *std::move(problem);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder)) return YamlNode();
    TreeBuilder further;
    if (parser.HandleNextDocument(further)) return YamlProblem{0, "has more than one document"};
    return builder.TakeRoot();
  } catch (YamlProblem& problem) {
    return std::move(problem);
  } catch (const YAML::Exception& e) {
    // What follows a colon in yaml-cpp's messages is quoted from the document.
    const std::string message = e.msg.substr(0, e.msg.find(':'));
    return YamlProblem{e.mark.is_null() ? 0 : e.mark.line + 1, fmt::format("is not valid YAML: {}", message)};
  } catch (const std::exception&) {
    return YamlProblem{0, "is not valid YAML"};
  }
}

}  // namespace grantkeep
