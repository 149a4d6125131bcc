// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_REFRESH_DUE_WORK_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_REFRESH_DUE_WORK_FIXTURE_H_

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "refresh/due_work.h"
#include "refresh/schedule.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep::testing {

// A Refresher and the work on due grants over the real store in memory. Partitions are visited every 4 s, so
// that a test of minutes is a matter of seconds.
class DueWorkTest : public RefresherTest {
 protected:
  static constexpr Duration kRound = std::chrono::seconds(4);
  // In which the next visit is due: none is skipped.
  static constexpr Duration kStep = std::chrono::microseconds(62500);

  void Start(const std::string& yaml, const RefreshOptions& options = {}, DueWork::Revoke revoke = nullptr) {
    RefresherTest::Start(yaml);
    options_ = options;
    refresher_ = std::make_unique<Refresher>(*rooms_->grants, *rooms_->store, *rooms_->catalogue,
                                             rooms_->clock, rooms_->random, rooms_->loop.context(), options);
    due_work_ = Work(*rooms_->grants, *refresher_, std::move(revoke));
    rooms_->http.OnRequest([this](const ScriptedHttp::Seen& seen) { return Answer(seen); });
  }
  ~DueWorkTest() override {
    if (rooms_ != nullptr) rooms_->loop.Stop();
  }

  std::unique_ptr<DueWork> Work(Grants& grants, Refresher& refresher, DueWork::Revoke revoke = nullptr) {
    return std::make_unique<DueWork>(DueWorkRooms{.grants = grants,
                                                  .store = *rooms_->store,
                                                  .catalogue = *rooms_->catalogue,
                                                  .refresher = refresher,
                                                  .clock = rooms_->clock,
                                                  .random = rooms_->random},
                                     rooms_->loop.context(), options_, std::move(revoke), kRound);
  }

  // What the provider answers; notes when.
  virtual HttpOutcome Answer(const ScriptedHttp::Seen&) {
    asked_.push_back(rooms_->clock.Steady());
    if (!provider_answers_) {
      HttpOutcome lost;
      lost.error = absl::UnavailableError("connection refused");
      lost.not_sent = true;
      return lost;
    }
    return ScriptedHttp::Json(
        200,
        fmt::format(
            R"({{"access_token":"at-{0}","token_type":"Bearer","refresh_token":"rt-{0}","expires_in":{1}}})",
            asked_.size(), lifetime_.count()));
  }

  // A grant in use, with the entry in the due-index that it would have.
  void Keep(const std::string& id, Duration lifetime,
            const std::function<void(storage::v1::Grant&)>& change = {}) {
    StoredGrant stored = rooms_->PutGrant(id, lifetime, [&](storage::v1::Grant& grant) {
      grant.set_create_time_us(ToMicros(rooms_->clock.Now()));
      grant.set_last_used_time_us(ToMicros(rooms_->clock.Now()));
      if (change) change(grant);
    });
    const Provider* const provider = rooms_->catalogue->Find(ProviderId(stored.grant->provider()));
    const Time due = DueTime(*stored.grant, provider->record(), RandomFraction(rooms_->random));
    SetDueOf(Grants::KeyOf(TenantId("t"), GrantId(id)), due);
  }
  void SetDueOf(const Key& key, Time due) {
    std::vector<Write> writes;
    writes.push_back(DueAt(key, due));
    ASSERT_TRUE(rooms_->loop.Run(rooms_->sqlite->Commit(std::move(writes), Soon())).ok());
  }
  // Entries that are due now, by key id; they are claimed by it.
  std::map<std::string, Time> Claim(Duration lease = std::chrono::seconds(1)) {
    std::map<std::string, Time> due;
    for (Partition partition = 0; partition < kPartitions; ++partition) {
      auto items = rooms_->loop.Run(rooms_->sqlite->ClaimDue(partition, 100, lease, Soon())).value();
      for (const DueItem& item : items) due[item.key.id] = item.due;
    }
    return due;
  }
  Tick Soon() const { return rooms_->clock.Steady() + std::chrono::hours(1); }

  // Lets everything happen that can happen now.
  void Settle() {
    rooms_->loop.RunUntil([&] {
      rooms_->loop.RunReady();
      return rooms_->store->under_way == 0;
    });
  }
  // Moves time on in small steps; in each, everything happens that can.
  void Pass(Duration whole) {
    for (Duration passed(0); passed < whole; passed += kStep) {
      rooms_->clock.Advance(kStep);
      Settle();
    }
  }
  // In one leap, in which nothing happens.
  void Leap(Duration by) { rooms_->clock.Advance(by); }

  // The most requests in any second.
  size_t MostInASecond() const {
    size_t most = 0;
    for (size_t end = 0, begin = 0; end < asked_.size(); ++end) {
      while (asked_[begin] + std::chrono::seconds(1) <= asked_[end]) ++begin;
      most = std::max(most, end - begin + 1);
    }
    return most;
  }
  uint64_t GenerationOf(const std::string& id) { return rooms_->LoadGrant(id).grant->generation(); }
  RefreshRequest RequestFor(const std::string& id) {
    RefreshRequest request = Request();
    request.grant = GrantId(id);
    return request;
  }

  RefreshOptions options_;
  std::unique_ptr<DueWork> due_work_;
  bool provider_answers_ = true;
  std::chrono::seconds lifetime_{3600};
  std::vector<Tick> asked_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_REFRESH_DUE_WORK_FIXTURE_H_
