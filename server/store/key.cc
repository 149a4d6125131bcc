// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>

#include "crypto/digest.h"
#include "store/store.h"

namespace grantkeep {
namespace {

// A field as 4-byte big-endian length and bytes, so that no two lists of fields look alike.
void AppendField(std::string& out, std::string_view field) {
  const auto size = static_cast<uint32_t>(field.size());
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(size >> shift));
  out.append(field);
}

Partition PartitionOf(const TenantId& tenant, std::string_view root) {
  std::string fields;
  AppendField(fields, tenant.value());
  AppendField(fields, root);
  static_assert(kPartitions == 256, "the partition is one byte of the digest");
  return static_cast<uint8_t>(Sha256(fields).front());
}

}  // namespace

Key Key::Of(Kind kind, const TenantId& tenant, std::string id) {
  const Partition partition = PartitionOf(tenant, id);
  return {.partition = partition, .kind = kind, .tenant = tenant, .id = std::move(id)};
}

Key Key::Under(Kind kind, const TenantId& tenant, std::string_view root, std::string id) {
  return {.partition = PartitionOf(tenant, root), .kind = kind, .tenant = tenant, .id = std::move(id)};
}

}  // namespace grantkeep
