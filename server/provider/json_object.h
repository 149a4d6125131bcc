// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_JSON_OBJECT_H_
#define GRANTKEEP_PROVIDER_JSON_OBJECT_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/secret.h"

namespace grantkeep {

class JsonObject;

// A member of a JSON object.
struct JsonMember {
  enum class Type { kString, kNumber, kBool, kNull, kStrings, kObject, kOther };

  JsonMember();
  ~JsonMember();
  JsonMember(JsonMember&&) noexcept;
  JsonMember& operator=(JsonMember&&) noexcept;

  Type type = Type::kNull;
  // The name occurs more than once; this is the last occurrence.
  bool repeated = false;
  Secret text;                         // kString
  double number = 0;                   // kNumber
  bool boolean = false;                // kBool
  std::vector<Secret> strings;         // kStrings: an array of nothing but strings, or of nothing
  std::unique_ptr<JsonObject> object;  // kObject
};

// A JSON object from a provider and the objects directly in it: no answer that is understood goes
// deeper (Slack's `authed_user` holds a token set). All strings but names are in memory that is
// wiped. What is nested deeper is checked for form and skipped.
class JsonObject {
 public:
  static constexpr int kMaxDepth = 16;
  using Members = std::map<std::string, JsonMember, std::less<>>;

  JsonObject() = default;
  explicit JsonObject(Members members) : members_(std::move(members)) {}

  // Fails on anything but one object in strict JSON (RFC 8259) with at most kMaxDepth levels. The
  // status repeats nothing of `text`.
  static absl::StatusOr<JsonObject> Parse(std::string_view text);

  // Null when there is none. A member that is null counts as absent.
  const JsonMember* Find(std::string_view name) const;
  const Members& members() const { return members_; }

 private:
  Members members_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_JSON_OBJECT_H_
