// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BENCH_MEASURE_H_
#define GRANTKEEP_BENCH_MEASURE_H_

#include <sys/types.h>
#include <time.h>

#include <chrono>
#include <vector>

namespace grantkeep::bench {

using Nanos = std::chrono::nanoseconds;

// The CPU time of another process, all its threads, user and system.
class CpuClock {
 public:
  // The process must live as long as this object is asked.
  explicit CpuClock(pid_t pid);
  Nanos Now() const;

 private:
  clockid_t clock_ = CLOCK_PROCESS_CPUTIME_ID;
};

// The value below which `share` (0 to 1) of `samples` lie; the samples are reordered.
Nanos Percentile(std::vector<Nanos>& samples, double share);

double Median(std::vector<double> values);

}  // namespace grantkeep::bench

#endif  // GRANTKEEP_BENCH_MEASURE_H_
