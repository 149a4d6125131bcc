// SPDX-License-Identifier: Apache-2.0
// The token endpoint's answer: first byte chooses the status and the dialect, the rest is the body.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provider/provider.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr int kStatuses[] = {200, 201, 204, 302, 400, 401, 403, 429, 500, 503};
  grantkeep::config::v1::Provider record;
  record.set_id("p");
  if (data[0] & 0x80) record.set_error_dialect(grantkeep::config::v1::ERROR_DIALECT_ERROR_IN_200);
  if (data[0] & 0x40) record.set_scope_separator(",");

  grantkeep::HttpOutcome answer;
  answer.response.emplace();
  answer.response->status = kStatuses[(data[0] & 0x3f) % std::size(kStatuses)];
  answer.response->headers.emplace_back("content-type", "application/json");
  answer.response->body =
      grantkeep::Secret(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  const grantkeep::TokenOutcome outcome = grantkeep::ParseTokenAnswer(record, answer, grantkeep::Time());

  using Kind = grantkeep::TokenOutcome::Kind;
  if (outcome.kind == Kind::kNotSent) abort();  // there was an answer
  if (outcome.kind != Kind::kGranted && outcome.status.ok()) abort();
  if (outcome.kind == Kind::kGranted && outcome.status.ok() && outcome.tokens.access_token.empty()) abort();
  if (outcome.error_description.size() > 200) abort();
  return 0;
}
