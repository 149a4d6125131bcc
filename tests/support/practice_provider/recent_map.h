// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_RECENT_MAP_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_RECENT_MAP_H_

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace grantkeep::practice {

// A map from string that forgets its oldest entry when it is full.
template <typename Value>
class RecentMap {
 public:
  explicit RecentMap(size_t capacity) : capacity_(capacity) {}

  void Insert(std::string key, Value value) {
    const auto [entry, inserted] = map_.insert_or_assign(std::move(key), std::move(value));
    if (!inserted) return;
    order_.push_back(entry->first);
    if (order_.size() > capacity_) {
      map_.erase(std::string(order_.front()));
      order_.pop_front();
    }
  }

  // Null when there is none. Valid until the next Insert.
  Value* Find(std::string_view key) {
    const auto found = map_.find(std::string(key));
    return found == map_.end() ? nullptr : &found->second;
  }
  const Value* Find(std::string_view key) const { return const_cast<RecentMap*>(this)->Find(key); }

  size_t size() const { return map_.size(); }

 private:
  size_t capacity_;
  std::unordered_map<std::string, Value> map_;
  // Views of the keys in map_, whose nodes do not move; oldest first.
  std::deque<std::string_view> order_;
};

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_RECENT_MAP_H_
