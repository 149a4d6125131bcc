// SPDX-License-Identifier: Apache-2.0
#include "bench/round.h"

namespace grantkeep::bench {
namespace {

double Micros(Nanos nanos) { return std::chrono::duration<double, std::micro>(nanos).count(); }

struct Sum {
  Nanos cpu{0};
  std::vector<Nanos> single;
};

}  // namespace

std::vector<Result> RunRound(std::vector<Contender>& contenders, const RoundOptions& options) {
  std::vector<Sum> sums(contenders.size());
  std::vector<Nanos> ignored;
  for (int slice = 0; slice < options.slices; ++slice) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      Contender& contender = contenders[i];
      ignored.clear();
      const Nanos before = contender.cpu.Now();
      contender.caller.Run(options.load_calls, options.load_outstanding, ignored);
      sums[i].cpu += contender.cpu.Now() - before;
      contender.caller.Run(options.single_calls, 1, sums[i].single);
    }
  }
  std::vector<Result> results;
  for (Sum& sum : sums) {
    Result result;
    result.cpu_us = Micros(sum.cpu) / (options.slices * options.load_calls);
    result.p50_us = Micros(Percentile(sum.single, 0.50));
    result.p99_us = Micros(Percentile(sum.single, 0.99));
    results.push_back(result);
  }
  return results;
}

}  // namespace grantkeep::bench
