// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_USAGE_H_
#define GRANTKEEP_REFRESH_USAGE_H_

#include <memory>

#include "base/clock.h"
#include "base/ids.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "refresh/transaction.h"

namespace grantkeep {

// Whether somebody has asked for the grant's token in the last `active_window`, as far as the record says.
bool InUse(const storage::v1::Grant& grant, Duration active_window, Time now);

// How old the record's last_used_time_us may become while the grant is in use: an hour, or a quarter of the
// window if that is less; a little less for some grants than for others, so that those that were made
// together are not written together.
bool UseIsWorthWriting(const storage::v1::Grant& grant, Duration active_window, Time now);

// Writes into the records of grants that they are used: behind the answer, about once an hour.
class Usage {
 public:
  Usage(const GrantRooms& rooms, boost::asio::io_context& loop, Duration active_window);
  ~Usage();

  // Any thread; `grant` is the newest that is known. Gives the grant its entry in the due-index, too, from
  // which it may have been taken while nobody used it.
  void Mark(const TenantId& tenant, const storage::v1::Grant& grant);
  // Nothing is written from now on. Loop.
  void Stop();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_USAGE_H_
