// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "config/yaml_names.h"
#include "config/yaml_scalars.h"
#include "config/yaml_tree.h"

namespace grantkeep {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr char kDurationName[] = "google.protobuf.Duration";
// Written as {env: NAME}, {file: PATH} or {vault: {...}}. Whatever else stands there may be the
// secret itself, so that nothing of it, not even a key, appears in an error.
constexpr char kSecretReferenceName[] = "grantkeep.config.v1.SecretReference";
// More mistakes than these are only counted.
constexpr size_t kMaxMistakes = 50;

bool IsSecretReference(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == kSecretReferenceName;
}

std::string Join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

// Reads as far as it can. Each function is true when there was nothing wrong at its own level.
class Walker {
 public:
  explicit Walker(YamlReport& report) : report_(report) {}

  void Document(const YamlNode& root, Message& message) const {
    if (root.kind != YamlNode::Kind::kNull) ReadMessage(root, "", message);
  }

  // Keeps a problem and says that there was one; reading goes on with what stands beside it.
  bool Wrong(int line, std::string path, std::string what) const {
    report_.problems.push_back({.line = line, .path = std::move(path), .what = std::move(what)});
    return false;
  }

 private:
  bool ReadMessage(const YamlNode& node, const std::string& path, Message& message) const {
    if (message.GetDescriptor()->full_name() == kDurationName) return ReadDuration(node, path, message);
    const bool secret = message.GetDescriptor()->full_name() == kSecretReferenceName;
    if (node.kind != YamlNode::Kind::kMap) {
      if (secret) return Wrong(node.line, path, kSecretsByReference);
      if (node.kind == YamlNode::Kind::kNull) {
        return Wrong(node.line, path, "has no value; remove the key, or write {} for an empty group");
      }
      return Wrong(node.line, path, "must be a group of \"key: value\" lines");
    }
    std::set<std::string_view> seen;
    for (const auto& [key, value] : node.entries) {
      const FieldDescriptor* field = key.kind == YamlNode::Kind::kScalar
                                         ? message.GetDescriptor()->FindFieldByName(key.scalar)
                                         : nullptr;
      // The whole group may be the secret, so that one line says it all.
      if (secret && field == nullptr) return Wrong(key.line, path, kSecretsByReference);
      ReadEntry(key, value, path, field, seen, message);
    }
    return true;
  }

  bool ReadEntry(const YamlNode& key, const YamlNode& value, const std::string& path,
                 const FieldDescriptor* field, std::set<std::string_view>& seen, Message& message) const {
    if (key.kind != YamlNode::Kind::kScalar) return Wrong(key.line, path, "has a key that is not a word");
    if (field == nullptr) return UnknownKey(key, path, *message.GetDescriptor());
    const std::string field_path = Join(path, field->name());
    if (!seen.insert(key.scalar).second) return Wrong(key.line, field_path, "is given twice");
    report_.lines.Note(field_path, key.line);
    if (!CheckOneof(key, field_path, *field, message)) return false;
    return ReadField(value, field_path, *field, message);
  }

  bool UnknownKey(const YamlNode& key, const std::string& path, const Descriptor& type) const {
    return Wrong(key.line, Join(path, Shown(key.scalar)), WhatIsUnknown(key.scalar, type));
  }

  bool CheckOneof(const YamlNode& key, const std::string& path, const FieldDescriptor& field,
                  const Message& message) const {
    const auto* oneof = field.real_containing_oneof();
    if (oneof == nullptr || !message.GetReflection()->HasOneof(message, oneof)) return true;
    const auto* other = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
    return Wrong(key.line, path, fmt::format("cannot be given together with {}", other->name()));
  }

  bool ReadField(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                 Message& message) const {
    if (value.kind == YamlNode::Kind::kNull && field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      return Wrong(value.line, path, "has no value; remove the key, or give it one");
    }
    if (field.is_map()) return ReadMap(value, path, field, message);
    if (field.is_repeated()) return ReadList(value, path, field, message);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return ReadMessage(value, path, *message.GetReflection()->MutableMessage(&message, &field));
    }
    return ReadScalar(value, path, field, message);
  }

