// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CONFIG_YAML_WORDS_H_
#define GRANTKEEP_CONFIG_YAML_WORDS_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grantkeep {

// What the values of `type` are called in YAML ("strict"), with their numbers; UNSPECIFIED has no
// name.
std::vector<std::pair<std::string, int>> EnumNames(const google::protobuf::EnumDescriptor& type);

// A key as it may appear in a message: short and printable.
std::string Shown(std::string_view key);

}  // namespace grantkeep

#endif  // GRANTKEEP_CONFIG_YAML_WORDS_H_
