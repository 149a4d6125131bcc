// SPDX-License-Identifier: Apache-2.0
#include "store/redis/operations.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"

namespace grantkeep {
namespace {

using Type = RedisReply::Type;

// A page of a scan ends early when its values pass this.
constexpr size_t kMaxPageBytes = size_t{4} * 1024 * 1024;

// Not less than the duration: what lives so long is gone after it, never before.
std::string Milliseconds(Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

absl::Status Damaged(const Key& key) {
  return Error(Reason::kStoreCorrupt,
               fmt::format("store: the record of kind {} and tenant {} in Redis is none of ours",
                           static_cast<int>(key.kind), key.tenant.value()));
}

// A record as GET returns it, which the key is taken from.
absl::StatusOr<std::optional<Record>> ReadRecord(Key key, const RedisReply& reply) {
  if (reply.is(Type::kNil)) return std::nullopt;
  if (!reply.is(Type::kString)) return StrangeReply();
  const std::optional<RedisRecord> record = ParseRedisRecord(reply.text);
  if (!record.has_value()) return Damaged(key);
  return Record{std::move(key), record->revision, std::string(record->value)};
}

// A call of a script, built up argument by argument.
class ScriptCall {
 public:
  explicit ScriptCall(const RedisScript& script) : script_(script) {}

  ScriptCall& Key(std::string key) {
    keys_.push_back(std::move(key));
    return *this;
  }
  ScriptCall& Argument(std::string argument) {
    arguments_.push_back(std::move(argument));
    return *this;
  }

  std::string Format() const {
    const std::string count = std::to_string(keys_.size());
    std::vector<std::string_view> all = {"EVALSHA", script_.sha1, count};
    all.reserve(all.size() + keys_.size() + arguments_.size());
    all.insert(all.end(), keys_.begin(), keys_.end());
    all.insert(all.end(), arguments_.begin(), arguments_.end());
    return FormatRedisCommand(all);
  }

 private:
  const RedisScript& script_;
  std::vector<std::string> keys_;
  std::vector<std::string> arguments_;
};

// A hint as the record that it has nowhere.
std::string HintRecord() { return EncodeRecord(1, {}, {}); }

std::string IndexedId(const Key& key) { return IsIndexed(key.kind) ? key.id : std::string(); }

// Adds the writes of a commit to a call.
class CommitCall {
 public:
  explicit CommitCall(const RedisKeys& keys) : keys_(keys), call_(CommitScript()) {}

  void Begin(Partition partition) { call_.Key(keys_.Due(partition) + ":never"); }
  std::string Format() const { return call_.Format(); }

  void operator()(const Put& put) {
    if (IsHint(put.key.kind)) {
      call_.Argument("H").Key(keys_.Index(put.key.partition, put.key.kind, put.key.tenant));
      call_.Argument(put.key.id).Argument(HintRecord());
      return;
    }
    Named("P", put.key).Argument(RevisionBytes(put.replaces));
    call_.Argument(EncodeRecord(put.replaces + 1, put.guard.value_or(std::string()), put.value));
    call_.Argument(put.ttl.has_value() ? Milliseconds(*put.ttl) : std::string()).Argument(IndexedId(put.key));
  }
  void operator()(const Delete& erase) {
    Named("D", erase.key).Argument(RevisionBytes(erase.replaces)).Argument(IndexedId(erase.key));
  }
  void operator()(const Restore& restore) {
    Named("R", restore.key).Argument(RevisionBytes(restore.revision));
    call_.Argument(EncodeRecord(restore.revision, {}, restore.value)).Argument(IndexedId(restore.key));
  }
  void operator()(const SetDue& due) {
    call_.Argument("S").Key(keys_.Due(due.key.partition));
    call_.Argument(DueMember(due.key)).Argument(std::to_string(ToMicros(due.at)));
  }
  void operator()(const ClearDue& due) {
    call_.Argument("C").Key(keys_.Due(due.key.partition)).Argument(DueMember(due.key));
  }
  void operator()(const TakeLease& lease) {
    call_.Argument("L").Key(keys_.Lease(lease.key)).Key(keys_.Record(lease.key));
    call_.Argument(lease.owner).Argument(Milliseconds(lease.duration));
  }
  void operator()(const EndLease& lease) {
    call_.Argument("E").Key(keys_.Lease(lease.key)).Argument(lease.owner);
  }
  void operator()(const RequireLease& lease) {
    call_.Argument("Q").Key(keys_.Lease(lease.key)).Argument(lease.owner);
  }

 private:
  ScriptCall& Named(const char* letter, const Key& key) {
    call_.Argument(letter).Key(keys_.Record(key));
    return call_.Key(keys_.Index(key.partition, key.kind, key.tenant));
  }

  const RedisKeys& keys_;
  ScriptCall call_;
};

// The change that a write makes, if it is one of a record.
std::optional<Change> ChangeOf(const Write& write) {
  if (const auto* put = std::get_if<Put>(&write)) return Change{put->key, put->replaces + 1};
  if (const auto* restore = std::get_if<Restore>(&write)) return Change{restore->key, restore->revision};
  const auto* erase = std::get_if<Delete>(&write);
  if (erase != nullptr && erase->replaces != 0) return Change{erase->key, 0};
  return std::nullopt;
}

struct CommitReader {
  std::vector<Key> keys;  // of the writes, in order
  std::vector<Change> on_success;

  absl::StatusOr<CommitResult> operator()(RedisReply reply, std::vector<Change>& changes) const {
    const std::optional<Time> time = ReadTime(reply, 1);
    if (!time.has_value() || reply.elements.size() < 3) return StrangeReply();
    CommitResult result;
    result.store_time = *time;
    const std::string& outcome = reply.elements[0].text;
    if (outcome == "done") {
      changes = on_success;
      return result;
    }
    if (outcome == "lost") {
      result.outcome = CommitResult::Outcome::kLeaseLost;
      return result;
    }
    const bool has_record = reply.elements.size() > 4 && reply.elements[4].is(Type::kString);
    const auto index = reply.elements.size() > 3 ? reply.elements[3].integer : -1;
    if (index < 0 || static_cast<size_t>(index) >= keys.size()) return StrangeReply();
    if (has_record) {
      ASSIGN_OR_RETURN(result.current, ReadRecord(keys[static_cast<size_t>(index)], reply.elements[4]));
    }
    if (outcome == "mismatch") {
      result.outcome = CommitResult::Outcome::kRevisionMismatch;
      return result;
    }
    if (outcome != "leased" || reply.elements.size() != 6) return StrangeReply();
    result.outcome = CommitResult::Outcome::kLeased;
    result.lease_end = *time + std::chrono::milliseconds(std::max<int64_t>(reply.elements[5].integer, 0));
    return result;
  }
};

}  // namespace

absl::Status StrangeReply() {
  return Error(Reason::kStoreUnavailable, "store: Redis gave a reply that does not belong to the command");
}

std::optional<Time> ReadTime(const RedisReply& reply, size_t first) {
  if (!reply.is(Type::kArray) || reply.elements.size() < first + 2) return std::nullopt;
  int64_t parts[2] = {0, 0};
  for (size_t i = 0; i < 2; ++i) {
    const std::string& text = reply.elements[first + i].text;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
    // Beyond the year 9999 it is no time, and would overflow.
    if (error != std::errc() || end != text.data() + text.size() || parts[i] < 0 ||
        parts[i] > 253'402'300'800) {
      return std::nullopt;
    }
  }
  return Time(std::chrono::seconds(parts[0]) + Duration(parts[1]));
}

RedisOperation<std::optional<Record>> GetOperation(const RedisKeys& keys, Key key) {
  RedisOperation<std::optional<Record>> operation;
  operation.command = FormatRedisCommand({"GET", keys.Record(key)});
  operation.read = [key = std::move(key)](const RedisReply& reply, std::vector<Change>&) {
    return ReadRecord(key, reply);
  };
  return operation;
}

RedisOperation<CommitResult> CommitOperation(const RedisKeys& keys, const std::vector<Write>& writes) {
  RedisOperation<CommitResult> operation;
  CommitCall call(keys);
  CommitReader reader;
  call.Begin(std::visit([](const auto& one) { return one.key.partition; }, writes.front()));
  for (const Write& write : writes) {
    std::visit(call, write);
    reader.keys.push_back(std::visit([](const auto& one) { return one.key; }, write));
    const std::optional<Change> change = ChangeOf(write);
    if (!change.has_value()) continue;
    reader.on_success.push_back(*change);
    if (IsTracked(change->key.kind)) operation.tracked.push_back(change->key);
    operation.vault = operation.vault || IsVault(change->key.kind);
  }
  operation.command = call.Format();
  operation.script = &CommitScript();
  operation.read = std::move(reader);
  return operation;
}

RedisOperation<TakeResult> TakeOperation(const RedisKeys& keys, Key key, const std::string& guard,
                                         uint32_t burn_after) {
  ScriptCall call(TakeScript());
  call.Key(keys.Record(key)).Key(keys.Index(key.partition, key.kind, key.tenant));
  call.Argument(guard).Argument(std::to_string(burn_after)).Argument(IndexedId(key));
  RedisOperation<TakeResult> operation;
  operation.command = call.Format();
  operation.script = &TakeScript();
  if (IsTracked(key.kind)) operation.tracked.push_back(key);
  operation.vault = IsVault(key.kind);
  operation.read = [key = std::move(key)](const RedisReply& reply,
                                          std::vector<Change>& changes) -> absl::StatusOr<TakeResult> {
    TakeResult result;
    if (!reply.is(Type::kArray) || reply.elements.empty()) return StrangeReply();
    const std::string& outcome = reply.elements[0].text;
    if (outcome == "absent") return result;
    if (reply.elements.size() != 2) return StrangeReply();
    const std::string& bytes = reply.elements[1].text;
    result.revision = ParseRevisionBytes(std::string_view(bytes).substr(0, 8));
    if (outcome != "mismatch") changes.push_back({key, 0});
    if (outcome != "taken") {
      result.outcome = TakeResult::Outcome::kMismatch;
      return result;
    }
    const std::optional<RedisRecord> record = ParseRedisRecord(bytes);
    if (!record.has_value()) return Damaged(key);
    result.outcome = TakeResult::Outcome::kTaken;
    result.value = record->value;
    return result;
  };
  return operation;
}

RedisOperation<RedisClaim> ClaimDueOperation(const RedisKeys& keys, Partition partition, size_t limit,
                                             Duration lease) {
  ScriptCall call(ClaimDueScript());
  call.Key(keys.Due(partition)).Argument(std::to_string(limit)).Argument(std::to_string(lease.count()));
  RedisOperation<RedisClaim> operation;
  operation.command = call.Format();
  operation.script = &ClaimDueScript();
  operation.read = [partition](const RedisReply& reply, std::vector<Change>&) -> absl::StatusOr<RedisClaim> {
    const std::optional<Time> time = ReadTime(reply, 0);
    if (!time.has_value() || reply.elements.size() != 3) return StrangeReply();
    RedisClaim claim{.items = {}, .store_time = *time};
    const std::vector<RedisReply>& items = reply.elements[2].elements;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      std::optional<Key> key = ParseDueMember(partition, items[i].text);
      const double at = std::strtod(items[i + 1].text.c_str(), nullptr);
      // What is none of ours is passed over; it has been moved into the future.
      if (!key.has_value() || !(std::abs(at) < 9e15)) continue;
      claim.items.push_back({*std::move(key), FromMicros(static_cast<int64_t>(at))});
    }
    return claim;
  };
  return operation;
}

RedisOperation<Page> ScanOperation(const RedisKeys& keys, Partition partition, Kind kind, TenantId tenant,
                                   const std::string& after, size_t limit) {
  ScriptCall call(ScanScript());
  call.Key(keys.Index(partition, kind, tenant));
  call.Argument(keys.RecordPrefix(partition, kind, tenant)).Argument(after.empty() ? "-" : "(" + after);
  call.Argument(std::to_string(limit)).Argument(std::to_string(kMaxPageBytes));
  call.Argument(IsHint(kind) ? HintRecord() : std::string());
  RedisOperation<Page> operation;
  operation.command = call.Format();
  operation.script = &ScanScript();
  const Key any{.partition = partition, .kind = kind, .tenant = std::move(tenant), .id = {}};
  operation.read = [any](const RedisReply& reply, std::vector<Change>&) -> absl::StatusOr<Page> {
    if (!reply.is(Type::kArray) || reply.elements.size() != 2) return StrangeReply();
    Page page;
    const std::vector<RedisReply>& found = reply.elements[1].elements;
    for (size_t i = 0; i + 1 < found.size(); i += 2) {
      Key key = any;
      key.id = found[i].text;
      ASSIGN_OR_RETURN(std::optional<Record> record, ReadRecord(std::move(key), found[i + 1]));
      if (!record.has_value()) return StrangeReply();
      page.records.push_back(*std::move(record));
    }
    if (!reply.elements[0].text.empty()) page.next = reply.elements[0].text;
    return page;
  };
  return operation;
}

std::string EncodeIdentity(const StoreIdentity& identity) {
  return fmt::format("{} {} {} {} {}", identity.id, identity.epoch, identity.restored_in, identity.cloned_in,
                     identity.cloned_from.empty() ? "-" : identity.cloned_from);
}

std::optional<StoreIdentity> ParseIdentity(std::string_view text) {
  const auto take = [&text] {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    return word;
  };
  const auto is_id = [](std::string_view word) {
    return word.size() == 32 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  StoreIdentity identity;
  identity.id = take();
  for (uint64_t* const number : {&identity.epoch, &identity.restored_in, &identity.cloned_in}) {
    const std::string_view word = take();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *number);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  }
  const std::string_view from = take();
  if (!is_id(identity.id) || identity.epoch == 0 || !text.empty()) return std::nullopt;
  if (from != "-" && !is_id(from)) return std::nullopt;
  if (from != "-") identity.cloned_from = from;
  return identity;
}

RedisOperation<StoreIdentity> AdoptOperation(const RedisKeys& keys, const StoreIdentity& before,
                                             const StoreIdentity& next) {
  ScriptCall call(AdoptScript());
  call.Key(keys.Meta("identity")).Argument(EncodeIdentity(before)).Argument(EncodeIdentity(next));
  RedisOperation<StoreIdentity> operation;
  operation.command = call.Format();
  operation.script = &AdoptScript();
  operation.vault = true;
  operation.read = [](const RedisReply& reply, std::vector<Change>&) -> absl::StatusOr<StoreIdentity> {
    const std::optional<StoreIdentity> identity = ParseIdentity(reply.text);
    if (!identity.has_value()) return StrangeReply();
    return *identity;
  };
  return operation;
}

std::string MeetCommand(const RedisKeys& keys, const StoreIdentity& if_none, std::string_view server,
                        Duration hold) {
  ScriptCall call(MeetScript());
  call.Key(keys.Meta("identity")).Key(keys.Meta("history")).Key(keys.Meta("hold"));
  call.Argument(EncodeIdentity(if_none)).Argument(std::string(server)).Argument(Milliseconds(hold));
  return call.Format();
}

absl::StatusOr<RedisMeeting> ReadMeeting(const RedisReply& reply) {
  const std::optional<Time> time = ReadTime(reply, 0);
  if (!time.has_value() || reply.elements.size() != 4) return StrangeReply();
  const std::optional<StoreIdentity> identity = ParseIdentity(reply.elements[2].text);
  if (!identity.has_value()) {
    return Error(Reason::kStoreCorrupt, "store: the identity in Redis ({meta}:identity) cannot be read");
  }
  const auto hold = std::chrono::milliseconds(std::max<int64_t>(reply.elements[3].integer, 0));
  return RedisMeeting{.identity = *identity, .store_time = *time, .hold = hold};
}

}  // namespace grantkeep
