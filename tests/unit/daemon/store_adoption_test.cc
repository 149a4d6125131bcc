// SPDX-License-Identifier: Apache-2.0
#include "daemon/store_adoption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/support/rooms.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using Response = absl::StatusOr<v1::AdoptStoreResponse>;

// A daemon of its own over a store that others may share.
class Replica {
 public:
  Replica(Rooms& rooms, std::string file, std::optional<RememberedStore> remembered)
      : rooms_(rooms), file_(std::move(file)) {
    if (remembered.has_value() && !WriteIdentityFile(file_, *remembered).ok()) std::abort();
    memory_ = StoreMemory::Open({.file = file_, .fixed = {}}).value();
    guarded_ = std::make_unique<GuardedStore>(
        *rooms.store, [this](const StoreIdentity& identity) { return memory_->Judge(identity); });
    records_ = std::make_unique<SealedRecords>(*guarded_, *rooms.root, rooms.clock, rooms.random);
    adoption_ = std::make_unique<StoreAdoption>(*guarded_, *memory_, *records_);
  }

  bool IsOpen() { return guarded_->CheckOpen().ok(); }
  boost::asio::awaitable<Response> Adopting(v1::StoreAdoption as, std::string id) {
    v1::AdoptStoreRequest request;
    request.set_adoption(as);
    request.set_store_id(std::move(id));
    return adoption_->Adopt(std::move(request), rooms_.clock.Steady() + seconds(10));
  }
  Response Adopt(v1::StoreAdoption as) { return rooms_.loop.Run(Adopting(as, rooms_.store->identity().id)); }
  std::optional<RememberedStore> InFile() const { return ReadIdentityFile(file_).value(); }

 private:
  Rooms& rooms_;
  const std::string file_;
  std::unique_ptr<StoreMemory> memory_;
  std::unique_ptr<GuardedStore> guarded_;
  std::unique_ptr<SealedRecords> records_;
  std::unique_ptr<StoreAdoption> adoption_;
};

class StoreAdoptionTest : public ::testing::Test {
 protected:
  std::unique_ptr<Replica> New(const std::string& name, std::optional<RememberedStore> remembered = {}) {
    return std::make_unique<Replica>(rooms_, (dir_ / name).string(), std::move(remembered));
  }
  StoreIdentity Identity() const { return rooms_.store->identity(); }
  RememberedStore Ahead(uint64_t epochs) const { return {Identity().id, Identity().epoch + epochs}; }
  static RememberedStore Unknown() { return {std::string(32, 'f'), 1}; }

  TempDir dir_;
  Rooms rooms_{"providers: []"};
};

TEST_F(StoreAdoptionTest, ARestoredBackupGetsAnEpochAboveAllThatWereUsed) {
  const auto replica = New("a", Ahead(3));
  ASSERT_FALSE(replica->IsOpen());
  const Response adopted = replica->Adopt(v1::STORE_ADOPTION_RESTORE);
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  EXPECT_EQ(adopted->epoch(), 5u);
  EXPECT_EQ(adopted->store_id(), Identity().id);
  EXPECT_EQ(Identity().restored_in, 5u);
  EXPECT_TRUE(replica->IsOpen());
  EXPECT_EQ(replica->InFile(), (RememberedStore{Identity().id, 5}));
}

TEST_F(StoreAdoptionTest, AnUnknownStoreMayBeABackupOfItsOwnLine) {
  const auto replica = New("a", Unknown());
  const Response adopted = replica->Adopt(v1::STORE_ADOPTION_RESTORE);
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  EXPECT_EQ(adopted->epoch(), 2u);
  EXPECT_TRUE(replica->IsOpen());
}

TEST_F(StoreAdoptionTest, ACloneGetsAnIdOfItsOwn) {
  const auto replica = New("a", Unknown());
  const std::string before = Identity().id;
  const Response adopted = replica->Adopt(v1::STORE_ADOPTION_CLONE);
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  EXPECT_NE(adopted->store_id(), before);
  EXPECT_EQ(adopted->epoch(), 2u);
  EXPECT_TRUE(replica->IsOpen());
  EXPECT_EQ(replica->InFile(), (RememberedStore{adopted->store_id(), 2}));
}

TEST_F(StoreAdoptionTest, TwiceRaisesTheEpochOnce) {
  const auto replica = New("a", Unknown());
  ASSERT_TRUE(replica->Adopt(v1::STORE_ADOPTION_CLONE).ok());
  const StoreIdentity adopted = Identity();
  for (const auto as : {v1::STORE_ADOPTION_CLONE, v1::STORE_ADOPTION_RESTORE}) {
    EXPECT_TRUE(HasReason(replica->Adopt(as).status(), Reason::kStoreAlreadyAdopted));
  }
  EXPECT_EQ(Identity(), adopted);
}

