// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_CIRCUIT_BREAKER_H_
#define GRANTKEEP_REFRESH_CIRCUIT_BREAKER_H_

#include <cstdint>

#include "base/clock.h"

namespace grantkeep {

// Whether a provider is worth asking. Closed: it is. After kFailures failures in a row, over at least
// kShortestTrouble, it opens: nothing is sent for a while, which doubles from kFirstPause to kLongestPause.
// Then kProbes requests may try (half-open): the first answer closes it, and when all of them have failed it
// opens again. A provider that fails half of the time is asked on. Belongs to one thread.
//
// It decides about requests only: a token that is valid is served whatever it says (freshness.h).
class CircuitBreaker {
 public:
  static constexpr int kFailures = 10;
  static constexpr Duration kShortestTrouble = std::chrono::milliseconds(500);
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  static constexpr Duration kLongestPause = std::chrono::seconds(30);
  static constexpr int kProbes = 3;
  // When to come back while the probes are under way.
  static constexpr Duration kProbeTime = std::chrono::seconds(1);

  // How a request ended, for this purpose.
  enum class Result {
    kAnswered,  // by the provider, whatever it said of the grant
    kFailed,    // no answer, or none that says anything
    kUnused,    // it was not sent after all
  };
  // A request that may be sent: 0, or of which half-open period it is a probe.
  using Ticket = uint64_t;

  bool MayBegin(Tick now) const;
  // Requires MayBegin().
  Ticket Begin(Tick now);
  // `jitter` from 0 to 1. True when this has opened the breaker.
  bool End(Ticket ticket, Result result, double jitter, Tick now);

  bool is_closed() const { return !open_; }
  // How long after `now` it is worth coming back, when MayBegin() is false.
  Duration ComeBackAfter(Tick now) const;

 private:
  void Open(double jitter, Tick now);

  bool open_ = false;
  Ticket period_ = 0;  // of the last time that it was open
  Tick open_until_;
  Duration pause_ = kFirstPause;
  int failures_ = 0;  // in a row
  Tick first_failure_;
  int probes_under_way_ = 0;
  int probes_failed_ = 0;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_CIRCUIT_BREAKER_H_
