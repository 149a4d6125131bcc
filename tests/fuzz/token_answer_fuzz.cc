// SPDX-License-Identifier: Apache-2.0
// The token endpoint's answer: the first byte and the size choose status and dialect, the rest is
// the body.
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
  const auto dialect = static_cast<grantkeep::config::v1::ErrorDialect>(1 + size % 3);
  record.set_error_dialect(dialect);
  if (data[0] & 0x80) record.set_token_object("authed_user");
  record.set_answer_scope_separator((data[0] & 0x40) ? "," : " ");

  grantkeep::HttpOutcome answer;
  answer.response.emplace();
  answer.response->status = kStatuses[(data[0] & 0x1f) % std::size(kStatuses)];
  answer.response->headers.emplace_back("content-type", "application/json");
  answer.response->body =
      grantkeep::Secret(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  const grantkeep::TokenOutcome outcome = grantkeep::ParseTokenAnswer(
      record, answer, grantkeep::Time(),
      (data[0] & 0x20) ? grantkeep::TokenRequestKind::kRefresh : grantkeep::TokenRequestKind::kCodeExchange);

  using Kind = grantkeep::TokenOutcome::Kind;
  if (outcome.kind == Kind::kNotSent) abort();  // there was an answer
  if (outcome.kind != Kind::kGranted && outcome.status.ok()) abort();
  if (outcome.kind == Kind::kGranted && outcome.status.ok() && outcome.tokens.access_token.empty()) abort();
  if (outcome.error_description.size() > 200) abort();
  // An access token goes into a header.
  for (const unsigned char c : outcome.tokens.access_token.Expose()) {
    if (c <= ' ' || c >= 0x7F) abort();
  }
  return 0;
}
