// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_REQUEST_RATE_H_
#define GRANTKEEP_REFRESH_REQUEST_RATE_H_

#include <cstddef>
#include <deque>

#include "base/clock.h"

namespace grantkeep {

// Counts requests so that there are no more than a limit in any second, whenever the second begins. (A bucket
// that is filled steadily lets through twice as many in the second after a rest.) Belongs to one thread.
class RequestRate {
 public:
  // When the next request may be sent so that it is one of at most `limit`; `limit` is more than zero.
  Tick ReadyAt(size_t limit, Tick now);
  void Add(Tick at) { sent_.push_back(at); }
  // The request of `at` was not sent after all.
  void Remove(Tick at);

 private:
  std::deque<Tick> sent_;  // in the last second, in order
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_REQUEST_RATE_H_