TEST_F(StoreAdoptionTest, TwoAtOnceRaiseTheEpochOnce) {
  const auto replica = New("a", Unknown());
  const std::string id = Identity().id;
  const auto first = rooms_.loop.Start(replica->Adopting(v1::STORE_ADOPTION_RESTORE, id));
  const auto second = rooms_.loop.Start(replica->Adopting(v1::STORE_ADOPTION_RESTORE, id));
  rooms_.loop.RunUntil([&] { return first->has_value() && second->has_value(); });
  EXPECT_TRUE((*first)->ok());
  EXPECT_TRUE(HasReason((*second)->status(), Reason::kStoreAlreadyAdopted));
  EXPECT_EQ(Identity().epoch, 2u);
}

TEST_F(StoreAdoptionTest, AWrongRequestChangesNothing) {
  const auto replica = New("a", Unknown());
  const StoreIdentity before = Identity();
  for (const auto as : {v1::STORE_ADOPTION_UNSPECIFIED, static_cast<v1::StoreAdoption>(7)}) {
    EXPECT_EQ(FieldOf(replica->Adopt(as).status()), "adoption");
  }
  const Response other = rooms_.loop.Run(replica->Adopting(v1::STORE_ADOPTION_CLONE, std::string(32, 'e')));
  EXPECT_EQ(FieldOf(other.status()), "store_id");
  EXPECT_EQ(Identity(), before);
  EXPECT_FALSE(replica->IsOpen());
}

TEST_F(StoreAdoptionTest, WhatFailedMidwayIsTriedAgain) {
  const auto replica = New("a", Ahead(2));
  rooms_.store->failure = Error(Reason::kStoreUnavailable, "down");
  EXPECT_TRUE(HasReason(replica->Adopt(v1::STORE_ADOPTION_RESTORE).status(), Reason::kStoreUnavailable));
  EXPECT_FALSE(replica->IsOpen());
  rooms_.store->failure.reset();
  EXPECT_TRUE(replica->Adopt(v1::STORE_ADOPTION_RESTORE).ok());
}

TEST_F(StoreAdoptionTest, AnEpochThatCannotBeRightIsNotClimbedTo) {
  const auto replica = New("a", Ahead(1'000'000));
  const Response adopted = replica->Adopt(v1::STORE_ADOPTION_RESTORE);
  EXPECT_TRUE(HasReason(adopted.status(), Reason::kStoreNotAdopted));
  EXPECT_THAT(std::string(adopted.status().message()), HasSubstr("correct store.identity"));
  EXPECT_EQ(Identity().epoch, 1u);
}

// An empty store that may not be written could not be marked at the start.
TEST_F(StoreAdoptionTest, AnAdoptedStoreIsMarkedWithTheRootKey) {
  const auto replica = New("a", Unknown());
  ASSERT_TRUE(replica->Adopt(v1::STORE_ADOPTION_CLONE).ok());
  Rooms other("providers: []");
  SealedRecords wrong(*rooms_.store, *other.root, rooms_.clock, rooms_.random);
  const absl::Status checked = rooms_.loop.Run(wrong.CheckRootKey(rooms_.clock.Steady() + seconds(10)));
  EXPECT_TRUE(HasReason(checked, Reason::kKeyUnavailable)) << checked;
}

TEST_F(StoreAdoptionTest, TheOtherReplicasOfTheFleetFollow) {
  struct Case {
    const char* what;
    bool known_id;
    v1::StoreAdoption as;
  };
  int files = 0;
  for (const Case& c : {Case{"a backup", true, v1::STORE_ADOPTION_RESTORE},
                        Case{"a backup of an unknown store", false, v1::STORE_ADOPTION_RESTORE},
                        Case{"a clone", false, v1::STORE_ADOPTION_CLONE},
                        Case{"a clone of an old state", true, v1::STORE_ADOPTION_CLONE}}) {
    const auto remembered = c.known_id ? Ahead(2) : Unknown();
    const auto one = New(std::to_string(++files), remembered);
    const auto another = New(std::to_string(++files), remembered);
    EXPECT_FALSE(one->IsOpen()) << c.what;
    EXPECT_FALSE(another->IsOpen()) << c.what;
    ASSERT_TRUE(one->Adopt(c.as).ok()) << c.what;
    EXPECT_TRUE(another->IsOpen()) << c.what;
    EXPECT_EQ(another->InFile(), one->InFile()) << c.what;
  }
}

}  // namespace
}  // namespace grantkeep::testing
