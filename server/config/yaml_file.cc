// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/reason.h"
#include "base/status_macros.h"
#include "config/yaml.h"
#include "config/yaml_tree.h"

namespace grantkeep {

absl::StatusOr<std::string> ReadYamlText(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  const auto unreadable = [&](int error) {
    return Error(Reason::kInvalidField, fmt::format("{}: cannot be read: {}", path, std::strerror(error)));
  };
  if (file == nullptr) return unreadable(errno);
  // One byte more than is accepted, so that the reader sees that there is more.
  std::string text(kMaxYamlBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return unreadable(errno);
  return text;
}

absl::Status ReadYamlFile(const std::string& path, google::protobuf::Message& message) {
  message.Clear();
  ASSIGN_OR_RETURN(const std::string text, ReadYamlText(path));
  return ReadYaml(text, path, message);
}

}  // namespace grantkeep
