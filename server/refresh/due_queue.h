// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_DUE_QUEUE_H_
#define GRANTKEEP_REFRESH_DUE_QUEUE_H_

#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "store/store.h"

namespace grantkeep {

// A grant that was claimed for its renewal.
struct DueRenewal {
  Key key;
  Time expiry;     // of its access token; Time::max() when unknown
  Tick claim_end;  // from then on it may be claimed by anybody
};

// Renewals that wait for their providers, those whose tokens expire first before the others. When it is full,
// who has the most in it loses the one that expires last: a provider that is slow or does not answer
// takes no room that another needs. What is lost comes back when its claim ends. Belongs to one loop.
class DueQueue {
 public:
  explicit DueQueue(size_t capacity) : capacity_(capacity) {}

  // What had to make room, perhaps `renewal` itself.
  std::optional<DueRenewal> Push(const ProviderId& provider, DueRenewal renewal);
  std::optional<DueRenewal> Pop(const ProviderId& provider);
  // Takes out those whose claim has ended.
  std::vector<DueRenewal> DropLapsed(const ProviderId& provider, Tick now);

  // Who has the most in it; null when it is empty.
  const ProviderId* Longest() const;

  size_t size() const { return size_; }
  size_t size(const ProviderId& provider) const;

 private:
  using Line = std::multimap<Time, DueRenewal>;

  DueRenewal TakeFrom(const ProviderId& provider, Line::iterator at);
  DueRenewal TakeLastOfLongest();

  const size_t capacity_;
  size_t size_ = 0;
  std::map<ProviderId, Line> lines_;  // none is empty
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_DUE_QUEUE_H_
