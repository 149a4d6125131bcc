// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_SEALED_FORMAT_H_
#define GRANTKEEP_VAULT_SEALED_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/store.h"
#include "vault/fields.h"
#include "vault/sealed.h"

namespace grantkeep {

// The bytes of storage.v1.SealedRecord and the AAD of its parts (vault/sealed.h says what and why).
inline constexpr uint32_t kSealedFormat = 1;

// The parts of a sealed record, in the record's own bytes.
struct SealedView {
  uint32_t kek_version = 0;
  std::string_view wrapped_dek;
  std::string_view payload;
};

// Reads exactly what EncodeSealed writes: fields 1 to 4, each once and in order, in the shortest
// form, nothing after them, and sizes that boxes can have. Nothing for anything else, another
// format included.
std::optional<SealedView> ParseSealed(std::string_view record);
std::string EncodeSealed(const SealedView& parts);

Fields PayloadAad(const RecordName& name, Revision revision);
Fields DekAad(const RecordName& name, uint32_t kek_version);
Fields KekAad(std::string_view tenant, uint32_t kek_version);

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_SEALED_FORMAT_H_
