// SPDX-License-Identifier: Apache-2.0
// store_crash_writer DATABASE COUNT: makes COUNT commits, several at a time, and prints
// "WRITER REVISION" for each as soon as it is acknowledged. Made to be killed.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/conformance/crash_records.h"

namespace grantkeep::testing {
namespace {

boost::asio::awaitable<void> KeepWriting(Store& store, Clock& clock, int writer, int& left) {
  const Tick deadline = clock.Steady() + std::chrono::minutes(5);
  const Key a = CrashKey(writer, 'a');
  const Key b = CrashKey(writer, 'b');
  const auto there = (co_await store.Get(a, deadline)).value();
  Revision revision = there.has_value() ? there->revision : 0;
  for (; left > 0; ++revision) {
    --left;
    std::vector<Write> writes;
    writes.push_back(Put{.key = a, .replaces = revision, .value = CrashValue(a, revision + 1)});
    writes.push_back(Put{.key = b, .replaces = revision, .value = CrashValue(b, revision + 1)});
    const auto result = co_await store.Commit(std::move(writes), deadline);
    if (result.value().outcome != CommitResult::Outcome::kDone) std::abort();
    const std::string line = fmt::format("{} {}\n", writer, revision + 1);
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) std::abort();
  }
}

int Main(const std::string& path, int count) {
  SystemClock clock;
  SqliteStore::Options options;
  options.path = path;
  auto store = SqliteStore::Open(std::move(options), clock);
  if (!store.ok()) {
    fmt::print(stderr, "{}\n", store.status().ToString());
    return 1;
  }
  boost::asio::io_context loop(1);
  int left = count;
  for (int writer = 0; writer < kCrashWriters; ++writer) {
    boost::asio::co_spawn(loop, KeepWriting(**store, clock, writer, left), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }
  loop.run();
  return 0;
}

}  // namespace
}  // namespace grantkeep::testing

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return grantkeep::testing::Main(argv[1], std::atoi(argv[2]));
}
