// SPDX-License-Identifier: Apache-2.0
#include "vault/sealed_format.h"

#include <limits>

#include "crypto/aead.h"
#include "grantkeep/storage/v1/records.pb.h"

namespace grantkeep {
namespace {

constexpr size_t kWrappedDekSize = AesGcm::kKeySize + AesGcm::kOverhead;

// Takes fields of the protobuf wire format from the front of a record.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  // Field `number` of type uint32.
  std::optional<uint32_t> Number(uint32_t number) { return Tag(number << 3) ? Varint() : std::nullopt; }
  // Field `number` of type bytes.
  std::optional<std::string_view> Bytes(uint32_t number) {
    if (!Tag((number << 3) | 2)) return std::nullopt;
    const auto size = Varint();
    if (!size.has_value() || *size > rest_.size()) return std::nullopt;
    const std::string_view bytes = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    return bytes;
  }
  bool AtEnd() const { return rest_.empty(); }

 private:
  bool Tag(uint32_t tag) {
    if (rest_.empty() || static_cast<uint8_t>(rest_.front()) != tag) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<uint32_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 35 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) != 0) continue;
      const bool shortest = byte != 0 || shift == 0;
      if (!shortest || value > std::numeric_limits<uint32_t>::max()) return std::nullopt;
      return static_cast<uint32_t>(value);
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<SealedView> ParseSealed(std::string_view record) {
  Reader reader(record);
  const auto format = reader.Number(1);
  if (format != kSealedFormat) return std::nullopt;
  const auto kek_version = reader.Number(2);
  if (kek_version.value_or(0) == 0) return std::nullopt;
  const auto wrapped_dek = reader.Bytes(3);
  if (!wrapped_dek.has_value() || wrapped_dek->size() != kWrappedDekSize) return std::nullopt;
  const auto payload = reader.Bytes(4);
  if (!payload.has_value() || payload->size() < AesGcm::kOverhead || !reader.AtEnd()) return std::nullopt;
  return SealedView{*kek_version, *wrapped_dek, *payload};
}

std::string EncodeSealed(const SealedView& parts) {
  storage::v1::SealedRecord record;
  record.set_format(kSealedFormat);
  record.set_kek_version(parts.kek_version);
  record.set_wrapped_dek(parts.wrapped_dek.data(), parts.wrapped_dek.size());
  record.set_payload(parts.payload.data(), parts.payload.size());
  return record.SerializeAsString();
}

Fields PayloadAad(const RecordName& name, Revision revision) {
  return Fields("grantkeep/payload", kSealedFormat, static_cast<uint8_t>(name.kind), name.tenant, name.id,
                revision);
}

Fields DekAad(const RecordName& name, uint32_t kek_version) {
  return Fields("grantkeep/dek", kSealedFormat, static_cast<uint8_t>(name.kind), name.tenant, name.id,
                kek_version);
}

Fields KekAad(std::string_view tenant, uint32_t kek_version) {
  return Fields("grantkeep/kek", kSealedFormat, tenant, kek_version);
}

}  // namespace grantkeep
