// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CONFIG_YAML_H_
#define GRANTKEEP_CONFIG_YAML_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "config/yaml_lines.h"

namespace grantkeep {

// Reads `text` (YAML, at most 1 MiB) into `message` by its descriptor; what `message` held before
// is gone, and after an error it is empty. Keys are field names; enum values are written in lower
// case without their prefix, durations as "10s", "5m", "1h", "500ms". An empty text is an empty
// message. Unknown or duplicate keys, wrong types, numbers out of range, two members of a oneof,
// anchors, aliases, tags and nesting deeper than 16 are errors: the status says
// "<source>:<line>: <path>: what is wrong", and never repeats a value. Where the text is YAML, every
// mistake is named, each on a line of the message. `lines`, when given, learns where fields stand.
absl::Status ReadYaml(std::string_view text, std::string_view source, google::protobuf::Message& message,
                      YamlLines* lines = nullptr);

// The same for a regular file; `path` is the source.
absl::Status ReadYamlFile(const std::string& path, google::protobuf::Message& message,
                          YamlLines* lines = nullptr);

}  // namespace grantkeep

#endif  // GRANTKEEP_CONFIG_YAML_H_
