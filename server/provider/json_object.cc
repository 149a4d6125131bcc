// SPDX-License-Identifier: Apache-2.0
#include "provider/json_object.h"

#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <cstdint>
#include <memory>
#include <utility>

namespace grantkeep {
namespace {

namespace json = boost::json;

// Collects the members of the outermost object, and of the objects directly in it, from the
// parser's events.
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
  JsonObject::Members TakeMembers() { return std::move(objects_[0]); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    if (depth_ == 0) {
      is_object_ = true;
      collected_ = 1;
    } else if (depth_ == 1 && collected_ == 1) {
      Value(JsonMember::Type::kObject);
      objects_[1].clear();
      collected_ = 2;
    } else {
      Value(JsonMember::Type::kOther);
    }
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    --depth_;
    if (collected_ <= depth_) return true;
    collected_ = depth_;
    if (depth_ == 1) current_[0]->object = std::make_unique<JsonObject>(std::move(objects_[1]));
    return true;
  }
  bool on_array_begin(json::error_code&) {
    Value(IsMember() ? JsonMember::Type::kStrings : JsonMember::Type::kOther);
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
    if (IsMember()) {
      const auto [position, inserted] = objects_.at(collected_ - 1).try_emplace(part_);
      position->second = JsonMember();
      position->second.repeated = !inserted;
      current_.at(collected_ - 1) = &position->second;
    }
    part_.clear();
    return true;
  }

  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return AddPart(part); }
  bool on_string(json::string_view rest, std::size_t, json::error_code&) {
    AddPart(rest);
    if (IsMember()) {
      Value(JsonMember::Type::kString).text = Secret(part_);
    } else if (collected_ > 0 && current_.at(collected_ - 1)->type == JsonMember::Type::kStrings) {
      current_.at(collected_ - 1)->strings.emplace_back(part_);
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
    Value(JsonMember::Type::kBool).boolean = value;
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
    Value(JsonMember::Type::kNumber).number = value;
    return true;
  }
  // Whether what comes now belongs directly to an object that is collected, and is not an element of
  // an array in it or deeper.
  bool IsMember() const { return collected_ > 0 && depth_ == collected_; }
  // A value of `type` begins: a member's own, or something inside a member that makes it kOther.
  JsonMember& Value(JsonMember::Type type) {
    if (collected_ == 0) return outside_;
    JsonMember& member = *current_.at(collected_ - 1);
    member.type = IsMember() ? type : JsonMember::Type::kOther;
    return member;
  }

  // The outermost object and the one in it; of each, the member being read.
  std::array<JsonObject::Members, 2> objects_;
  std::array<JsonMember*, 2> current_ = {};
  // The string being read. Its capacity is reserved once, so that it leaves no copies behind when
  // it grows, and wiped at the end.
  std::string part_;
  JsonMember outside_;  // of any object
  size_t depth_ = 0;
  // How many of the open brackets, from outside, are objects that are collected.
  size_t collected_ = 0;
  bool is_object_ = false;
};

}  // namespace

JsonMember::JsonMember() = default;
JsonMember::~JsonMember() = default;
JsonMember::JsonMember(JsonMember&&) noexcept = default;
JsonMember& JsonMember::operator=(JsonMember&&) noexcept = default;

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
  return JsonObject(parser.handler().TakeMembers());
}

const JsonMember* JsonObject::Find(std::string_view name) const {
  const auto found = members_.find(name);
  if (found == members_.end() || found->second.type == JsonMember::Type::kNull) return nullptr;
  return &found->second;
}

}  // namespace grantkeep