  bool ReadList(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                Message& message) const {
    if (value.kind != YamlNode::Kind::kSequence) {
      if (IsSecretReference(field)) return Wrong(value.line, path, kSecretsByReference);
      return Wrong(value.line, path, "must be a list, also for a single element");
    }
    for (size_t i = 0; i < value.items.size(); ++i) {
      const YamlNode& item = value.items[i];
      const std::string item_path = fmt::format("{}[{}]", path, i);
      report_.lines.Note(item_path, item.line);
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ReadMessage(item, item_path, *message.GetReflection()->AddMessage(&message, &field));
      } else {
        ReadScalar(item, item_path, field, message);
      }
    }
    return true;
  }

  bool ReadMap(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
               Message& message) const {
    if (value.kind != YamlNode::Kind::kMap) {
      return Wrong(value.line, path, "must be a group of \"key: value\" lines");
    }
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    std::set<std::string_view> seen;
    for (const auto& [key, element] : value.entries) {
      if (key.kind != YamlNode::Kind::kScalar) {
        Wrong(key.line, path, "has a key that is not a word");
        continue;
      }
      const std::string element_path = fmt::format("{}[\"{}\"]", path, Shown(key.scalar));
      if (!seen.insert(key.scalar).second) {
        Wrong(key.line, element_path, "is given twice");
        continue;
      }
      report_.lines.Note(element_path, key.line);
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      ReadScalar(key, element_path, key_field, entry);
      ReadField(element, element_path, value_field, entry);
    }
    return true;
  }

  bool ReadDuration(const YamlNode& node, const std::string& path, Message& message) const {
    const auto parsed = node.kind == YamlNode::Kind::kScalar ? ParseDuration(node.scalar) : std::nullopt;
    if (!parsed.has_value()) {
      return Wrong(node.line, path, "must be a duration with its unit: \"500ms\", \"10s\", \"5m\" or \"1h\"");
    }
    const Descriptor& type = *message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    reflection.SetInt64(&message, type.FindFieldByName("seconds"), parsed->count() / 1000);
    reflection.SetInt32(&message, type.FindFieldByName("nanos"),
                        static_cast<int32_t>(parsed->count() % 1000) * 1'000'000);
    return true;
  }

  // Sets a singular field, or appends to a repeated one.
  bool ReadScalar(const YamlNode& node, const std::string& path, const FieldDescriptor& field,
                  Message& message) const {
    const Reflection& reflection = *message.GetReflection();
    const bool scalar = node.kind == YamlNode::Kind::kScalar;
    const bool plain = scalar && !node.quoted;
    const auto put = [&](auto set, auto add, auto value) {
      field.is_repeated() ? (reflection.*add)(&message, &field, value)
                          : (reflection.*set)(&message, &field, value);
      return true;
    };
    const auto number = [&]<typename T>(auto set, auto add, T) {
      const auto value = plain ? ParseInteger<T>(node.scalar) : std::nullopt;
      if (value.has_value()) return put(set, add, *value);
      return Wrong(node.line, path,
                   fmt::format("must be a whole number from {} to {}, without quotes",
                               std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return number(&Reflection::SetInt32, &Reflection::AddInt32, int32_t{});
      case FieldDescriptor::CPPTYPE_INT64:
        return number(&Reflection::SetInt64, &Reflection::AddInt64, int64_t{});
      case FieldDescriptor::CPPTYPE_UINT32:
        return number(&Reflection::SetUInt32, &Reflection::AddUInt32, uint32_t{});
      case FieldDescriptor::CPPTYPE_UINT64:
        return number(&Reflection::SetUInt64, &Reflection::AddUInt64, uint64_t{});
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT: {
        const auto value = plain ? ParseDouble(node.scalar) : std::nullopt;
        if (!value.has_value()) return Wrong(node.line, path, "must be a number, without quotes");
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
          return put(&Reflection::SetDouble, &Reflection::AddDouble, *value);
        }
        return put(&Reflection::SetFloat, &Reflection::AddFloat, static_cast<float>(*value));
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        if (!plain || (node.scalar != "true" && node.scalar != "false")) {
          return Wrong(node.line, path, "must be true or false");
        }
        return put(&Reflection::SetBool, &Reflection::AddBool, node.scalar == "true");
      case FieldDescriptor::CPPTYPE_ENUM: {
        std::vector<std::string> accepted;
        for (const auto& [name, value] : EnumNames(*field.enum_type())) {
          if (scalar && node.scalar == name) {
            return put(&Reflection::SetEnumValue, &Reflection::AddEnumValue, value);
          }
          accepted.push_back(name);
        }
        const std::string_view nearest = scalar ? NearestWord(node.scalar, accepted) : "";
        return Wrong(node.line, path,
                     fmt::format("must be one of {}{}", fmt::join(accepted, ", "),
                                 nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        if (!scalar)
          return Wrong(node.line, path, "must be a text; quote it if it looks like something else");
        if (std::any_of(node.scalar.begin(), node.scalar.end(),
                        [](unsigned char c) { return c < 0x20 || c == 0x7F; })) {
          return Wrong(node.line, path, "has a line break or another control character");
        }
        field.is_repeated() ? reflection.AddString(&message, &field, node.scalar)
                            : reflection.SetString(&message, &field, node.scalar);
        return true;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    return Wrong(node.line, path, "cannot be configured");
  }

  YamlReport& report_;
};

absl::Status Describe(const YamlReport::Problem& problem, std::string_view source) {
  const std::string place =
      problem.line == 0 ? std::string(source) : fmt::format("{}:{}", source, problem.line);
  return Annotate(problem.path.empty() ? Error(Reason::kInvalidField, problem.what)
                                       : FieldError(problem.path, problem.what),
                  place);
}

// The one problem, or the messages of all, a line each.
absl::Status Together(const std::vector<YamlReport::Problem>& problems, std::string_view source) {
  if (problems.size() == 1) return Describe(problems.front(), source);
  std::vector<std::string> messages;
  for (const YamlReport::Problem& problem : problems) {
    if (messages.size() == kMaxMistakes) {
      messages.push_back(fmt::format("and {} more", problems.size() - kMaxMistakes));
      break;
    }
    messages.emplace_back(Describe(problem, source).message());
  }
  return Error(Reason::kInvalidField, fmt::format("{}", fmt::join(messages, "\n")));
}

}  // namespace

YamlReport ReadWholeYaml(std::string_view text, google::protobuf::Message& message) {
  message.Clear();
  YamlReport report;
  const Walker walker(report);
  const auto tree = ParseYamlTree(text);
  if (const auto* problem = std::get_if<YamlProblem>(&tree)) {
    walker.Wrong(problem->line, "", problem->message);
  } else {
    walker.Document(std::get<YamlNode>(tree), message);
  }
  return report;
}

absl::Status ReadYaml(std::string_view text, std::string_view source, google::protobuf::Message& message,
                      YamlLines* lines) {
  YamlReport report = ReadWholeYaml(text, message);
  if (lines != nullptr) {
    *lines = std::move(report.lines);
    lines->SetSource(source);
  }
  if (report.problems.empty()) return absl::OkStatus();
  message.Clear();
  return Together(report.problems, source);
}

}  // namespace grantkeep
