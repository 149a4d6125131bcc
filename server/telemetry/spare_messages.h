// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TELEMETRY_SPARE_MESSAGES_H_
#define GRANTKEEP_TELEMETRY_SPARE_MESSAGES_H_

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace grantkeep {

// Cleared messages that a thread keeps for later, with the memory of their fields: to parse a
// grant into one takes half the time that it takes into a new one.
template <typename M>
class SpareMessages {
 public:
  static std::unique_ptr<M> Take() {
    if (!over_ && kept_.count > 0) return std::move(kept_.messages[--kept_.count]);
    return std::make_unique<M>();
  }
  // Clears the message. It must hold no secret any more.
  static void Keep(std::unique_ptr<M> message) {
    if (over_ || kept_.count == kept_.messages.size()) return;
    message->Clear();
    kept_.messages[kept_.count++] = std::move(message);
  }

 private:
  struct Kept {
    std::array<std::unique_ptr<M>, 4> messages;
    size_t count = 0;
    ~Kept() { over_ = true; }
  };
  static thread_local Kept kept_;
  // The thread is ending, and kept_ is gone.
  static thread_local constinit inline bool over_ = false;
};

template <typename M>
thread_local typename SpareMessages<M>::Kept SpareMessages<M>::kept_;

}  // namespace grantkeep

#endif  // GRANTKEEP_TELEMETRY_SPARE_MESSAGES_H_
