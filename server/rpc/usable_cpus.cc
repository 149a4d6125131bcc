// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>

#include "rpc/cgroup.h"
#include "rpc/poller.h"

namespace grantkeep::rpc {
namespace {

std::optional<std::string> ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

int CpusInAffinityMask() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// The quota of this process's cgroup or of the nearest ancestor that has one, as mounted in the
// usual places; inside a container the cgroup's own path is often not visible, its root is.
std::optional<double> QuotaInCpus() {
  std::ifstream groups("/proc/self/cgroup");
  const CgroupPaths paths = ParseCgroups(groups);
  std::optional<double> least;
  const auto consider = [&](std::optional<double> quota) {
    if (quota.has_value() && (!least.has_value() || *quota < *least)) least = quota;
  };
  for (const std::string& folder : AncestorsOf("/sys/fs/cgroup", paths.unified)) {
    if (auto line = ReadLine(folder + "/cpu.max")) consider(ParseCpuMax(*line));
  }
  for (const std::string& folder : AncestorsOf("/sys/fs/cgroup/cpu", paths.cpu)) {
    const auto quota = ReadLine(folder + "/cpu.cfs_quota_us");
    const auto period = ReadLine(folder + "/cpu.cfs_period_us");
    if (quota.has_value() && period.has_value()) consider(ParseCpuMax(*quota + " " + *period));
  }
  return least;
}

}  // namespace

int UsableCpus() {
  const int cpus = CpusInAffinityMask();
  const std::optional<double> quota = QuotaInCpus();
  if (!quota.has_value()) return cpus;
  return std::clamp(static_cast<int>(std::ceil(*quota)), 1, cpus);
}

int DefaultPollers(int usable_cpus) { return std::max(1, (usable_cpus + 1) / 2); }

}  // namespace grantkeep::rpc
