// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_PUBLISHED_H_
#define GRANTKEEP_CLIENT_PUBLISHED_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace grantkeep::client {

// What one thread is reading at the moment: a hazard pointer. Slots are never freed; the thread that ends
// gives its slot to the next that begins.
struct alignas(64) HazardSlot {
  std::atomic<const void*> reads{nullptr};
  std::atomic<bool> taken{false};
  HazardSlot* next = nullptr;  // set before the slot is in the list

  // The calling thread's own.
  static HazardSlot& OfThisThread();
  // Whether any thread is reading `value`.
  static bool IsRead(const void* value);
};

// An immutable value that is read often, by any number of threads without a lock, and replaced now and then.
// A value that was replaced is destroyed as soon as nobody reads it any more and another has been put in its
// place, or this ends; so at most one for each reading thread is kept.
//
// Why that is safe: a reader writes down what it is going to read, and then looks whether it is still the
// newest; a writer puts the next one in place, and then looks what readers have written down. All four are
// sequentially consistent, so either the reader sees the next one and starts anew, or the writer sees the
// reader.
template <typename T>
class Published {
 public:
  explicit Published(std::unique_ptr<const T> first) : current_(first.release()) {}
  // Nobody reads any more.
  ~Published() { delete current_.load(std::memory_order_relaxed); }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // Calls `read` with the value and returns what that returns, which must not refer to the value. `read` must
  // be short, and not read another Published. Any thread.
  template <typename Read>
  auto With(Read&& read) const {
    HazardSlot& slot = HazardSlot::OfThisThread();
    const T* value = current_.load(std::memory_order_relaxed);
    for (;;) {
      slot.reads.store(value, std::memory_order_seq_cst);
      const T* const newest = current_.load(std::memory_order_seq_cst);
      if (newest == value) break;
      value = newest;
    }
    const Ended ended{slot};
    return std::forward<Read>(read)(*value);
  }

  // Any thread.
  void Replace(std::unique_ptr<const T> next) {
    const std::lock_guard lock(mutex_);
    replaced_.emplace_back(current_.exchange(next.release(), std::memory_order_seq_cst));
    std::erase_if(replaced_, [](const auto& value) { return !HazardSlot::IsRead(value.get()); });
  }

 private:
  struct Ended {
    HazardSlot& slot;
    ~Ended() { slot.reads.store(nullptr, std::memory_order_release); }
  };

  std::atomic<const T*> current_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<const T>> replaced_;
};

}  // namespace grantkeep::client

#endif  // GRANTKEEP_CLIENT_PUBLISHED_H_
