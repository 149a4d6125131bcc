// SPDX-License-Identifier: Apache-2.0
#include "refresh/change_inboxes.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "net/event.h"

namespace grantkeep {

struct ChangeInboxes::Notes {
  Notes(boost::asio::io_context& loop_, std::vector<Key> keys_)
      : loop(loop_), keys(std::move(keys_)), noted(keys.size(), kNotNoted) {}

  static constexpr size_t kNotNoted = SIZE_MAX;

  boost::asio::io_context& loop;
  const std::vector<Key> keys;
  // Under the registry's mutex.
  std::vector<Note> notes;
  std::vector<size_t> noted;  // by place: which note is about it
  bool posted = false;        // the bell is going to ring
  // On the loop.
  Event bell;
};

struct ChangeInboxes::Registry {
  struct Subscriber {
    std::shared_ptr<Notes> notes;
    size_t place;
  };

  // The mutex is held, which is why the inbox, and so its loop, cannot end meanwhile.
  static void Add(const std::shared_ptr<Notes>& notes, Note note) {
    size_t& noted = notes->noted[note.place];
    if (noted != Notes::kNotNoted) {
      Note& earlier = notes->notes[noted];
      earlier.revision = std::max(earlier.revision, note.revision);
      return;
    }
    noted = notes->notes.size();
    notes->notes.push_back(note);
    if (std::exchange(notes->posted, true)) return;
    boost::asio::post(notes->loop, [notes] { notes->bell.Set(); });
  }

  std::mutex mutex;
  absl::flat_hash_map<Key, std::vector<Subscriber>> subscribers;
  absl::flat_hash_set<std::shared_ptr<Notes>> all;
};

ChangeInboxes::ChangeInboxes() : registry_(std::make_shared<Registry>()) {}

std::unique_ptr<ChangeInboxes::Inbox> ChangeInboxes::Open(boost::asio::io_context& loop,
                                                          std::vector<Key> keys) const {
  return std::make_unique<Inbox>(registry_, std::make_shared<Notes>(loop, std::move(keys)));
}

void ChangeInboxes::Tell(const Change& change) const {
  const std::lock_guard lock(registry_->mutex);
  const auto found = registry_->subscribers.find(change.key);
  if (found == registry_->subscribers.end()) return;
  for (const auto& subscriber : found->second) {
    Registry::Add(subscriber.notes, {subscriber.place, change.revision});
  }
}

void ChangeInboxes::TellAll() const {
  const std::lock_guard lock(registry_->mutex);
  for (const auto& notes : registry_->all) {
    for (size_t place = 0; place < notes->keys.size(); ++place) Registry::Add(notes, {place, 0});
  }
}

bool ChangeInboxes::empty() const {
  const std::lock_guard lock(registry_->mutex);
  return registry_->all.empty();
}

ChangeInboxes::Inbox::Inbox(std::shared_ptr<Registry> registry, std::shared_ptr<Notes> notes)
    : registry_(std::move(registry)), notes_(std::move(notes)) {
  const std::lock_guard lock(registry_->mutex);
  registry_->all.insert(notes_);
  for (size_t place = 0; place < notes_->keys.size(); ++place) {
    registry_->subscribers[notes_->keys[place]].push_back({notes_, place});
  }
}

ChangeInboxes::Inbox::~Inbox() {
  const std::lock_guard lock(registry_->mutex);
  registry_->all.erase(notes_);
  for (const Key& key : notes_->keys) {
    const auto found = registry_->subscribers.find(key);
    if (found == registry_->subscribers.end()) continue;
    std::erase_if(found->second, [this](const auto& subscriber) { return subscriber.notes == notes_; });
    if (found->second.empty()) registry_->subscribers.erase(found);
  }
}

std::vector<ChangeInboxes::Note> ChangeInboxes::Inbox::Take() {
  const std::lock_guard lock(registry_->mutex);
  for (const Note& note : notes_->notes) notes_->noted[note.place] = Notes::kNotNoted;
  return std::exchange(notes_->notes, {});
}

boost::asio::awaitable<void> ChangeInboxes::Inbox::Wait(Clock& clock, Tick until) {
  co_await notes_->bell.Wait(clock, until);
  if (!notes_->bell.IsSet()) co_return;
  notes_->bell = Event();
  const std::lock_guard lock(registry_->mutex);
  notes_->posted = false;
}

void ChangeInboxes::Inbox::Ring() { notes_->bell.Set(); }

}  // namespace grantkeep
