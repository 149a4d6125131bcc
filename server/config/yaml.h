// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CONFIG_YAML_H_
#define GRANTKEEP_CONFIG_YAML_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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
// The text of a regular file, cut behind the length that is accepted.
absl::StatusOr<std::string> ReadYamlText(const std::string& path);

// What there is to say about a document.
struct YamlReport {
  struct Problem {
    int line = 0;      // 0: the document as a whole
    std::string path;  // "providers[0].client.client_id"; may be empty
    std::string what;  // "must be true or false"; never a value
  };
  // Everything that is wrong, in the document's order. A text that is not YAML is one problem.
  std::vector<Problem> problems;
  YamlLines lines;
};

// Like ReadYaml, but `message` holds what could be read.
YamlReport ReadWholeYaml(std::string_view text, google::protobuf::Message& message);

}  // namespace grantkeep

#endif  // GRANTKEEP_CONFIG_YAML_H_
