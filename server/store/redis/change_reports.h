// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_CHANGE_REPORTS_H_
#define GRANTKEEP_STORE_REDIS_CHANGE_REPORTS_H_

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "store/redis/keys.h"
#include "store/store.h"

namespace grantkeep {

// Turns what Redis reports of changed keys, and what our own writes have answered, into Changes.
//
// Redis reports the writes of our own scripts to us as well: NOLOOP does not know who runs a script. A
// report about a key that we have written lately is therefore checked against the record's revision: if
// it is still the one that we wrote, nothing has happened that we do not know. A report that comes while
// our write is on its way waits for that write's answer.
//
// The store's loop only, but for OnChange.
class ChangeReports {
 public:
  // Asks for a record's revision; 0: there is none. May call back with nothing when it cannot be had.
  using AskRevision =
      std::function<void(const std::string& record, std::function<void(std::optional<Revision>)> answer)>;

  ChangeReports(const RedisKeys& keys, Clock& clock) : keys_(keys), clock_(clock) {}

  void OnChange(std::function<void(const Change&)> listener);

  // A new subscription: what was on its way counts no more.
  void Begin(AskRevision ask);
  // A write of these records is on its way; it has ended, and has made these changes.
  void Sent(const std::vector<Key>& records);
  void Answered(const std::vector<Key>& records, const std::vector<Change>& changes);
  // Redis reports a change of the record with this name.
  void Reported(std::string_view record);
  // Forgets writes that are so old that their reports have come. Now and then.
  void Tidy();

 private:
  struct Own {
    int on_their_way = 0;
    bool reported = false;  // while one was on its way
    Revision revision = 0;  // after the last one that was done
    Tick last;
  };

  void Tell(const Change& change);
  void Check(const std::string& record);

  const RedisKeys& keys_;
  Clock& clock_;
  AskRevision ask_;
  std::map<std::string, Own, std::less<>> own_;

  std::mutex mutex_;
  std::function<void(const Change&)> listener_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_CHANGE_REPORTS_H_
