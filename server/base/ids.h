// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BASE_IDS_H_
#define GRANTKEEP_BASE_IDS_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace grantkeep {

// A string that names one kind of thing; ids of different kinds do not mix.
template <typename Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string value) : value_(std::move(value)) {}
  explicit Id(std::string_view value) : value_(value) {}
  explicit Id(const char* value) : value_(value) {}

  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }

  friend auto operator<=>(const Id&, const Id&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Id& id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  std::string value_;
};

using TenantId = Id<struct TenantIdTag>;
using SubjectId = Id<struct SubjectIdTag>;
using GrantId = Id<struct GrantIdTag>;
using ProviderId = Id<struct ProviderIdTag>;

// Counts a grant's token sets, from 1.
struct Generation {
  uint64_t value = 0;
  friend auto operator<=>(const Generation&, const Generation&) = default;
  Generation Next() const { return {value + 1}; }
};

}  // namespace grantkeep

#endif  // GRANTKEEP_BASE_IDS_H_
