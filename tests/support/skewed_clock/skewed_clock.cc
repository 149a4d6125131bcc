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

timespec Skewed(clockid_t id, int& result) {
  timespec now{};
  result = static_cast<int>(syscall(SYS_clock_gettime, id, &now));
  const char* skew = getenv("WALL_CLOCK_SKEW");
  if ((id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) && skew != nullptr) now.tv_sec += atol(skew);
  return now;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t id, timespec* now) noexcept {
  int result = 0;
  *now = Skewed(id, result);
  return result;
}

int gettimeofday(timeval* now, void*) noexcept {
  int result = 0;
  const timespec skewed = Skewed(CLOCK_REALTIME, result);
  *now = {.tv_sec = skewed.tv_sec, .tv_usec = skewed.tv_nsec / 1000};
  return result;
}

time_t time(time_t* now) noexcept {
  int result = 0;
  const time_t seconds = Skewed(CLOCK_REALTIME, result).tv_sec;
  if (now != nullptr) *now = seconds;
  return seconds;
}

}  // extern "C"
