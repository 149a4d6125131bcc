// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BENCH_ROUND_H_
#define GRANTKEEP_BENCH_ROUND_H_

#include <string>
#include <vector>

#include "bench/caller.h"
#include "bench/measure.h"

namespace grantkeep::bench {

// One method of one server.
struct Contender {
  std::string name;
  Caller& caller;
  CpuClock cpu;
};

struct Result {
  double cpu_us = 0;  // of the server's process for one call, under load
  double p50_us = 0;  // at one outstanding call
  double p99_us = 0;
};

struct RoundOptions {
  int slices = 20;        // the contenders take turns this often
  int load_calls = 1500;  // in a slice, for CPU time
  int load_outstanding = 16;
  int single_calls = 500;  // in a slice, one at a time, for latencies
};

// Measures the contenders in turns so short that whatever else the machine does meets all of them
// alike. One result for each, in order.
std::vector<Result> RunRound(std::vector<Contender>& contenders, const RoundOptions& options);

}  // namespace grantkeep::bench

#endif  // GRANTKEEP_BENCH_ROUND_H_
