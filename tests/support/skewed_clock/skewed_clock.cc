// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program (LD_PRELOAD), puts its wall clock WALL_CLOCK_SKEW seconds ahead, or behind when
// negative; what it measures durations by stays right. It calls the kernel and nothing else, so that it works
// before the program's allocator does, which a sanitizer's needs.
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

int Skewed(clockid_t id, timespec& now) {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, id, &now));
  const char* skew = getenv("WALL_CLOCK_SKEW");
  const bool wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
  if (result == 0 && wall && skew != nullptr) now.tv_sec += atol(skew);
  return result;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t id, timespec* now) noexcept { return Skewed(id, *now); }

int gettimeofday(timeval* now, void*) noexcept {
  timespec skewed{};
  const int result = Skewed(CLOCK_REALTIME, skewed);
  *now = {.tv_sec = skewed.tv_sec, .tv_usec = skewed.tv_nsec / 1000};
  return result;
}

time_t time(time_t* now) noexcept {
  timespec skewed{};
  Skewed(CLOCK_REALTIME, skewed);
  if (now != nullptr) *now = skewed.tv_sec;
  return skewed.tv_sec;
}

}  // extern "C"
