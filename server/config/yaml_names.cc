// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "config/yaml_scalars.h"

namespace grantkeep {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;

// Whether somebody who writes this key means to give a secret.
bool SoundsSecret(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* part : {"secret", "password", "passwd", "private_key"}) {
    if (lower.find(part) != std::string::npos) return true;
  }
  return false;
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

}  // namespace

std::string Shown(std::string_view key) {
  std::string shown;
  for (const char c : key.substr(0, 64)) shown += c >= 0x20 && c < 0x7F ? c : '?';
  return shown;
}

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

std::string WhatIsUnknown(std::string_view key, const Descriptor& type) {
  std::vector<std::string> names;
  names.reserve(type.field_count());
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  std::string word(key.substr(0, 64));
  std::replace(word.begin(), word.end(), '-', '_');
  const std::string_view nearest = NearestWord(word, names);
  std::string what = "is not a known key";
  if (!nearest.empty()) what += fmt::format("; did you mean {}?", nearest);
  if (SoundsSecret(word)) what += fmt::format("{} {}", nearest.empty() ? ";" : "", kSecretsByReference);
  return what;
}

}  // namespace grantkeep
