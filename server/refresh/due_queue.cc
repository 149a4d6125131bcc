// SPDX-License-Identifier: Apache-2.0
#include "refresh/due_queue.h"

#include <algorithm>
#include <utility>

namespace grantkeep {

std::optional<DueRenewal> DueQueue::Push(const ProviderId& provider, DueRenewal renewal) {
  const Time expiry = renewal.expiry;
  lines_[provider].emplace(expiry, std::move(renewal));
  if (++size_ <= capacity_) return std::nullopt;
  return TakeLastOfLongest();
}

std::optional<DueRenewal> DueQueue::Pop(const ProviderId& provider) {
  const auto line = lines_.find(provider);
  if (line == lines_.end()) return std::nullopt;
  return TakeFrom(provider, line->second.begin());
}

std::vector<DueRenewal> DueQueue::DropLapsed(const ProviderId& provider, Tick now) {
  std::vector<DueRenewal> lapsed;
  const auto line = lines_.find(provider);
  if (line == lines_.end()) return lapsed;
  std::erase_if(line->second, [&](auto& entry) {
    if (entry.second.claim_end > now) return false;
    lapsed.push_back(std::move(entry.second));
    return true;
  });
  size_ -= lapsed.size();
  if (line->second.empty()) lines_.erase(line);
  return lapsed;
}

size_t DueQueue::size(const ProviderId& provider) const {
  const auto line = lines_.find(provider);
  return line == lines_.end() ? 0 : line->second.size();
}

const ProviderId* DueQueue::Longest() const {
  const auto longest =
      std::ranges::max_element(lines_, {}, [](const auto& line) { return line.second.size(); });
  return longest == lines_.end() ? nullptr : &longest->first;
}

DueRenewal DueQueue::TakeFrom(const ProviderId& provider, Line::iterator at) {
  Line& line = lines_.find(provider)->second;
  DueRenewal taken = std::move(at->second);
  line.erase(at);
  --size_;
  if (line.empty()) lines_.erase(provider);
  return taken;
}

DueRenewal DueQueue::TakeLastOfLongest() {
  const ProviderId longest = *Longest();
  return TakeFrom(longest, std::prev(lines_.find(longest)->second.end()));
}

}  // namespace grantkeep
