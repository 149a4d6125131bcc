// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_POSTBOX_H_
#define GRANTKEEP_STORE_POSTBOX_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <mutex>
#include <utility>

namespace grantkeep {

// Posts to a loop from another thread for as long as the loop's io_context exists. What comes
// later is dropped: the coroutines that waited for it are gone with the context.
class Postbox {
 public:
  // On the loop, or while it surely exists.
  explicit Postbox(const boost::asio::any_io_executor& executor)
      : state_(boost::asio::use_service<Watch>(boost::asio::query(executor, boost::asio::execution::context))
                   .state) {}

  template <typename Handler>
  void Post(const boost::asio::any_io_executor& executor, Handler handler) const {
    const std::lock_guard lock(state_->mutex);
    if (state_->open) boost::asio::post(executor, std::move(handler));
  }

 private:
  struct State {
    std::mutex mutex;
    bool open = true;
  };
  // Is told by the context when it ends.
  struct Watch final : boost::asio::execution_context::service {
    using key_type = Watch;
    static inline boost::asio::execution_context::id id;
    explicit Watch(boost::asio::execution_context& context) : service(context) {}
    void shutdown() override {
      const std::lock_guard lock(state->mutex);
      state->open = false;
    }
    std::shared_ptr<State> state = std::make_shared<State>();
  };

  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_POSTBOX_H_
