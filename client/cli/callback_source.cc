// SPDX-License-Identifier: Apache-2.0
#include "client/cli/callback_source.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "client/cli/callback_request.h"
#include "client/cli/pasted_callback.h"
#include "client/cli/spinner.h"

namespace grantkeep::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{100};
// In the redirect URI when nobody listens: the page there is meant not to load.
constexpr uint16_t kNobodysPort = 8400;

}  // namespace

absl::StatusOr<std::unique_ptr<CallbackSource>> CallbackSource::Open(uint16_t port, Pasting pasting,
                                                                     const Console& console) {
  auto listener = CallbackListener::Open(port);
  // Somebody else has the port: the browser would bring the code there. Only who expects no listener
  // goes on without one.
  if (!listener.ok() && pasting != Pasting::kExpected) return listener.status();
  if (listener.ok()) port = (*listener)->port();
  return std::unique_ptr<CallbackSource>(new CallbackSource(
      listener.ok() ? *std::move(listener) : nullptr, port == 0 ? kNobodysPort : port, pasting, console));
}

CallbackSource::CallbackSource(std::unique_ptr<CallbackListener> listener, uint16_t port, Pasting pasting,
                               const Console& console)
    : listener_(std::move(listener)),
      port_(port),
      pasting_(pasting),
      console_(console),
      redirect_uri_(fmt::format("http://127.0.0.1:{}{}", port, kCallbackPath)) {}

absl::StatusOr<std::string> CallbackSource::Wait(const std::string& state, Deadline deadline) {
  std::optional<PastedCallback> pasted;
  if (pasting_ != Pasting::kNo) pasted.emplace(console_, redirect_uri_, state);
  // It would write over what is being pasted.
  std::optional<Spinner> spinner;
  if (!pasted.has_value()) spinner.emplace(console_, "Waiting for you to sign in");
  const bool end_counts = pasting_ == Pasting::kExpected || listener_ == nullptr;
  const auto over = [&](milliseconds patience) {
    if (spinner.has_value()) {
      spinner->Tick(std::chrono::duration_cast<std::chrono::seconds>(deadline - steady_clock::now()));
    }
    return pasted.has_value() && pasted->Look(patience) && (pasted->found().has_value() || end_counts);
  };
  if (listener_ != nullptr) {
    auto callback = listener_->Wait(state, deadline, [&] { return over(milliseconds(0)); });
    came_by_browser_ = callback.ok();
    if (!absl::IsCancelled(callback.status())) return callback;
  } else {
    while (!over(kTick)) {
      if (steady_clock::now() >= deadline) return absl::DeadlineExceededError(kNobodyCame);
    }
  }
  if (pasted->found().has_value()) return *pasted->found();
  return absl::InvalidArgumentError(
      "standard input has ended without the address of this sign-in's last page");
}

void CallbackSource::ServeDonePage(Deadline deadline) {
  if (came_by_browser_) listener_->ServeDonePage(deadline);
}

}  // namespace grantkeep::cli
