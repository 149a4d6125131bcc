// SPDX-License-Identifier: Apache-2.0
#include "provider/json_object.h"

#include <boost/json/basic_parser_impl.hpp>
#include <cstdint>
#include <utility>

namespace grantkeep {
namespace {

namespace json = boost::json;

// Collects the members of the outermost object from the parser's events.
class Collector {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;

  Collector() = default;
  ~Collector() { WipeString(part_); }
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  void Reserve(size_t size) { part_.reserve(size); }
  bool is_object() const { return is_object_; }
  std::map<std::string, JsonMember, std::less<>> TakeMembers() { return std::move(members_); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    if (depth_ == 0) is_object_ = true;
    Nested();
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    --depth_;
    return true;
  }
  bool on_array_begin(json::error_code&) {
    if (depth_ == 1) Value(JsonMember::Type::kStrings);
    if (depth_ > 1) Nested();
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) {
    --depth_;
    return true;
  }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return AddPart(part); }
  bool on_key(json::string_view rest, std::size_t, json::error_code&) {
    AddPart(rest);
    if (depth_ == 1) {
      const auto [position, inserted] = members_.try_emplace(part_);
      current_ = &position->second;
      *current_ = JsonMember();
      current_->repeated = !inserted;
    }
    part_.clear();
    return true;
  }

  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return AddPart(part); }
  bool on_string(json::string_view rest, std::size_t, json::error_code&) {
    AddPart(rest);
    if (depth_ == 1) {
      Value(JsonMember::Type::kString);
      if (current_ != nullptr) current_->text = Secret(part_);
    } else if (depth_ == 2 && current_ != nullptr && current_->type == JsonMember::Type::kStrings) {
      current_->strings.push_back(part_);
    }
    part_.clear();
    return true;
  }

  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(int64_t value, json::string_view, json::error_code&) {
    return Number(static_cast<double>(value));
  }
  bool on_uint64(uint64_t value, json::string_view, json::error_code&) {
    return Number(static_cast<double>(value));
  }
  bool on_double(double value, json::string_view, json::error_code&) { return Number(value); }
  bool on_bool(bool value, json::error_code&) {
    Value(JsonMember::Type::kBool);
    if (depth_ == 1 && current_ != nullptr) current_->boolean = value;
    return true;
  }
  bool on_null(json::error_code&) {
    Value(JsonMember::Type::kNull);
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool AddPart(json::string_view part) {
    part_.append(part.data(), part.size());
    return true;
  }
  bool Number(double value) {
    Value(JsonMember::Type::kNumber);
    if (depth_ == 1 && current_ != nullptr) current_->number = value;
    return true;
  }
  // A value of `type` begins: the member's own, or an element of its array.
  void Value(JsonMember::Type type) {
    if (current_ == nullptr) return;
    if (depth_ == 1) {
      current_->type = type;
    } else {
      current_->type = JsonMember::Type::kOther;
    }
  }
  // An object begins, or an array inside another value.
  void Nested() {
    if (depth_ >= 1) Value(JsonMember::Type::kOther);
  }

  std::map<std::string, JsonMember, std::less<>> members_;
  JsonMember* current_ = nullptr;
  // The string being read. Its capacity is reserved once, so that it leaves no copies behind when
  // it grows, and wiped at the end.
  std::string part_;
  int depth_ = 0;
  bool is_object_ = false;
};

}  // namespace

absl::StatusOr<JsonObject> JsonObject::Parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<Collector> parser(options);
  parser.handler().Reserve(text.size());
  json::error_code error;
  const size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  if (error.failed()) return absl::InvalidArgumentError("is not valid JSON");
  if (consumed != text.size()) return absl::InvalidArgumentError("has something after its JSON");
  if (!parser.handler().is_object()) return absl::InvalidArgumentError("is not a JSON object");
  JsonObject object;
  object.members_ = parser.handler().TakeMembers();
  return object;
}

const JsonMember* JsonObject::Find(std::string_view name) const {
  const auto found = members_.find(name);
  if (found == members_.end() || found->second.type == JsonMember::Type::kNull) return nullptr;
  return &found->second;
}

}  // namespace grantkeep
