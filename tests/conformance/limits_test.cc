// SPDX-License-Identifier: Apache-2.0
#include "base/reason.h"
#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

class Limits {
 public:
  Limits(TestLoop& loop, Store& store, Tick deadline) : loop_(loop), store_(store), deadline_(deadline) {}

  // The field that the refusal names; "accepted", or another error's text.
  template <typename T>
  std::string FieldOf(boost::asio::awaitable<absl::StatusOr<T>> task) {
    const auto result = loop_.Run(std::move(task));
    if (result.ok()) return "accepted";
    if (!HasReason(result.status(), Reason::kInvalidField)) return result.status().ToString();
    return grantkeep::FieldOf(result.status()).value_or("none");
  }
  std::string Commit(std::vector<Write> writes) {
    return FieldOf(store_.Commit(std::move(writes), deadline_));
  }
  std::string Get(Key key) { return FieldOf(store_.Get(std::move(key), deadline_)); }
  std::string Take(Key key, std::string guard, uint32_t burn_after) {
    return FieldOf(store_.Take(std::move(key), std::move(guard), burn_after, deadline_));
  }
  std::string ClaimDue(Partition partition, size_t limit, Duration lease) {
    return FieldOf(store_.ClaimDue(partition, limit, lease, deadline_));
  }
  std::string Scan(Partition partition, std::string after, size_t limit) {
    return FieldOf(store_.Scan(partition, Kind::kGrant, Acme(), std::move(after), limit, deadline_));
  }

 private:
  TestLoop& loop_;
  Store& store_;
  const Tick deadline_;
};

TEST_P(StoreConformance, TheIdOfAKeyHasOneTo512Bytes) {
  Limits limits(loop_, *store_, Soon());
  const std::string longest(512, '\xff');
  EXPECT_EQ(limits.Get(GrantKey(longest)), "accepted");
  EXPECT_EQ(limits.Get(GrantKey(longest + "x")), "key.id");
  EXPECT_EQ(limits.Get(GrantKey("")), "key.id");
  EXPECT_EQ(limits.Take(GrantKey(""), "g", 1), "key.id");
  EXPECT_EQ(limits.Commit({Put{.key = GrantKey(longest), .replaces = 0, .value = "v"}}), "accepted");
  EXPECT_EQ(ValueOf(GrantKey(longest)), "v");
  EXPECT_EQ(limits.Commit({Put{.key = GrantKey(longest + "x"), .replaces = 0, .value = "v"}}),
            "writes[0].key.id");
}

TEST_P(StoreConformance, ATenantHasUpTo128Bytes) {
  Limits limits(loop_, *store_, Soon());
  const Key fits = Key::Of(Kind::kGrant, TenantId(std::string(128, 't')), "g");
  EXPECT_EQ(limits.Commit({Put{.key = fits, .replaces = 0, .value = "v"}}), "accepted");
  EXPECT_EQ(limits.Get(Key::Of(Kind::kGrant, TenantId(std::string(129, 't')), "g")), "key.tenant");
}

TEST_P(StoreConformance, APartitionIsBelow256) {
  Limits limits(loop_, *store_, Soon());
  Key key = GrantKey("g");
  key.partition = kPartitions;
  EXPECT_EQ(limits.Get(key), "partition");
  EXPECT_EQ(limits.Scan(kPartitions, "", 1), "partition");
  EXPECT_EQ(limits.ClaimDue(kPartitions, 1, Moment()), "partition");
}

TEST_P(StoreConformance, AValueHasUpTo256Kibibytes) {
  Limits limits(loop_, *store_, Soon());
  const Key key = GrantKey("g");
  const std::string largest(Store::kMaxValue, 'v');
  EXPECT_EQ(limits.Commit({Put{.key = key, .replaces = 0, .value = largest}}), "accepted");
  EXPECT_EQ(ValueOf(key), largest);
  EXPECT_EQ(limits.Commit({Put{.key = key, .replaces = 1, .value = largest + "v"}}), "writes[0].value");
}

TEST_P(StoreConformance, ACommitHasOneTo32Writes) {
  Limits limits(loop_, *store_, Soon());
  std::vector<Write> writes;
  EXPECT_EQ(limits.Commit(writes), "writes");
  while (writes.size() < 32) {
    writes.push_back(Put{.key = SecretKey(std::to_string(writes.size())), .replaces = 0, .value = "v"});
  }
  EXPECT_EQ(limits.Commit(writes), "accepted");
  writes.push_back(ClearDue{SecretKey("one too many")});
  EXPECT_EQ(limits.Commit(writes), "writes");
}

