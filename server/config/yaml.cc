// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "config/yaml_scalars.h"
#include "config/yaml_tree.h"

namespace grantkeep {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr char kDurationName[] = "google.protobuf.Duration";
// Written as {env: NAME}, {file: PATH} or {vault: {...}}. Whatever else stands there may be the
// secret itself, so that nothing of it, not even a key, appears in an error.
constexpr char kSecretReferenceName[] = "grantkeep.config.v1.SecretReference";
constexpr char kSecretsByReference[] =
    "secrets are given by reference only, never by value: write {env: NAME}, {file: PATH} or "
    "{vault: {tenant: T, name: N}}";

bool IsSecretReference(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == kSecretReferenceName;
}

// A key as it may appear in a message: short and printable.
std::string Shown(std::string_view key) {
  std::string shown;
  for (const char c : key.substr(0, 64)) shown += c >= 0x20 && c < 0x7F ? c : '?';
  return shown;
}

std::string Join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

// "PROVIDER_KIND_" for ProviderKind.
std::string EnumPrefix(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (std::isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return prefix + "_";
}

// What the values of `type` are called in YAML, with their numbers; UNSPECIFIED has no name.
std::vector<std::pair<std::string, int>> EnumNames(const EnumDescriptor& type) {
  const std::string prefix = EnumPrefix(type);
  std::vector<std::pair<std::string, int>> names;
  for (int i = 0; i < type.value_count(); ++i) {
    const EnumValueDescriptor& value = *type.value(i);
    if (value.number() == 0) continue;
    std::string name = value.name();
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    names.emplace_back(std::move(name), value.number());
  }
  return names;
}

class Walker {
 public:
  explicit Walker(std::string_view source) : source_(source) {}

  absl::Status Document(const YamlNode& root, Message& message) const {
    if (root.kind == YamlNode::Kind::kNull) return absl::OkStatus();
    return ReadMessage(root, "", message);
  }

  absl::Status Wrong(int line, const std::string& path, std::string_view what) const {
    const std::string place = line == 0 ? source_ : fmt::format("{}:{}", source_, line);
    return Annotate(path.empty() ? Error(Reason::kInvalidField, what) : FieldError(path, what), place);
  }

 private:
  absl::Status ReadMessage(const YamlNode& node, const std::string& path, Message& message) const {
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
      if (key.kind != YamlNode::Kind::kScalar) return Wrong(key.line, path, "has a key that is not a word");
      const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(key.scalar);
      if (field == nullptr) {
        return secret ? Wrong(key.line, path, kSecretsByReference)
                      : UnknownKey(key, path, *message.GetDescriptor());
      }
      const std::string field_path = Join(path, field->name());
      if (!seen.insert(key.scalar).second) return Wrong(key.line, field_path, "is given twice");
      RETURN_IF_ERROR(CheckOneof(key, field_path, *field, message));
      RETURN_IF_ERROR(ReadField(value, field_path, *field, message));
    }
    return absl::OkStatus();
  }

  absl::Status UnknownKey(const YamlNode& key, const std::string& path, const Descriptor& type) const {
    std::vector<std::string> names;
    for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
    std::string word = key.scalar.substr(0, 64);
    std::replace(word.begin(), word.end(), '-', '_');
    const std::string_view nearest = NearestWord(word, names);
    return Wrong(key.line, Join(path, Shown(key.scalar)),
                 nearest.empty() ? "is not a known key"
                                 : fmt::format("is not a known key; did you mean {}?", nearest));
  }

  absl::Status CheckOneof(const YamlNode& key, const std::string& path, const FieldDescriptor& field,
                          const Message& message) const {
    const auto* oneof = field.real_containing_oneof();
    if (oneof == nullptr || !message.GetReflection()->HasOneof(message, oneof)) return absl::OkStatus();
    const auto* other = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
    return Wrong(key.line, path, fmt::format("cannot be given together with {}", other->name()));
  }

  absl::Status ReadField(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
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

  absl::Status ReadList(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                        Message& message) const {
    if (value.kind != YamlNode::Kind::kSequence) {
      if (IsSecretReference(field)) return Wrong(value.line, path, kSecretsByReference);
      return Wrong(value.line, path, "must be a list, also for a single element");
    }
    for (size_t i = 0; i < value.items.size(); ++i) {
      const YamlNode& item = value.items[i];
      const std::string item_path = fmt::format("{}[{}]", path, i);
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        RETURN_IF_ERROR(ReadMessage(item, item_path, *message.GetReflection()->AddMessage(&message, &field)));
      } else {
        RETURN_IF_ERROR(ReadScalar(item, item_path, field, message));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadMap(const YamlNode& value, const std::string& path, const FieldDescriptor& field,
                       Message& message) const {
    if (value.kind != YamlNode::Kind::kMap) {
      return Wrong(value.line, path, "must be a group of \"key: value\" lines");
    }
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    std::set<std::string_view> seen;
    for (const auto& [key, element] : value.entries) {
      if (key.kind != YamlNode::Kind::kScalar) return Wrong(key.line, path, "has a key that is not a word");
      const std::string element_path = fmt::format("{}[\"{}\"]", path, Shown(key.scalar));
      if (!seen.insert(key.scalar).second) return Wrong(key.line, element_path, "is given twice");
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      RETURN_IF_ERROR(ReadScalar(key, element_path, key_field, entry));
      RETURN_IF_ERROR(ReadField(element, element_path, value_field, entry));
    }
    return absl::OkStatus();
  }

  absl::Status ReadDuration(const YamlNode& node, const std::string& path, Message& message) const {
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
                          Message& message) const {
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

  std::string source_;
};

}  // namespace

absl::Status ReadYaml(std::string_view text, std::string_view source, google::protobuf::Message& message) {
  message.Clear();
  const Walker walker(source);
  const auto tree = ParseYamlTree(text);
  if (const auto* problem = std::get_if<YamlProblem>(&tree)) {
    return walker.Wrong(problem->line, "", problem->message);
  }
  const absl::Status status = walker.Document(std::get<YamlNode>(tree), message);
  if (!status.ok()) message.Clear();
  return status;
}

absl::Status ReadYamlFile(const std::string& path, google::protobuf::Message& message) {
  message.Clear();
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  const auto unreadable = [&](int error) {
    return Error(Reason::kInvalidField, fmt::format("{}: cannot be read: {}", path, std::strerror(error)));
  };
  if (file == nullptr) return unreadable(errno);
  // One byte more than is accepted, so that ReadYaml sees that there is more.
  std::string text(kMaxYamlBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return unreadable(errno);
  return ReadYaml(text, path, message);
}

}  // namespace grantkeep
