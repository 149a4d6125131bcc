// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_PUT_BACK_H_
#define GRANTKEEP_VAULT_PUT_BACK_H_

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/clock.h"

namespace grantkeep {

class CachedRecords;
class Grants;
class SealedRecords;
class StaticSecrets;

// After the store may have lost writes that it had acknowledged: compares everything that this process
// has in memory with the store, and puts back what the store lacks. Keyrings first, then grants, then
// static secrets. What is being used is compared by its use as well, and earlier.
class PutBack {
 public:
  // What a sweep has found.
  struct Counts {
    uint64_t compared = 0;
    uint64_t put_back = 0;
    uint64_t buried = 0;  // tombstones written over what the store had
    uint64_t failed = 0;  // could not be compared: damaged, or sealed under a lost key
  };

  PutBack(SealedRecords& records, Grants& grants, StaticSecrets& static_secrets, Clock& clock)
      : records_(records), grants_(grants), static_secrets_(static_secrets), clock_(clock) {}

  // Notes a loss. True: the caller starts Run() on a loop; false: it is running, and begins again. Any
  // thread.
  [[nodiscard]] bool Begin();
  // Completes when everything was compared since the last loss that was noted. While the store does
  // not answer, or may not be written, it waits. Everything named in the constructor must live as long as the
  // loop runs.
  boost::asio::awaitable<void> Run();

  // Of the last sweep that was not begun again. Any thread.
  Counts last() const;

 private:
  // A walk through the records of one kind, shared by those who compare.
  class Walk;

  boost::asio::awaitable<void> SweepKeyrings(uint64_t loss, Counts& counts);
  boost::asio::awaitable<void> Sweep(CachedRecords& records, uint64_t loss, Counts& counts);
  boost::asio::awaitable<void> Compare(Walk& walk, uint64_t loss, Counts& counts);
  // False when there was another loss since.
  bool IsLast(uint64_t loss) const;
  // `loss` has been dealt with. False when there was another since.
  bool End(uint64_t loss, const Counts& counts);

  SealedRecords& records_;
  Grants& grants_;
  StaticSecrets& static_secrets_;
  Clock& clock_;
  mutable std::mutex mutex_;
  uint64_t losses_ = 0;
  bool running_ = false;
  Counts last_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_PUT_BACK_H_
