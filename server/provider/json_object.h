// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_JSON_OBJECT_H_
#define GRANTKEEP_PROVIDER_JSON_OBJECT_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/secret.h"

namespace grantkeep {

// A member at the top level of a JSON object.
struct JsonMember {
  enum class Type { kString, kNumber, kBool, kNull, kStrings, kOther };
  Type type = Type::kNull;
  // The name occurs more than once; this is the last occurrence.
  bool repeated = false;
  Secret text;                       // kString
  double number = 0;                 // kNumber
  bool boolean = false;              // kBool
  std::vector<std::string> strings;  // kStrings: an array of nothing but strings, or of nothing
};

// The top level of a JSON object from a provider: flat, because no answer that is understood has
// more than that, and with its strings in memory that is wiped. What is nested is checked for
// form and skipped.
class JsonObject {
 public:
  static constexpr int kMaxDepth = 16;

  // Fails on anything but one object in strict JSON (RFC 8259) with at most kMaxDepth levels. The
  // status repeats nothing of `text`.
  static absl::StatusOr<JsonObject> Parse(std::string_view text);

  // Null when there is none. A member that is null counts as absent.
  const JsonMember* Find(std::string_view name) const;

 private:
  std::map<std::string, JsonMember, std::less<>> members_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_JSON_OBJECT_H_
