// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CONFIG_YAML_NAMES_H_
#define GRANTKEEP_CONFIG_YAML_NAMES_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grantkeep {

inline constexpr char kSecretsByReference[] =
    "secrets are given by reference only, never by value: write {env: NAME}, {file: PATH} or "
    "{vault: {tenant: T, name: N}}";

// A key as it may appear in a message: short and printable.
std::string Shown(std::string_view key);

// What the values of `type` are called in YAML, with their numbers; UNSPECIFIED has no name.
std::vector<std::pair<std::string, int>> EnumNames(const google::protobuf::EnumDescriptor& type);

// What to say about a key that `type` does not have: the field that was probably meant, and, where
// the key sounds like one that holds a secret, how secrets are given.
std::string WhatIsUnknown(std::string_view key, const google::protobuf::Descriptor& type);

}  // namespace grantkeep

#endif  // GRANTKEEP_CONFIG_YAML_NAMES_H_
