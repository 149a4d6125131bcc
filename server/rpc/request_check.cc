// SPDX-License-Identifier: Apache-2.0
#include "rpc/request_check.h"

#include <fmt/format.h>
#include <google/protobuf/duration.pb.h>

#include <string_view>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "rpc/charset.h"
#include "rpc/text.h"

namespace grantkeep::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Longest map key that a field path shows.
constexpr size_t kMaxKeyShown = 64;
// google/protobuf/duration.proto: about 10,000 years.
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;

// What is wrong with one string or bytes value; empty when nothing is.
std::string WrongWith(const v1::Bounds& bounds, bool is_text, std::string_view value) {
  if (value.size() < bounds.min_len()) {
    return fmt::format("must have at least {} bytes, has {}", bounds.min_len(), value.size());
  }
  if (bounds.max_len() != 0 && value.size() > bounds.max_len()) {
    return fmt::format("must have at most {} bytes, has {}", bounds.max_len(), value.size());
  }
  if (is_text && !InCharset(bounds.charset(), value)) return std::string(Expectation(bounds.charset()));
  return {};
}

absl::Status CheckDuration(const google::protobuf::Duration& duration, const std::string& path) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  const bool same_sign = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0);
  if (seconds < -kMaxDurationSeconds || seconds > kMaxDurationSeconds || nanos <= -1'000'000'000 ||
      nanos >= 1'000'000'000 || !same_sign) {
    return FieldError(path, "is not a well-formed google.protobuf.Duration");
  }
  return absl::OkStatus();
}

}  // namespace

struct RequestCheck::Rule {
  const FieldDescriptor* field = nullptr;
  v1::Bounds bounds;
  bool is_text = false;  // a string, not bytes
  bool is_duration = false;
  std::unique_ptr<RequestCheck> message;  // for submessages of ours
};

RequestCheck::RequestCheck(RequestCheck&&) noexcept = default;
RequestCheck::~RequestCheck() = default;

RequestCheck::RequestCheck(const Descriptor* type) {
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    Rule rule;
    rule.field = field;
    rule.bounds = field->options().GetExtension(v1::bounds);
    rule.is_text = field->type() == FieldDescriptor::TYPE_STRING;
    const Descriptor* sub = field->is_map() ? nullptr : field->message_type();
    rule.is_duration = sub == google::protobuf::Duration::descriptor();
    if (sub != nullptr && !rule.is_duration) rule.message = std::make_unique<RequestCheck>(sub);
    const bool has_text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    const bool bounded = field->options().HasExtension(v1::bounds);
    if (has_text || sub != nullptr || bounded) rules_.push_back(std::move(rule));
  }
}

absl::Status RequestCheck::Check(const Message& message) const { return CheckAt(message, std::string()); }

absl::Status RequestCheck::CheckAt(const Message& message, const std::string& path) const {
  for (const Rule& rule : rules_) {
    if (rule.field->is_map()) {
      RETURN_IF_ERROR(CheckMap(message, rule, path));
    } else if (rule.field->is_repeated()) {
      RETURN_IF_ERROR(CheckRepeated(message, rule, path));
    } else {
      RETURN_IF_ERROR(CheckSingular(message, rule, path));
    }
  }
  return absl::OkStatus();
}

absl::Status RequestCheck::CheckSingular(const Message& message, const Rule& rule,
                                         const std::string& path) const {
  const Reflection* reflection = message.GetReflection();
  if (rule.field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    std::string scratch;
    const std::string& value = reflection->GetStringReference(message, rule.field, &scratch);
    if (value.empty()) {
      // Without a presence of its own, an empty value is an absent one.
      const bool present = rule.field->has_presence() && reflection->HasField(message, rule.field);
      if (rule.bounds.required())
        return FieldError(path + rule.field->name(), "is required and must not be empty");
      if (!present) return absl::OkStatus();
    }
    std::string wrong = WrongWith(rule.bounds, rule.is_text, value);
    return wrong.empty() ? absl::OkStatus() : FieldError(path + rule.field->name(), wrong);
  }
  if (!reflection->HasField(message, rule.field)) {
    return rule.bounds.required() ? FieldError(path + rule.field->name(), "is required") : absl::OkStatus();
  }
  if (rule.is_duration) {
    const Message& duration = reflection->GetMessage(message, rule.field);
    return CheckDuration(static_cast<const google::protobuf::Duration&>(duration), path + rule.field->name());
  }
  if (rule.message == nullptr) return absl::OkStatus();
  return rule.message->CheckAt(reflection->GetMessage(message, rule.field), path + rule.field->name() + ".");
}

absl::Status RequestCheck::CheckRepeated(const Message& message, const Rule& rule,
                                         const std::string& path) const {
  const Reflection* reflection = message.GetReflection();
  const int size = reflection->FieldSize(message, rule.field);
  const std::string name = path + rule.field->name();
  if (size == 0 && rule.bounds.required()) return FieldError(name, "is required and must not be empty");
  if (rule.bounds.max_items() != 0 && static_cast<uint32_t>(size) > rule.bounds.max_items()) {
    return FieldError(name,
                      fmt::format("must have at most {} elements, has {}", rule.bounds.max_items(), size));
  }
  for (int i = 0; i < size; ++i) {
    if (rule.field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::string scratch;
      const std::string& value = reflection->GetRepeatedStringReference(message, rule.field, i, &scratch);
      std::string wrong = WrongWith(rule.bounds, rule.is_text, value);
      if (!wrong.empty()) return FieldError(fmt::format("{}[{}]", name, i), wrong);
    } else if (rule.message != nullptr) {
      const Message& element = reflection->GetRepeatedMessage(message, rule.field, i);
      RETURN_IF_ERROR(rule.message->CheckAt(element, fmt::format("{}[{}].", name, i)));
    }
  }
  return absl::OkStatus();
}

absl::Status RequestCheck::CheckMap(const Message& message, const Rule& rule, const std::string& path) const {
  const Reflection* reflection = message.GetReflection();
  const int size = reflection->FieldSize(message, rule.field);
  const std::string name = path + rule.field->name();
  if (size == 0 && rule.bounds.required()) return FieldError(name, "is required and must not be empty");
  if (rule.bounds.max_items() != 0 && static_cast<uint32_t>(size) > rule.bounds.max_items()) {
    return FieldError(name,
                      fmt::format("must have at most {} entries, has {}", rule.bounds.max_items(), size));
  }
  const FieldDescriptor* key_field = rule.field->message_type()->map_key();
  const FieldDescriptor* value_field = rule.field->message_type()->map_value();
  for (int i = 0; i < size; ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, rule.field, i);
    const std::string key = entry.GetReflection()->GetString(entry, key_field);
    std::string wrong = WrongWith(rule.bounds, true, key);
    if (!wrong.empty()) return FieldError(name, fmt::format("a key {}", wrong));
    const std::string value = entry.GetReflection()->GetString(entry, value_field);
    wrong = WrongWith(rule.bounds, value_field->type() == FieldDescriptor::TYPE_STRING, value);
    if (!wrong.empty()) {
      return FieldError(fmt::format("{}[\"{}\"]", name, Presentable(key, kMaxKeyShown)), wrong);
    }
  }
  return absl::OkStatus();
}

}  // namespace grantkeep::rpc
