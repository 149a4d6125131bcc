// SPDX-License-Identifier: Apache-2.0
#include "store/redis/scripts.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace grantkeep {
namespace {

// KEYS[1]: a name that is never used. Then, for each write: its letter and arguments in ARGV, its keys
// in KEYS.
//   P put      expected revision bytes, record, time to live in ms or '', id or ''    record, index
//   H hint     id, what is told as the record of one that is there                    index
//   D delete   expected revision bytes, id or ''                                      record, index
//   R restore  revision bytes, record, id or ''                                       record, index
//   S set due  member, time                                                           due
//   C clear    member                                                                 due
//   L take     owner, ms                                                              lease, record
//   E end      owner                                                                  lease
//   Q require  owner                                                                  lease
// Returns {'done', s, us}, {'mismatch', s, us, n, record or nil}, {'leased', s, us, n, record or nil, ms}
// or {'lost', s, us}; n counts writes from 0.
//
// All checks come first. SETRANGE of nothing changes nothing, but is refused by a server that would
// refuse a later write (memory, replicas, disk), so that a commit never happens in part.
constexpr std::string_view kCommit = R"lua(
local arguments = {P = 4, H = 2, D = 2, R = 3, S = 2, C = 1, L = 2, E = 1, Q = 1}
local keys = {P = 2, H = 1, D = 2, R = 2, S = 1, C = 1, L = 2, E = 1, Q = 1}
local time = redis.call('TIME')
local a, k, n = 1, 2, 0
while a <= #ARGV do
  local op, key = ARGV[a], KEYS[k]
  if op == 'P' or op == 'D' then
    if redis.call('GETRANGE', key, 0, 7) ~= ARGV[a + 1] then
      return {'mismatch', time[1], time[2], n, redis.call('GET', key)}
    end
  elseif op == 'H' then
    local id = '[' .. ARGV[a + 1]
    if #redis.call('ZRANGEBYLEX', key, id, id) > 0 then
      return {'mismatch', time[1], time[2], n, ARGV[a + 2]}
    end
  elseif op == 'R' then
    local head = redis.call('GETRANGE', key, 0, 7)
    if #head == 8 and struct.unpack('>I8', head) >= struct.unpack('>I8', ARGV[a + 1]) then
      return {'mismatch', time[1], time[2], n, redis.call('GET', key)}
    end
  elseif op == 'L' then
    local owner = redis.call('GET', key)
    if owner and owner ~= ARGV[a + 1] then
      return {'leased', time[1], time[2], n, redis.call('GET', KEYS[k + 1]), redis.call('PTTL', key)}
    end
  elseif op == 'Q' then
    if redis.call('GET', key) ~= ARGV[a + 1] then return {'lost', time[1], time[2]} end
  end
  a, k, n = a + 1 + arguments[op], k + keys[op], n + 1
end
redis.call('SETRANGE', KEYS[1], 0, '')
a, k = 1, 2
while a <= #ARGV do
  local op, key = ARGV[a], KEYS[k]
  if op == 'P' then
    if ARGV[a + 3] == '' then
      redis.call('SET', key, ARGV[a + 2])
    else
      redis.call('SET', key, ARGV[a + 2], 'PX', ARGV[a + 3])
    end
    if ARGV[a + 4] ~= '' and ARGV[a + 1] == '' then redis.call('ZADD', KEYS[k + 1], 0, ARGV[a + 4]) end
  elseif op == 'H' then
    redis.call('ZADD', key, 0, ARGV[a + 1])
  elseif op == 'D' then
    if ARGV[a + 1] ~= '' then
      redis.call('DEL', key)
      if ARGV[a + 2] ~= '' then redis.call('ZREM', KEYS[k + 1], ARGV[a + 2]) end
    end
  elseif op == 'R' then
    redis.call('SET', key, ARGV[a + 2])
    if ARGV[a + 3] ~= '' then redis.call('ZADD', KEYS[k + 1], 0, ARGV[a + 3]) end
  elseif op == 'S' then
    redis.call('ZADD', key, ARGV[a + 2], ARGV[a + 1])
  elseif op == 'C' then
    redis.call('ZREM', key, ARGV[a + 1])
  elseif op == 'L' then
    redis.call('SET', key, ARGV[a + 1], 'PX', ARGV[a + 2])
  elseif op == 'E' then
    if redis.call('GET', key) == ARGV[a + 1] then redis.call('DEL', key) end
  end
  a, k = a + 1 + arguments[op], k + keys[op]
end
return {'done', time[1], time[2]}
)lua";

