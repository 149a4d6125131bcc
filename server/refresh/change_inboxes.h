// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_CHANGE_INBOXES_H_
#define GRANTKEEP_REFRESH_CHANGE_INBOXES_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace grantkeep {

// Coroutines that want to hear which of many records have changed, each on its loop. What is told of a record
// that nobody has looked at since is told once: an inbox never holds more than one note for each of its
// records.
class ChangeInboxes {
 private:
  struct Registry;
  struct Notes;

 public:
  struct Note {
    size_t place = 0;       // in the list of keys
    Revision revision = 0;  // that the record has at least by now; 0: unknown
  };
  // The notes for one coroutine, about the records that it named. Used on its loop only, and must end before
  // that does.
  class Inbox {
   public:
    Inbox(std::shared_ptr<Registry> registry, std::shared_ptr<Notes> notes);
    ~Inbox();
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    // Takes the notes out. To be followed by a read of each record.
    std::vector<Note> Take();
    // Until there is a note or Ring() was called since the last wait, at the latest `until`.
    boost::asio::awaitable<void> Wait(Clock& clock, Tick until);
    void Ring();

   private:
    const std::shared_ptr<Registry> registry_;
    const std::shared_ptr<Notes> notes_;
  };

  ChangeInboxes();

  // An inbox for a coroutine on `loop`; with a note about none.
  std::unique_ptr<Inbox> Open(boost::asio::io_context& loop, std::vector<Key> keys) const;
  // The record has changed; all of them may have. Any thread; do not block.
  void Tell(const Change& change) const;
  void TellAll() const;
  // Nobody has one. Any thread.
  bool empty() const;

 private:
  const std::shared_ptr<Registry> registry_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_CHANGE_INBOXES_H_
