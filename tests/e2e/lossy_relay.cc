// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lossy_relay.h"

#include <fmt/format.h>

#include <utility>

#include "base/status_macros.h"

namespace grantkeep::testing {

absl::StatusOr<std::unique_ptr<LossyRelay>> LossyRelay::Start(std::string target) {
  auto relay = std::unique_ptr<LossyRelay>(new LossyRelay(std::move(target)));
  ASSIGN_OR_RETURN(relay->server_, practice::HttpServer::Start(
                                       0, [self = relay.get()](const practice::ServerRequest& request) {
                                         return self->Forward(request);
                                       }));
  return relay;
}

std::string LossyRelay::url() const { return fmt::format("http://127.0.0.1:{}/token", server_->port()); }

void LossyRelay::LoseAnswers(int count) {
  server_->Run([&] { lose_ = count; });
}

int LossyRelay::forwarded() const {
  return server_->Run([&] { return forwarded_; });
}

practice::ServerReply LossyRelay::Forward(const practice::ServerRequest& request) {
  ++forwarded_;
  Page page = client_.PostBody(target_, request.body, request.authorization);
  practice::ServerReply reply;
  reply.status = page.status == 0 ? 502 : page.status;
  reply.headers = {{"Content-Type", "application/json"}};
  reply.body = std::move(page.body);
  if (lose_ > 0) {
    --lose_;
    reply.wire = practice::ServerReply::Wire::kReset;
  }
  return reply;
}

}  // namespace grantkeep::testing