// KEYS: record, index. ARGV: guard, mismatches at which the record goes, id or ''.
// Returns {'absent'}, {'taken', record}, {'mismatch', revision bytes} or {'burnt', revision bytes}.
//
// SETRANGE of nothing changes nothing, but is refused by a server that is out of memory: whoever takes a
// sign-in is about to write a grant, and had better come back while the sign-in is still there.
constexpr std::string_view kTake = R"lua(
local record = redis.call('GET', KEYS[1])
if not record then return {'absent'} end
redis.call('SETRANGE', KEYS[1], 0, '')
local head = string.sub(record, 1, 8)
local size = string.byte(record, 13)
if not size or size == 0 then return {'mismatch', head} end
local answer = {'taken', record}
if string.sub(record, 14, 13 + size) ~= ARGV[1] then
  local misses = struct.unpack('>I4', string.sub(record, 9, 12)) + 1
  if misses < tonumber(ARGV[2]) then
    redis.call('SETRANGE', KEYS[1], 8, struct.pack('>I4', misses))
    return {'mismatch', head}
  end
  answer = {'burnt', head}
end
redis.call('DEL', KEYS[1])
if ARGV[3] ~= '' then redis.call('ZREM', KEYS[2], ARGV[3]) end
return answer
)lua";

// KEYS: due. ARGV: how many, lease in us. Returns {s, us, {member, time, member, time, ...}}.
constexpr std::string_view kClaimDue = R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #due, 2 do redis.call('ZADD', KEYS[1], now + ARGV[2], due[i]) end
return {time[1], time[2], due}
)lua";

// KEYS: index. ARGV: the records' names up to the id, '-' or '(' and the id to go on after, how many, the
// bytes of values after which a page ends, and what is told as the record of a hint, which has none ('': it
// is no scan of hints). Returns {last id seen or '', {id, record, id, record, ...}}; the first is '' at the
// end. Ids whose records have expired leave the index.
constexpr std::string_view kScan = R"lua(
local limit, room = tonumber(ARGV[3]), tonumber(ARGV[4])
local ids = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[2], '+', 'LIMIT', 0, limit + 1)
local found, gone, bytes = {}, {}, 0
local last = ''
for i = 1, #ids do
  if i > limit or bytes > room then
    last = ids[i - 1]
    break
  end
  local record = ARGV[5] ~= '' and ARGV[5] or redis.call('GET', ARGV[1] .. ids[i])
  if record then
    found[#found + 1] = ids[i]
    found[#found + 1] = record
    bytes = bytes + #record
  else
    gone[#gone + 1] = ids[i]
  end
end
for i = 1, #gone do redis.call('ZREM', KEYS[1], gone[i]) end
return {last, found}
)lua";

// What a process does when it has connected. KEYS: identity, history, hold. ARGV: an identity for a store
// that has none, who the server is, milliseconds of the hold after that has changed.
// Returns {s, us, identity, ms left of the hold}.
constexpr std::string_view kMeet = R"lua(
local time = redis.call('TIME')
redis.call('SET', KEYS[1], ARGV[1], 'NX')
local before = redis.call('GET', KEYS[2])
if before ~= ARGV[2] then
  redis.call('SET', KEYS[2], ARGV[2])
  if before and ARGV[3] ~= '0' then redis.call('SET', KEYS[3], '1', 'PX', ARGV[3]) end
end
return {time[1], time[2], redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[3])}
)lua";

// KEYS: identity. ARGV: what it is, what it shall be. Returns what it is now.
constexpr std::string_view kAdopt = R"lua(
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])
)lua";

std::string Sha1Hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace

RedisScript::RedisScript(std::string_view script) : body(script), sha1(Sha1Hex(script)) {}

const RedisScript& CommitScript() {
  static const auto& script = *new RedisScript(kCommit);
  return script;
}

const RedisScript& TakeScript() {
  static const auto& script = *new RedisScript(kTake);
  return script;
}

const RedisScript& ClaimDueScript() {
  static const auto& script = *new RedisScript(kClaimDue);
  return script;
}

const RedisScript& ScanScript() {
  static const auto& script = *new RedisScript(kScan);
  return script;
}

const RedisScript& MeetScript() {
  static const auto& script = *new RedisScript(kMeet);
  return script;
}

const RedisScript& AdoptScript() {
  static const auto& script = *new RedisScript(kAdopt);
  return script;
}

std::vector<const RedisScript*> AllRedisScripts() {
  return {&CommitScript(), &TakeScript(), &ClaimDueScript(), &ScanScript(), &MeetScript(), &AdoptScript()};
}

}  // namespace grantkeep
