// SPDX-License-Identifier: Apache-2.0
#include "refresh/recovered_tokens.h"

#include "crypto/digest.h"
#include "refresh/grant_changes.h"
#include "vault/fields.h"
#include "vault/grants.h"

namespace grantkeep {
namespace {

using storage::v1::Grant;

constexpr std::string_view kMagic = "grantkeep-recovery-1\n";
constexpr size_t kNameBytes = 16;

uint64_t BigEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

// Takes what Fields has written from the front.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::string_view> Text() {
    const auto size = Take(4);
    return size.has_value() ? Take(BigEndian(*size)) : std::nullopt;
  }
  std::optional<uint64_t> Number() {
    const auto bytes = Take(8);
    if (!bytes.has_value()) return std::nullopt;
    return BigEndian(*bytes);
  }
  bool AtEnd() const { return rest_.empty(); }

 private:
  std::optional<std::string_view> Take(size_t size) {
    if (size > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

bool IsKeyPart(std::string_view text, size_t most) { return !text.empty() && text.size() <= most; }

}  // namespace

std::string EncodeRecoveryFile(const RecoveryFileParts& parts) {
  const Fields fields(parts.tenant.value(), parts.grant.value(), parts.presented.value, parts.sealed);
  return std::string(kMagic).append(fields.view());
}

std::optional<RecoveryFileParts> ParseRecoveryFile(std::string_view content) {
  if (!content.starts_with(kMagic)) return std::nullopt;
  Reader reader(content.substr(kMagic.size()));
  const auto tenant = reader.Text();
  const auto grant = reader.Text();
  const auto presented = reader.Number();
  const auto sealed = reader.Text();
  if (!sealed.has_value() || !reader.AtEnd()) return std::nullopt;
  if (!IsKeyPart(*tenant, Store::kMaxTenant) || !IsKeyPart(*grant, Store::kMaxKeyId)) return std::nullopt;
  return RecoveryFileParts{TenantId(*tenant), GrantId(*grant), Generation{*presented}, std::string(*sealed)};
}

std::string RecoveryFileName(const TenantId& tenant, const GrantId& grant, Generation presented) {
  const Fields fields(tenant.value(), grant.value(), presented.value);
  return HexEncode(Sha256(fields.view()).substr(0, kNameBytes)) + ".recovery";
}

Key RecoveryKey(const TenantId& tenant, const GrantId& grant) {
  return Key::Of(kRecoveryFile, tenant, grant.value());
}

Wiped<Grant> TokensOf(const Grant& installed, const std::string& lease_owner, uint64_t epoch) {
  Wiped<Grant> tokens;
  tokens->set_generation(installed.generation());
  tokens->set_access_token(installed.access_token());
  tokens->set_token_type(installed.token_type());
  tokens->set_refresh_token(installed.refresh_token());
  tokens->set_issue_time_us(installed.issue_time_us());
  tokens->set_expire_time_us(installed.expire_time_us());
  *tokens->mutable_scopes() = installed.scopes();
  tokens->set_not_before_us(installed.not_before_us());
  tokens->set_failures(installed.failures());
  tokens->set_store_epoch(epoch);
  tokens->mutable_intent()->set_owner(lease_owner);
  return tokens;
}

TokensFate JudgeTokens(const Grant* stored, const Grant& tokens, const StoreIdentity& store) {
  if (store.cloned_in > tokens.store_epoch()) return TokensFate::kOriginals;
  if (stored == nullptr) return TokensFate::kNoGrant;
  if (stored->state() == Grant::STATE_REVOKED) return TokensFate::kToOutbox;
  return stored->generation() < tokens.generation() ? TokensFate::kInstall : TokensFate::kDrop;
}

void InstallTokenSet(Grant& stored, const Grant& tokens, Time now) {
  stored.clear_intent();
  stored.set_generation(tokens.generation());
  stored.set_access_token(tokens.access_token());
  stored.set_token_type(tokens.token_type());
  stored.set_refresh_token(tokens.refresh_token());
  stored.set_issue_time_us(tokens.issue_time_us());
  stored.set_expire_time_us(tokens.expire_time_us());
  *stored.mutable_scopes() = tokens.scopes();
  stored.set_not_before_us(tokens.not_before_us());
  stored.set_failures(tokens.failures());
  if (stored.state() != Grant::STATE_ACTIVE) EnterState(stored, Grant::STATE_ACTIVE, "", now);
}

}  // namespace grantkeep
