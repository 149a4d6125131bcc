// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_CGROUP_H_
#define GRANTKEEP_RPC_CGROUP_H_

#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grantkeep::rpc {

// Where a process is in the cgroup hierarchies: "/" when unknown.
struct CgroupPaths {
  std::string unified = "/";  // version 2
  std::string cpu = "/";      // version 1, controller cpu
};

// Reads the lines of /proc/PID/cgroup ("3:cpu,cpuacct:/a/b", "0::/a/b").
CgroupPaths ParseCgroups(std::istream& lines);

// "QUOTA PERIOD" in microseconds, as in cpu.max, in CPUs. Nothing for "max", -1 or nonsense.
std::optional<double> ParseCpuMax(std::string_view line);

// The folders of `path` and its ancestors below `mount`, innermost first: ("/m", "/a/b") gives
// "/m/a/b", "/m/a", "/m".
std::vector<std::string> AncestorsOf(const std::string& mount, std::string path);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_CGROUP_H_
