// SPDX-License-Identifier: Apache-2.0
#include "store/redis/keys.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace grantkeep {
namespace {

constexpr size_t kRevisionSize = 8;
constexpr size_t kMissesSize = 4;
constexpr size_t kHeaderSize = kRevisionSize + kMissesSize + 1;

struct Letter {
  Kind kind;
  char letter;
};
constexpr std::array<Letter, 6> kLetters = {{{Kind::kKeyring, 'k'},
                                             {Kind::kFlow, 'f'},
                                             {Kind::kGrant, 'g'},
                                             {Kind::kSubjectGrant, 'h'},
                                             {Kind::kStaticSecret, 's'},
                                             {Kind::kStaticSecretVersion, 'v'}}};

char LetterOf(Kind kind) {
  for (const Letter& entry : kLetters) {
    if (entry.kind == kind) return entry.letter;
  }
  return '?';
}

std::optional<Kind> KindOf(char letter) {
  for (const Letter& entry : kLetters) {
    if (entry.letter == letter) return entry.kind;
  }
  return std::nullopt;
}

// A decimal number in front of a colon, both taken off `text`.
std::optional<size_t> TakeNumber(std::string_view& text) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ':') return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return number;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "4:acme:ID" into tenant and id.
bool TakeTenantAndId(std::string_view text, Key& key) {
  const std::optional<size_t> size = TakeNumber(text);
  if (!size.has_value() || text.size() < *size + 2 || text[*size] != ':') return false;
  key.tenant = TenantId(text.substr(0, *size));
  key.id = text.substr(*size + 1);
  return true;
}

}  // namespace

std::string RedisKeys::KindPrefix(Kind kind) const { return fmt::format("{}:{}:", prefix_, LetterOf(kind)); }

std::string RedisKeys::RecordPrefix(Partition partition, Kind kind, const TenantId& tenant) const {
  return fmt::format("{}:{}:{{p{:03}}}:{}:{}:", prefix_, LetterOf(kind), partition, tenant.value().size(),
                     tenant.value());
}

std::string RedisKeys::Record(const Key& key) const {
  return RecordPrefix(key.partition, key.kind, key.tenant) + key.id;
}

std::string RedisKeys::Lease(const Key& key) const {
  return fmt::format("{}:lease:{{p{:03}}}:{}", prefix_, key.partition, DueMember(key));
}

std::string RedisKeys::Due(Partition partition) const {
  return fmt::format("{}:due:{{p{:03}}}", prefix_, partition);
}

std::string RedisKeys::Index(Partition partition, Kind kind, const TenantId& tenant) const {
  return fmt::format("{}:index:{{p{:03}}}:{}:{}", prefix_, partition, LetterOf(kind), tenant.value());
}

std::string RedisKeys::Meta(std::string_view name) const {
  return fmt::format("{}:{{meta}}:{}", prefix_, name);
}

std::string RedisKeys::Heartbeat(std::string_view nonce) const {
  return fmt::format("{}:heartbeat:{}", prefix_, nonce);
}

std::optional<Key> RedisKeys::ParseRecord(std::string_view name) const {
  if (!TakePrefix(name, prefix_) || name.size() < 3 || name[0] != ':' || name[2] != ':') return std::nullopt;
  const std::optional<Kind> kind = KindOf(name[1]);
  name.remove_prefix(3);
  if (!kind.has_value() || !TakePrefix(name, "{p") || name.size() < 5 || name.substr(3, 2) != "}:") {
    return std::nullopt;
  }
  Key key;
  key.kind = *kind;
  const char* const digits_end = std::next(name.data(), 3);
  const auto [end, error] = std::from_chars(name.data(), digits_end, key.partition);
  if (error != std::errc() || end != digits_end || key.partition >= kPartitions) return std::nullopt;
  if (!TakeTenantAndId(name.substr(5), key)) return std::nullopt;
  return key;
}

std::string DueMember(const Key& key) {
  return fmt::format("{}:{}:{}:{}", LetterOf(key.kind), key.tenant.value().size(), key.tenant.value(),
                     key.id);
}

std::optional<Key> ParseDueMember(Partition partition, std::string_view member) {
  if (member.size() < 2 || member[1] != ':') return std::nullopt;
  const std::optional<Kind> kind = KindOf(member[0]);
  if (!kind.has_value()) return std::nullopt;
  Key key{.partition = partition, .kind = *kind, .tenant = {}, .id = {}};
  if (!TakeTenantAndId(member.substr(2), key)) return std::nullopt;
  return key;
}

bool IsTracked(Kind kind) {
  return kind == Kind::kGrant || kind == Kind::kStaticSecret || kind == Kind::kKeyring;
}

std::string RevisionBytes(Revision revision) {
  std::string bytes;
  if (revision == 0) return bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(revision >> shift));
  return bytes;
}

Revision ParseRevisionBytes(std::string_view bytes) {
  if (bytes.size() != kRevisionSize) return 0;
  Revision revision = 0;
  for (const char byte : bytes) revision = revision << 8 | static_cast<uint8_t>(byte);
  return revision;
}

std::string EncodeRecord(Revision revision, std::string_view guard, std::string_view value) {
  std::string bytes = RevisionBytes(revision);
  bytes.reserve(kHeaderSize + guard.size() + value.size());
  bytes.append(kMissesSize, '\0');
  bytes.push_back(static_cast<char>(guard.size()));
  bytes.append(guard);
  bytes.append(value);
  return bytes;
}

std::optional<RedisRecord> ParseRedisRecord(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  const size_t guard = static_cast<uint8_t>(bytes[kHeaderSize - 1]);
  const Revision revision = ParseRevisionBytes(bytes.substr(0, kRevisionSize));
  if (bytes.size() < kHeaderSize + guard || revision == 0) return std::nullopt;
  return RedisRecord{revision, bytes.substr(kHeaderSize + guard)};
}

}  // namespace grantkeep
