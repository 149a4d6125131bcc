// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_LOSSY_RELAY_H_
#define GRANTKEEP_TESTS_E2E_LOSSY_RELAY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/support/browser.h"
#include "tests/support/practice_provider/http_server.h"

namespace grantkeep::testing {

// Stands in front of a token endpoint and passes requests on, but can lose answers on the way
// back: the server has acted, and its client does not know.
class LossyRelay {
 public:
  // Whatever is posted to url() goes to `target`.
  static absl::StatusOr<std::unique_ptr<LossyRelay>> Start(std::string target);

  std::string url() const;
  // The answers to the next `count` requests get lost; the connection is reset instead.
  void LoseAnswers(int count);
  // Requests passed on so far.
  int forwarded() const;

 private:
  explicit LossyRelay(std::string target) : target_(std::move(target)) {}
  practice::ServerReply Forward(const practice::ServerRequest& request);

  const std::string target_;
  // These belong to the server's thread, which is joined first.
  Browser client_;
  int lose_ = 0;
  int forwarded_ = 0;
  std::unique_ptr<practice::HttpServer> server_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_LOSSY_RELAY_H_
