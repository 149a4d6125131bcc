// SPDX-License-Identifier: Apache-2.0
#include "refresh/circuit_breaker.h"

#include <algorithm>

namespace grantkeep {

bool CircuitBreaker::MayBegin(Tick now) const {
  return !open_ || (now >= open_until_ && probes_under_way_ + probes_failed_ < kProbes);
}

CircuitBreaker::Ticket CircuitBreaker::Begin(Tick) {
  if (!open_) return 0;
  ++probes_under_way_;
  return period_;
}

bool CircuitBreaker::End(Ticket ticket, Result result, double jitter, Tick now) {
  const bool is_probe = open_ && ticket == period_;
  if (is_probe) --probes_under_way_;
  switch (result) {
    case Result::kUnused:
      return false;
    case Result::kAnswered:
      // Also the late answer to a request from before it opened.
      open_ = false;
      failures_ = 0;
      pause_ = kFirstPause;
      return false;
    case Result::kFailed:
      break;
  }
  if (is_probe) {
    if (++probes_failed_ < kProbes) return false;
    pause_ = std::min(pause_ * 2, kLongestPause);
    Open(jitter, now);
    return true;
  }
  if (open_) return false;
  if (failures_++ == 0) first_failure_ = now;
  if (failures_ < kFailures || now - first_failure_ < kShortestTrouble) return false;
  Open(jitter, now);
  return true;
}

Duration CircuitBreaker::ComeBackAfter(Tick now) const {
  if (!open_) return Duration(0);
  if (now >= open_until_) return kProbeTime;
  return std::chrono::ceil<Duration>(open_until_ - now);
}

void CircuitBreaker::Open(double jitter, Tick now) {
  open_ = true;
  ++period_;
  probes_under_way_ = 0;
  probes_failed_ = 0;
  open_until_ = now + std::chrono::duration_cast<Duration>(pause_ * (0.8 + 0.4 * jitter));
}

}  // namespace grantkeep
