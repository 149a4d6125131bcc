// SPDX-License-Identifier: Apache-2.0
#include "telemetry/redact.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>
#include <string.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "grantkeep/v1/options.pb.h"

namespace grantkeep {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

bool IsSecret(const FieldDescriptor* field) { return field->options().GetExtension(v1::secret); }

// All message types that a message of type `root` can hold, itself included.
void CollectTypes(const Descriptor* root, std::unordered_set<const Descriptor*>& types) {
  if (!types.insert(root).second) return;
  for (int i = 0; i < root->field_count(); ++i) {
    if (const Descriptor* inner = root->field(i)->message_type()) CollectTypes(inner, types);
  }
}

std::vector<const FieldDescriptor*> SecretFieldsWithin(const Descriptor* root) {
  std::unordered_set<const Descriptor*> types;
  CollectTypes(root, types);
  std::vector<const FieldDescriptor*> fields;
  for (const Descriptor* type : types) {
    for (int i = 0; i < type->field_count(); ++i) {
      if (IsSecret(type->field(i))) fields.push_back(type->field(i));
    }
  }
  return fields;
}

// What to wipe in a message of one type.
struct Plan {
  // Singular text without presence: empty is absent.
  std::vector<const FieldDescriptor*> texts;
  // All other fields that are marked.
  std::vector<const FieldDescriptor*> others;
  // Submessages that may hold a secret field.
  std::vector<const FieldDescriptor*> inner;
};

Plan MakePlan(const Descriptor* type) {
  Plan plan;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (IsSecret(field)) {
      const bool text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field->is_repeated();
      (text && !field->has_presence() ? plan.texts : plan.others).push_back(field);
    } else if (field->message_type() != nullptr && !SecretFieldsWithin(field->message_type()).empty()) {
      plan.inner.push_back(field);
    }
  }
  return plan;
}

// One value for each message type, made on first use and kept for ever.
template <typename Value, Value (*make)(const Descriptor*)>
const Value& OnceForEachType(const Descriptor* type) {
  static auto& mutex = *new std::mutex;
  static auto& values = *new std::unordered_map<const Descriptor*, std::unique_ptr<const Value>>;
  std::lock_guard lock(mutex);
  std::unique_ptr<const Value>& value = values[type];
  if (value == nullptr) value = std::make_unique<const Value>(make(type));
  return *value;
}

// The end of every RPC comes here, so a thread remembers the plans it uses and takes no lock. The
// table is plain data: it works during the destruction of thread-local and static objects, too.
const Plan& PlanFor(const Descriptor* type) {
  struct Slot {
    const Descriptor* type;
    const Plan* plan;
  };
  constexpr size_t kSlots = 64;
  static thread_local constinit std::array<Slot, kSlots> remembered{};
  // Descriptors of one file lie in one array, sizeof(Descriptor) apart.
  Slot& slot = remembered[reinterpret_cast<uintptr_t>(type) / sizeof(Descriptor) % kSlots];
  if (slot.type != type) slot = {type, &OnceForEachType<Plan, MakePlan>(type)};
  return *slot.plan;
}

// Cleared fields keep their memory for reuse, up to this size.
constexpr size_t kMostKept = 4096;

void WipeText(const std::string& value) {
  auto& text = const_cast<std::string&>(value);
  const size_t size = text.size();
  // What an earlier, longer value left behind the end goes too.
  text.resize(text.capacity());
  explicit_bzero(text.data(), size);
  text.clear();
  if (text.capacity() > kMostKept) text.shrink_to_fit();
}

void WipeField(Message& message, const Reflection& reflection, const FieldDescriptor* field);

void WipeAll(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> present;
  reflection.ListFields(message, &present);
  for (const FieldDescriptor* field : present) WipeField(message, reflection, field);
}

// Overwrites what a present field holds, whatever its type, and clears it.
void WipeField(Message& message, const Reflection& reflection, const FieldDescriptor* field) {
  const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 0;
  std::string scratch;
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    if (!field->is_repeated()) WipeText(reflection.GetStringReference(message, field, &scratch));
    for (int i = 0; i < count; ++i) {
      WipeText(reflection.GetRepeatedStringReference(message, field, i, &scratch));
    }
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (!field->is_repeated()) WipeAll(*reflection.MutableMessage(&message, field));
    for (int i = 0; i < count; ++i) WipeAll(*reflection.MutableRepeatedMessage(&message, field, i));
  }
  reflection.ClearField(&message, field);
}

bool IsPresent(const Message& message, const Reflection& reflection, const FieldDescriptor* field) {
  return field->is_repeated() ? reflection.FieldSize(message, field) > 0
                              : reflection.HasField(message, field);
}

// Prints "[secret]" in place of any value.
class SecretPrinter final : public TextFormat::FastFieldValuePrinter {
 public:
  using Out = TextFormat::BaseTextGenerator;
  void PrintBool(bool, Out* out) const override { Print(out); }
  void PrintInt32(int32_t, Out* out) const override { Print(out); }
  void PrintUInt32(uint32_t, Out* out) const override { Print(out); }
  void PrintInt64(int64_t, Out* out) const override { Print(out); }
  void PrintUInt64(uint64_t, Out* out) const override { Print(out); }
  void PrintFloat(float, Out* out) const override { Print(out); }
  void PrintDouble(double, Out* out) const override { Print(out); }
  void PrintString(const std::string&, Out* out) const override { Print(out); }
  void PrintBytes(const std::string&, Out* out) const override { Print(out); }
  void PrintEnum(int32_t, const std::string&, Out* out) const override { Print(out); }
  bool PrintMessageContent(const Message&, int, int, bool, Out* out) const override {
    Print(out);
    out->PrintLiteral(" ");
    return true;
  }

 private:
  static void Print(Out* out) { out->PrintLiteral("\"[secret]\""); }
};

std::unique_ptr<const TextFormat::Printer> MakePrinter(const Descriptor* type) {
  auto printer = std::make_unique<TextFormat::Printer>();
  printer->SetSingleLineMode(true);
  // A field that a newer peer knows may be a secret; here it is only a number.
  printer->SetHideUnknownFields(true);
  for (const FieldDescriptor* field : SecretFieldsWithin(type)) {
    // Owned by the printer from here on; it refuses only a field that it has already.
    printer->RegisterFieldValuePrinter(field, new SecretPrinter);
  }
  return printer;
}

}  // namespace

void WipeSecrets(Message& message) {
  const Plan& plan = PlanFor(message.GetDescriptor());
  if (plan.texts.empty() && plan.others.empty() && plan.inner.empty()) return;
  const Reflection& reflection = *message.GetReflection();
  std::string scratch;
  for (const FieldDescriptor* field : plan.texts) {
    const std::string& text = reflection.GetStringReference(message, field, &scratch);
    if (!text.empty()) WipeText(text);
  }
  for (const FieldDescriptor* field : plan.others) {
    if (IsPresent(message, reflection, field)) WipeField(message, reflection, field);
  }
  for (const FieldDescriptor* field : plan.inner) {
    if (!field->is_repeated()) {
      if (reflection.HasField(message, field)) WipeSecrets(*reflection.MutableMessage(&message, field));
      continue;
    }
    const int count = reflection.FieldSize(message, field);
    for (int i = 0; i < count; ++i) WipeSecrets(*reflection.MutableRepeatedMessage(&message, field, i));
  }
}

std::string SafeDebugString(const Message& message) {
  const auto& printer =
      OnceForEachType<std::unique_ptr<const TextFormat::Printer>, MakePrinter>(message.GetDescriptor());
  std::string text;
  printer->PrintToString(message, &text);
  if (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace grantkeep
