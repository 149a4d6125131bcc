// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_GRANT_WATCHES_H_
#define GRANTKEEP_REFRESH_GRANT_WATCHES_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "refresh/change_inboxes.h"
#include "refresh/refresh.h"

namespace grantkeep {

class StoreChanges;

struct WatchedGrant {
  SubjectId subject;
  GrantId grant;
};

// What a watcher is told of one grant: how it is now.
struct GrantNews {
  size_t place = 0;         // in the list of grants that are watched
  bool not_found = false;   // there is no such grant of this subject
  bool unverified = false;  // the store does not answer: the grant may have been changed or revoked elsewhere
  // Absent: there is none, or nothing is known that is recent enough (`unverified`).
  std::optional<StoredGrant> stored;
  bool token_is_valid = false;  // the access token in `stored` may be used
};

// Who is told what about which grants. A watch hears of a grant's changes in this process and in others (what
// the store reports), of tokens that are served although the store has not accepted them, of its token's
// expiry, and, when it is not provable any more that all changes are reported, reads the grant again until it
// is. A change that nobody reports is seen all the same, within kLookAgain.
//
// A grant that is watched is in use: its renewals begin when they are due, though nobody asks for a
// token.
class GrantWatches {
 public:
  // How long what a watcher was told last stands without a look, while changes are reported, and while they
  // are not.
  static constexpr Duration kLookAgain = std::chrono::seconds(30);
  static constexpr Duration kLookAgainInDoubt = std::chrono::seconds(1);
  // How often is asked whether changes are reported.
  static constexpr Duration kProofInterval = std::chrono::milliseconds(250);

  // What is given must outlive the loop's coroutines.
  GrantWatches(Refresher& refresher, Store& store, StoreChanges& changes, Clock& clock,
               boost::asio::io_context& loop);
  ~GrantWatches();
  GrantWatches(const GrantWatches&) = delete;
  GrantWatches& operator=(const GrantWatches&) = delete;

  class Watch;
  // Begins to watch grants of a tenant. On the loop.
  std::unique_ptr<Watch> Open(TenantId tenant, std::vector<WatchedGrant> grants);

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

// One watcher's grants. Used by one coroutine on the loop, and ends before the loop does; may outlive the
// GrantWatches.
class GrantWatches::Watch {
 public:
  Watch(std::shared_ptr<State> state, TenantId tenant, std::vector<WatchedGrant> grants);
  ~Watch();

  // How one of the grants is, as soon as that is not what was told of it last; at first, each of them.
  // However many changes there were meanwhile, only the newest is told. Nothing: End() was called.
  boost::asio::awaitable<std::optional<GrantNews>> Next();
  // Ends Next(), now or when it is called.
  void End();

 private:
  struct Watched;

  void Enqueue(size_t place, Revision at_least = 0);
  // Puts into the queue what was told of or is due, and says when the next is.
  Tick Collect();
  boost::asio::awaitable<GrantNews> Look(size_t place, Revision at_least);
  Tick NextLook(const GrantNews& news) const;

  const std::shared_ptr<State> state_;
  const TenantId tenant_;
  std::vector<Watched> grants_;
  std::deque<size_t> queue_;  // places to look at, each once
  bool ended_ = false;
  std::unique_ptr<ChangeInboxes::Inbox> inbox_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_GRANT_WATCHES_H_
