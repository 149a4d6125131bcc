// SPDX-License-Identifier: Apache-2.0
#include "vault/sealed.h"

#include <fmt/format.h>
#include <string.h>

#include <array>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/aead.h"
#include "vault/keyrings.h"
#include "vault/sealed_format.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kKeyring:
      return "keyring";
    case Kind::kFlow:
      return "flow";
    case Kind::kGrant:
      return "grant";
    case Kind::kSubjectGrant:
      return "subject index";
    case Kind::kStaticSecret:
      return "static secret";
    case Kind::kStaticSecretVersion:
      return "static secret version";
  }
  return "unknown";
}

absl::Status Corrupt(const RecordName& name) {
  return Error(Reason::kStoreCorrupt,
               fmt::format("{} record of tenant {} does not authenticate: it was altered, "
                           "moved or put back",
                           KindName(name.kind), name.tenant));
}

template <size_t size>
std::string_view View(const std::array<uint8_t, size>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

RecordName NameOf(const Key& key) { return {key.kind, key.tenant.value(), key.id}; }

absl::StatusOr<Secret> OpenUnder(const AesGcm& kek, const RecordName& name, Revision revision,
                                 const SealedView& parts) {
  const Fields dek_aad = DekAad(name, parts.kek_version);
  std::array<uint8_t, AesGcm::kKeySize> dek;
  if (!kek.OpenTo(parts.wrapped_dek, dek_aad.view(), dek)) return Corrupt(name);
  const Fields payload_aad = PayloadAad(name, revision);
  auto payload = AesGcmOpenWithNonce(View(dek), parts.payload.substr(0, AesGcm::kNonceSize),
                                     parts.payload.substr(AesGcm::kNonceSize), payload_aad.view());
  explicit_bzero(dek.data(), dek.size());
  if (!payload.ok()) return Corrupt(name);
  return payload;
}

}  // namespace

struct SealedRecords::State {
  State(Store& store, KeyWrapper& root, Clock& clock, Random& random_source)
      : keyrings(store, root, clock, random_source), random(random_source) {}
  Keyrings keyrings;
  Random& random;
};

SealedRecords::SealedRecords(Store& store, KeyWrapper& root, Clock& clock, Random& random)
    : state_(std::make_unique<State>(store, root, clock, random)) {}

SealedRecords::~SealedRecords() = default;

awaitable<absl::Status> SealedRecords::CheckRootKey(Tick deadline) {
  // No tenant has this name: those of callers begin with a letter or a digit.
  TenantId nobody("-");
  const auto keyring =
      co_await state_->keyrings.Get(std::move(nobody), Keyrings::IfAbsent::kCreate, deadline);
  // Only its making is a write.
  if (HasReason(keyring.status(), Reason::kStoreNotAdopted)) co_return absl::OkStatus();
  co_return keyring.status();
}

awaitable<absl::StatusOr<bool>> SealedRecords::PutKeyringBack(TenantId tenant, Tick deadline) {
  auto put_back = co_await state_->keyrings.PutBack(tenant, deadline);
  if (!put_back.ok())
    co_return Annotate(put_back.status(), fmt::format("keyring of tenant {}", tenant.value()));
  co_return put_back;
}

std::vector<TenantId> SealedRecords::keyrings() const { return state_->keyrings.InMemory(); }

awaitable<absl::StatusOr<std::string>> SealedRecords::Seal(Key key, Revision revision,
                                                           std::string_view payload, Tick deadline) {
  ASSIGN_OR_CO_RETURN(const std::shared_ptr<const Keyring> keyring,
                      co_await state_->keyrings.Get(key.tenant, Keyrings::IfAbsent::kCreate, deadline));
  const RecordName name = NameOf(key);
  const uint32_t kek_version = keyring->primary();
  Secret dek = Secret::OfSize(AesGcm::kKeySize);
  state_->random.Fill(dek.Mutable());
  const Fields dek_aad = DekAad(name, kek_version);
  const std::string wrapped_dek =
      keyring->Find(kek_version)->Seal(state_->random, dek.Expose(), dek_aad.view());
  std::array<uint8_t, AesGcm::kNonceSize> nonce;
  state_->random.Fill(nonce);
  const Fields payload_aad = PayloadAad(name, revision);
  std::string box(View(nonce));
  box += AesGcmSealWithNonce(dek.Expose(), View(nonce), payload, payload_aad.view());
  co_return EncodeSealed({kek_version, wrapped_dek, box});
}

awaitable<absl::StatusOr<Secret>> SealedRecords::Open(Key key, Revision revision, std::string_view sealed,
                                                      Tick deadline) {
  const RecordName name = NameOf(key);
  const auto parts = ParseSealed(sealed);
  if (!parts.has_value()) co_return Corrupt(name);
  ASSIGN_OR_CO_RETURN(std::shared_ptr<const Keyring> keyring,
                      co_await state_->keyrings.Get(key.tenant, Keyrings::IfAbsent::kFail, deadline));
  if (keyring->Find(parts->kek_version) == nullptr) {
    ASSIGN_OR_CO_RETURN(keyring, co_await state_->keyrings.Reload(key.tenant, deadline));
  }
  const AesGcm* kek = keyring->Find(parts->kek_version);
  if (kek == nullptr) co_return Corrupt(name);
  co_return OpenUnder(*kek, name, revision, *parts);
}

absl::StatusOr<std::optional<Secret>> SealedRecords::OpenFromMemory(const Key& key, Revision revision,
                                                                    std::string_view sealed) {
  return OpenFromMemory(NameOf(key), revision, sealed);
}

absl::StatusOr<std::optional<Secret>> SealedRecords::OpenFromMemory(const RecordName& name, Revision revision,
                                                                    std::string_view sealed) {
  const auto parts = ParseSealed(sealed);
  if (!parts.has_value()) return Corrupt(name);
  const std::shared_ptr<const Keyring> keyring = state_->keyrings.FromMemory(name.tenant);
  const AesGcm* kek = keyring == nullptr ? nullptr : keyring->Find(parts->kek_version);
  if (kek == nullptr) return std::optional<Secret>();
  ASSIGN_OR_RETURN(Secret payload, OpenUnder(*kek, name, revision, *parts));
  return std::optional<Secret>(std::move(payload));
}

}  // namespace grantkeep
