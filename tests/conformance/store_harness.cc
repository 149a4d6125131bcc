// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/store_harness.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <latch>
#include <stdexcept>
#include <thread>
#include <utility>

namespace grantkeep::testing {

const TenantId& Acme() {
  static const auto& acme = *new TenantId("acme");
  return acme;
}

Key GrantKey(std::string id) { return Key::Of(Kind::kGrant, Acme(), std::move(id)); }

Key SecretKey(std::string id) { return Key::Under(Kind::kStaticSecret, Acme(), "", std::move(id)); }

std::optional<Record> StoreTest::Get(Key key) { return Run(store_->Get(std::move(key), Soon())); }

std::string StoreTest::ValueOf(Key key) {
  const auto record = Get(std::move(key));
  return record.has_value() ? record->value : "(absent)";
}

Revision StoreTest::RevisionOf(Key key) {
  const auto record = Get(std::move(key));
  return record.has_value() ? record->revision : 0;
}

CommitResult StoreTest::Commit(std::vector<Write> writes) {
  return Run(store_->Commit(std::move(writes), Soon()));
}

TakeResult StoreTest::Take(Key key, std::string guard, uint32_t burn_after) {
  return Run(store_->Take(std::move(key), std::move(guard), burn_after, Soon()));
}

std::vector<DueItem> StoreTest::ClaimDue(Partition partition, size_t limit, Duration lease) {
  return Run(store_->ClaimDue(partition, limit, lease, Soon()));
}

Page StoreTest::Scan(Partition partition, Kind kind, std::string after, size_t limit) {
  return Run(store_->Scan(partition, kind, Acme(), std::move(after), limit, Soon()));
}

std::vector<Page> StoreTest::ScanPages(size_t limit) {
  std::vector<Page> pages;
  std::optional<std::string> after = "";
  while (after.has_value()) {
    if (pages.size() == 1000) throw std::runtime_error("a scan does not end");
    pages.push_back(Scan(SecretKey("x").partition, Kind::kStaticSecret, *after, limit));
    after = pages.back().next;
  }
  return pages;
}

void StoreTest::Race(size_t threads, size_t racers,
                     const std::function<boost::asio::awaitable<void>(size_t)>& racer) {
  std::latch start(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> running;
  for (size_t thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      boost::asio::io_context context(1);
      for (size_t i = 0; i < racers; ++i) {
        boost::asio::co_spawn(context, racer(thread * racers + i), [](std::exception_ptr error) {
          if (error) std::rethrow_exception(error);
        });
      }
      start.arrive_and_wait();
      context.run();
    });
  }
  for (std::thread& thread : running) thread.join();
}

}  // namespace grantkeep::testing
