// SPDX-License-Identifier: Apache-2.0
#include "store/redis/change_reports.h"

#include <utility>

namespace grantkeep {
namespace {

// A report that has not come by then does not come: the subscription is given up sooner.
constexpr auto kReportsComeWithin = std::chrono::seconds(5);

}  // namespace

void ChangeReports::OnChange(std::function<void(const Change&)> listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

void ChangeReports::Begin(AskRevision ask) {
  ask_ = std::move(ask);
  own_.clear();
}

void ChangeReports::Sent(const std::vector<Key>& records) {
  for (const Key& key : records) {
    Own& own = own_[keys_.Record(key)];
    ++own.on_their_way;
    own.last = clock_.Steady();
  }
}

void ChangeReports::Answered(const std::vector<Key>& records, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (const auto own = own_.find(keys_.Record(change.key)); own != own_.end()) {
      own->second.revision = change.revision;
      own->second.last = clock_.Steady();
    }
    Tell(change);
  }
  for (const Key& key : records) {
    const std::string record = keys_.Record(key);
    const auto own = own_.find(record);
    if (own == own_.end() || own->second.on_their_way == 0) continue;  // of an earlier subscription
    if (--own->second.on_their_way == 0 && std::exchange(own->second.reported, false)) Check(record);
  }
}

void ChangeReports::Reported(std::string_view record) {
  const auto own = own_.find(record);
  if (own == own_.end()) {
    if (std::optional<Key> key = keys_.ParseRecord(record)) Tell({*std::move(key), 0});
  } else if (own->second.on_their_way > 0) {
    own->second.reported = true;
  } else {
    Check(std::string(record));
  }
}

void ChangeReports::Check(const std::string& record) {
  ask_(record, [this, record](std::optional<Revision> revision) {
    const auto own = own_.find(record);
    if (own != own_.end() && own->second.on_their_way > 0) {
      own->second.reported = true;  // asked again when our write has ended
      return;
    }
    if (own != own_.end() && revision.has_value() && *revision == own->second.revision) return;
    if (std::optional<Key> key = keys_.ParseRecord(record)) Tell({*std::move(key), 0});
  });
}

void ChangeReports::Tidy() {
  const Tick now = clock_.Steady();
  std::erase_if(own_, [now](const auto& entry) {
    return entry.second.on_their_way == 0 && now - entry.second.last > kReportsComeWithin;
  });
}

void ChangeReports::Tell(const Change& change) {
  const std::lock_guard lock(mutex_);
  if (listener_) listener_(change);
}

}  // namespace grantkeep
