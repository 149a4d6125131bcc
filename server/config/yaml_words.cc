// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_words.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cctype>

namespace grantkeep {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;

// "PROVIDER_KIND_" for ProviderKind.
std::string EnumPrefix(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (std::isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return prefix + "_";
}

}  // namespace

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

std::string Shown(std::string_view key) {
  std::string shown;
  for (const char c : key.substr(0, 64)) shown += c >= 0x20 && c < 0x7F ? c : '?';
  return shown;
}

}  // namespace grantkeep
