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
#include "base/status_macros.h"
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

class Walker {
 public:
  // Notes in `lines`, unless it is null, where each field stands.
  Walker(std::string_view source, YamlLines* lines) : source_(source), lines_(lines) {}

  absl::Status Document(const YamlNode& root, Message& message) {
    if (root.kind != YamlNode::Kind::kNull) Note(ReadMessage(root, "", message));
    return Together();
  }

  absl::Status Wrong(int line, const std::string& path, std::string_view what) const {
    const std::string place = line == 0 ? source_ : fmt::format("{}:{}", source_, line);
    return Annotate(path.empty() ? Error(Reason::kInvalidField, what) : FieldError(path, what), place);
  }

 private:
  // A mistake does not end the reading, so that all are found at once.
  void Note(const absl::Status& status) {
    if (!status.ok()) wrong_.push_back(status);
  }
  void NoteLine(const std::string& path, int line) {
    if (lines_ != nullptr) lines_->Note(path, line);
  }

  // The one mistake, or the messages of all, a line each.
  absl::Status Together() const {
    if (wrong_.size() <= 1) return wrong_.empty() ? absl::OkStatus() : wrong_.front();
    std::vector<std::string> messages;
    for (const absl::Status& wrong : wrong_) {
      if (messages.size() == kMaxMistakes) {
        messages.push_back(fmt::format("and {} more", wrong_.size() - kMaxMistakes));
        break;
      }
      messages.emplace_back(wrong.message());
    }
    return Error(Reason::kInvalidField, fmt::format("{}", fmt::join(messages, "\n")));
  }

  absl::Status ReadMessage(const YamlNode& node, const std::string& path, Message& message) {
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
      if (key.kind != YamlNode::Kind::kScalar) {
        Note(Wrong(key.line, path, "has a key that is not a word"));
        continue;
      }
      const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(key.scalar);
      if (field == nullptr) {
        if (secret) return Wrong(key.line, path, kSecretsByReference);
        Note(UnknownKey(key, path, *message.GetDescriptor()));
        continue;
      }
      const std::string field_path = Join(path, field->name());
      if (!seen.insert(key.scalar).second) {
        Note(Wrong(key.line, field_path, "is given twice"));
        continue;
      }
      NoteLine(field_path, key.line);
      absl::Status read = CheckOneof(key, field_path, *field, message);
      if (read.ok()) read = ReadField(value, field_path, *field, message);
      Note(read);
    }
    return absl::OkStatus();
  }

  absl::Status UnknownKey(const YamlNode& key, const std::string& path, const Descriptor& type) const {
    return Wrong(key.line, Join(path, Shown(key.scalar)), WhatIsUnknown(key.scalar, type));
  }

  absl::Status CheckOneof(const YamlNode& key, const std::string& path, const FieldDescriptor& field,
                          const Message& message) const {
    const auto* oneof = field.real_containing_oneof();
    if (oneof == nullptr || !message.GetReflection()->HasOneof(message, oneof)) return absl::OkStatus();
    const auto* other = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
    return Wrong(key.line, path, fmt::format("cannot be given together with {}", other->name()));
  }

  absl::Status ReadField(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                         Message& message) {
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

  absl::Status ReadList(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                        Message& message) {
    if (value.kind != YamlNode::Kind::kSequence) {
      if (IsSecretReference(field)) return Wrong(value.line, path, kSecretsByReference);
      return Wrong(value.line, path, "must be a list, also for a single element");
    }
    for (size_t i = 0; i < value.items.size(); ++i) {
      const YamlNode& item = value.items[i];
      const std::string item_path = fmt::format("{}[{}]", path, i);
      NoteLine(item_path, item.line);
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Note(ReadMessage(item, item_path, *message.GetReflection()->AddMessage(&message, &field)));
      } else {
        Note(ReadScalar(item, item_path, field, message));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadMap(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                       Message& message) {
    if (value.kind != YamlNode::Kind::kMap) {
      return Wrong(value.line, path, "must be a group of \"key: value\" lines");
    }
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    std::set<std::string_view> seen;
    for (const auto& [key, element] : value.entries) {
      if (key.kind != YamlNode::Kind::kScalar) {
        Note(Wrong(key.line, path, "has a key that is not a word"));
        continue;
      }
      const std::string element_path = fmt::format("{}[\"{}\"]", path, Shown(key.scalar));
      if (!seen.insert(key.scalar).second) {
        Note(Wrong(key.line, element_path, "is given twice"));
        continue;
      }
      NoteLine(element_path, key.line);
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      absl::Status read = ReadScalar(key, element_path, key_field, entry);
      if (read.ok()) read = ReadField(element, element_path, value_field, entry);
      Note(read);
    }
    return absl::OkStatus();
  }

  absl::Status ReadDuration(const YamlNode& node, const std::string& path, Message& message) {
    const auto parsed = node.kind == YamlNode::Kind::kScalar ? ParseDuration(node.scalar) : std::nullopt;
    if (!parsed.has_value()) {
      return Wrong(node.line, path, "must be a duration with its unit: \"500ms\", \"10s\", \"5m\" or \"1h\"");
    }
    const Descriptor& type = *message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    reflection.SetInt64(&message, type.FindFieldByName("seconds"), parsed->count() / 1000);
    reflection.SetInt32(&message, type.FindFieldByName("nanos"),
                        static_cast<int32_t>(parsed->count() % 1000) * 1'000'000);
    return absl::OkStatus();
  }

  // Sets a singular field, or appends to a repeated one.
  absl::Status ReadScalar(const YamlNode& node, const std::string& path, const FieldDescriptor& field,
                          Message& message) {
    const Reflection& reflection = *message.GetReflection();
    const bool scalar = node.kind == YamlNode::Kind::kScalar;
    const bool plain = scalar && !node.quoted;
    const auto put = [&](auto set, auto add, auto value) {
      field.is_repeated() ? (reflection.*add)(&message, &field, value)
                          : (reflection.*set)(&message, &field, value);
      return absl::OkStatus();
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
        return Wrong(node.line, path, fmt::format("must be one of {}", fmt::join(accepted, ", ")));
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
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    return Wrong(node.line, path, "cannot be configured");
  }

  const std::string source_;
  YamlLines* const lines_;
  std::vector<absl::Status> wrong_;
};

}  // namespace

absl::Status ReadYaml(std::string_view text, std::string_view source, google::protobuf::Message& message,
                      YamlLines* lines) {
  message.Clear();
  if (lines != nullptr) lines->SetSource(source);
  Walker walker(source, lines);
  const auto tree = ParseYamlTree(text);
  if (const auto* problem = std::get_if<YamlProblem>(&tree)) {
    return walker.Wrong(problem->line, "", problem->message);
  }
  const absl::Status status = walker.Document(std::get<YamlNode>(tree), message);
  if (!status.ok()) message.Clear();
  return status;
}

}  // namespace grantkeep
