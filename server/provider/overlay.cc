// SPDX-License-Identifier: Apache-2.0
#include "provider/overlay.h"

#include <google/protobuf/descriptor.h>

#include <vector>

namespace grantkeep {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Clears in `base` what MergeFrom(above) would add to although it should be replaced.
void MakeRoom(Message& base, const Message& above) {
  std::vector<const FieldDescriptor*> set;
  above.GetReflection()->ListFields(above, &set);
  for (const FieldDescriptor* field : set) {
    if (field->is_map()) continue;
    if (field->is_repeated()) {
      base.GetReflection()->ClearField(&base, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      // A duration is one value, though it has two fields.
      const bool value = field->message_type()->full_name() == "google.protobuf.Duration";
      if (value) {
        base.GetReflection()->ClearField(&base, field);
      } else if (base.GetReflection()->HasField(base, field)) {
        MakeRoom(*base.GetReflection()->MutableMessage(&base, field),
                 above.GetReflection()->GetMessage(above, field));
      }
    }
  }
}

}  // namespace

config::v1::Provider Overlay(const config::v1::Provider& base, const config::v1::Provider& above) {
  config::v1::Provider merged = base;
  // The grace period belongs to the rotation that it was given with.
  if (above.rotation() != config::v1::ROTATION_UNSPECIFIED) merged.clear_rotation_grace();
  MakeRoom(merged, above);
  merged.MergeFrom(above);
  return merged;
}

}  // namespace grantkeep
