// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <algorithm>
#include <stdexcept>

namespace grantkeep::bench {

CpuClock::CpuClock(pid_t pid) {
  if (clock_getcpuclockid(pid, &clock_) != 0) throw std::runtime_error("no CPU clock for the server process");
}

Nanos CpuClock::Now() const {
  timespec time{};
  if (clock_gettime(clock_, &time) != 0) throw std::runtime_error("the server process has ended");
  return std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec);
}

Nanos Percentile(std::vector<Nanos>& samples, double share) {
  if (samples.empty()) return Nanos(0);
  const auto at =
      std::min(samples.size() - 1, static_cast<size_t>(share * static_cast<double>(samples.size())));
  std::nth_element(samples.begin(), samples.begin() + static_cast<ptrdiff_t>(at), samples.end());
  return samples[at];
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace grantkeep::bench
