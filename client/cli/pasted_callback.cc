// SPDX-License-Identifier: Apache-2.0
#include "client/cli/pasted_callback.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "client/cli/callback_request.h"

namespace grantkeep::cli {
namespace {

// What CompleteAuth takes, and some white space.
constexpr size_t kMaxLine = size_t{17} * 1024;

}  // namespace

std::optional<std::string> CallbackIn(std::string_view pasted, std::string_view redirect_uri,
                                      std::string_view state) {
  constexpr std::string_view kWhite = " \t\r\n";
  const size_t begin = std::min(pasted.find_first_not_of(kWhite), pasted.size());
  pasted.remove_prefix(begin);
  pasted = pasted.substr(0, pasted.find_last_not_of(kWhite) + 1);
  if (!pasted.starts_with(redirect_uri)) return std::nullopt;
  const std::string_view query = pasted.substr(redirect_uri.size());
  const bool visible = std::ranges::all_of(query, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!query.starts_with('?') || !visible || !CarriesState(query.substr(1), state)) return std::nullopt;
  return std::string(pasted);
}

PastedCallback::PastedCallback(const Console& console, std::string redirect_uri, std::string state)
    : console_(console), redirect_uri_(std::move(redirect_uri)), state_(std::move(state)) {
  buffer_.reserve(2 * kMaxLine);
}

PastedCallback::~PastedCallback() { Wipe(buffer_); }

bool PastedCallback::Look(std::chrono::milliseconds patience) {
  pollfd input{console_.in, POLLIN, 0};
  if (!ended_ && !found_.has_value() && poll(&input, 1, static_cast<int>(patience.count())) > 0) {
    char bytes[4096];
    const ssize_t got = read(console_.in, bytes, sizeof bytes);
    if (got > 0) buffer_.append(bytes, static_cast<size_t>(got));
    ended_ = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
    explicit_bzero(bytes, sizeof bytes);
    // The last line may lack its end.
    if (ended_ && !buffer_.empty()) buffer_ += '\n';
    for (size_t end = 0; !found_.has_value() && (end = buffer_.find('\n')) != std::string::npos;) {
      TakeLine(std::string_view(buffer_).substr(0, end));
      buffer_.erase(0, end + 1);
    }
    if (buffer_.size() > kMaxLine) buffer_.clear();
  }
  return ended_ || found_.has_value();
}

void PastedCallback::TakeLine(std::string_view line) {
  found_ = CallbackIn(line, redirect_uri_, state_);
  if (found_.has_value() || line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  console_.Err("That is not the address of this sign-in's last page. It begins with " + redirect_uri_ +
               "? and has to be copied whole.\n");
}

}  // namespace grantkeep::cli