TEST_P(StoreConformance, ACommitKeepsToOnePartition) {
  Limits limits(loop_, *store_, Soon());
  Key other = SecretKey("b");
  other.partition = (other.partition + 1) % kPartitions;
  EXPECT_EQ(limits.Commit({Put{.key = SecretKey("a"), .replaces = 0, .value = "v"},
                           Put{.key = other, .replaces = 0, .value = "v"}}),
            "writes[1].key");
  EXPECT_EQ(limits.Commit({Put{.key = SecretKey("a"), .replaces = 0, .value = "v"}, ClearDue{other}}),
            "writes[1].key");
  EXPECT_EQ(ValueOf(SecretKey("a")), "(absent)");
}

TEST_P(StoreConformance, NoKeyIsPutOrDeletedTwiceInACommit) {
  Limits limits(loop_, *store_, Soon());
  const Key key = SecretKey("a");
  const Put put{.key = key, .replaces = 0, .value = "v"};
  EXPECT_EQ(limits.Commit({put, put}), "writes[1].key");
  EXPECT_EQ(limits.Commit({put, Delete{.key = key, .replaces = 1}}), "writes[1].key");
  EXPECT_EQ(limits.Commit({Delete{.key = key, .replaces = 0}, put}), "writes[1].key");
  EXPECT_EQ(ValueOf(key), "(absent)");
  EXPECT_EQ(limits.Commit({put, SetDue{key, store_->Now()}, TakeLease{key, "me", Moment()}}), "accepted");
}

TEST_P(StoreConformance, GuardsAndOwnersHaveOneTo64Bytes) {
  Limits limits(loop_, *store_, Soon());
  const Key key = SecretKey("a");
  const std::string fits(64, 'x');
  for (const std::string& bad : {std::string(), fits + "x"}) {
    EXPECT_EQ(limits.Commit({Put{.key = key, .replaces = 0, .value = "v", .ttl = {}, .guard = bad}}),
              "writes[0].guard");
    EXPECT_EQ(limits.Take(key, bad, 1), "guard");
    EXPECT_EQ(limits.Commit({TakeLease{key, bad, Moment()}}), "writes[0].owner");
    EXPECT_EQ(limits.Commit({EndLease{key, bad}}), "writes[0].owner");
    EXPECT_EQ(limits.Commit({RequireLease{key, bad}}), "writes[0].owner");
  }
  EXPECT_EQ(limits.Commit({Put{.key = key, .replaces = 0, .value = "v", .ttl = {}, .guard = fits},
                           TakeLease{key, fits, Moment()}}),
            "accepted");
  EXPECT_EQ(limits.Take(key, fits, 0), "burn_after");
}

TEST_P(StoreConformance, DurationsAreMoreThanZeroAndAtMostACentury) {
  Limits limits(loop_, *store_, Soon());
  const Key key = SecretKey("a");
  for (const Duration bad : {Duration(0), Duration(-1), Store::kMaxDuration + Duration(1), Duration::max()}) {
    EXPECT_EQ(limits.Commit({Put{.key = key, .replaces = 0, .value = "v", .ttl = bad}}), "writes[0].ttl");
    EXPECT_EQ(limits.Commit({TakeLease{key, "me", bad}}), "writes[0].duration");
    EXPECT_EQ(limits.ClaimDue(key.partition, 1, bad), "lease");
  }
  EXPECT_EQ(limits.Commit({Put{.key = key, .replaces = 0, .value = "v", .ttl = Store::kMaxDuration}}),
            "accepted");
}

TEST_P(StoreConformance, PagesHaveOneTo1000Records) {
  Limits limits(loop_, *store_, Soon());
  for (const size_t bad : {size_t{0}, size_t{1001}}) {
    EXPECT_EQ(limits.Scan(1, "", bad), "limit");
    EXPECT_EQ(limits.ClaimDue(1, bad, Moment()), "limit");
  }
  EXPECT_EQ(limits.Scan(1, std::string(512, 'a'), 1000), "accepted");
  EXPECT_EQ(limits.Scan(1, std::string(513, 'a'), 1000), "after");
  EXPECT_EQ(limits.ClaimDue(1, 1000, Moment()), "accepted");
}

}  // namespace
}  // namespace grantkeep::testing
