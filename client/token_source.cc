// SPDX-License-Identifier: Apache-2.0
#include "grantkeep/token_source.h"

#include <string.h>

#include <utility>

#include "client/address.h"
#include "client/channel.h"
#include "client/token_source_core.h"
#include "grantkeep/client.h"

namespace grantkeep {

Token::~Token() { explicit_bzero(access_token.data(), access_token.size()); }

GrantTokens::GrantTokens(const Key&, std::shared_ptr<client::TokenSourceCore> core, std::string subject,
                         std::string grant_id)
    : core_(std::move(core)),
      subject_(std::move(subject)),
      grant_id_(std::move(grant_id)),
      state_(std::make_unique<State>()) {}

GrantTokens::~GrantTokens() { core_->Removed(); }

std::shared_ptr<const Token> GrantTokens::InMemory(std::chrono::milliseconds slack) const {
  return client::TokenSourceCore::FindInMemory(*state_, slack);
}

absl::StatusOr<std::shared_ptr<const Token>> GrantTokens::Get() {
  if (std::shared_ptr<const Token> token = client::TokenSourceCore::FindInMemory(*state_, {})) return token;
  return core_->Ask(*this, core_->options().timeout);
}

absl::StatusOr<std::shared_ptr<const Token>> GrantTokens::Get(std::chrono::milliseconds timeout) {
  if (std::shared_ptr<const Token> token = client::TokenSourceCore::FindInMemory(*state_, {})) return token;
  return core_->Ask(*this, timeout);
}

void GrantTokens::Reject(uint64_t generation) {
  const bool is_newest = state_->known.With([generation](const client::KnownGrant& known) {
    return known.token != nullptr && known.token->generation == generation;
  });
  uint64_t highest = state_->rejected.load();
  while (is_newest && highest < generation && !state_->rejected.compare_exchange_weak(highest, generation)) {
  }
}

absl::StatusOr<std::unique_ptr<TokenSource>> TokenSource::Create(const TokenSourceOptions& options) {
  const absl::StatusOr<std::string> target =
      client::TargetOf(options.address.empty() ? DefaultAddress() : options.address);
  if (!target.ok()) return target.status();
  constexpr std::chrono::milliseconds kLongestTtl = std::chrono::hours(24);
  if (options.min_ttl < std::chrono::milliseconds(0) || options.min_ttl > kLongestTtl) {
    return absl::InvalidArgumentError("min_ttl: must be from 0 to 24 hours");
  }
  auto core = std::make_shared<client::TokenSourceCore>(options, client::MakeChannel(*target));
  core->Start();
  return std::unique_ptr<TokenSource>(new TokenSource(std::move(core)));
}

TokenSource::TokenSource(std::shared_ptr<client::TokenSourceCore> core) : core_(std::move(core)) {}

TokenSource::~TokenSource() { core_->Close(); }

std::shared_ptr<GrantTokens> TokenSource::Add(const std::string& subject, const std::string& grant_id) {
  return core_->Add(subject, grant_id);
}

size_t TokenSource::streams() const { return core_->streams(); }

}  // namespace grantkeep
