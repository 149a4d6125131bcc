// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_FAULT_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_FAULT_H_

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace grantkeep::practice {

// Something that goes wrong with the next requests to the token or the revocation endpoint.
struct Fault {
  enum class Kind {
    kServerError,      // 500
    kUnavailable,      // 503, with Retry-After when retry_after is set; nothing takes effect
    kReset,            // the connection is reset
    kHang,             // no answer
    kHtml,             // 200 with an HTML page
    kTooManyRequests,  // 429, with Retry-After when retry_after is set; nothing takes effect
    kOAuthError,       // 400 with `error`; nothing takes effect
    kTruncated,        // half of the right answer
    kDropScope,        // the right answer without that member
    kDropExpiresIn,
    kDropRefreshToken,  // as a server that does not rotate this time: the old token stays good
  };
  Kind kind = Kind::kServerError;
  // For how many requests.
  int count = 1;
  // kServerError, kReset, kHang, kHtml: whether the request takes effect all the same, so that only
  // its answer is lost.
  bool after_processing = false;
  std::optional<std::chrono::seconds> retry_after = std::nullopt;
  std::string error = {};
};

// "server_error", "reset", ... as in Kind.
std::string_view FaultName(Fault::Kind kind);
std::optional<Fault::Kind> FaultByName(std::string_view name);

// Faults still to come, first in first out.
class FaultQueue {
 public:
  void Push(Fault fault) {
    if (fault.count > 0) faults_.push_back(std::move(fault));
  }
  void Clear() { faults_.clear(); }
  // What goes wrong with this request, if anything.
  std::optional<Fault> Next() {
    if (faults_.empty()) return std::nullopt;
    Fault fault = faults_.front();
    if (--faults_.front().count == 0) faults_.pop_front();
    return fault;
  }

 private:
  std::deque<Fault> faults_;
};

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_FAULT_H_
