// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>

#include "store/sqlite/database.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/conformance/crash_records.h"
#include "tests/conformance/store_harness.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

// Highest revision of each writer's records that was acknowledged.
using Acknowledged = std::map<int, Revision>;

// The program crash_writer.cc with its standard output in a pipe.
class CrashWriter {
 public:
  CrashWriter(const std::string& path, int count) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    std::string program = GK_CRASH_WRITER;
    std::string database = path;
    std::string number = std::to_string(count);
    const std::array<char*, 4> argv = {program.data(), database.data(), number.data(), nullptr};
    const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
    if (error != 0) throw std::runtime_error("posix_spawn");
  }
  ~CrashWriter() {
    Kill();
    fclose(output_);
  }
  CrashWriter(const CrashWriter&) = delete;
  CrashWriter& operator=(const CrashWriter&) = delete;

  // Reads up to `count` acknowledgements; returns how many came before the end of the output.
  int Read(int count, Acknowledged& acknowledged) {
    int lines = 0;
    int writer = 0;
    Revision revision = 0;
    // The lines are shorter than PIPE_BUF: each is there whole or not at all.
    while (lines < count && fscanf(output_, "%d %lu", &writer, &revision) == 2) {
      acknowledged[writer] = std::max(acknowledged[writer], revision);
      ++lines;
    }
    return lines;
  }

  // SIGKILL; the exit status as waitpid gives it.
  int Kill() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    return Wait();
  }
  int Wait() {
    if (pid_ > 0) waitpid(std::exchange(pid_, 0), &status_, 0);
    return status_;
  }

 private:
  pid_t pid_ = 0;
  int status_ = 0;
  FILE* output_ = nullptr;
};

std::optional<Record> Get(TestLoop& loop, Store& store, const Key& key) {
  return loop.Run(store.Get(key, std::chrono::steady_clock::now() + std::chrono::minutes(1))).value();
}

// What is there counts as acknowledged from then on: it has been read.
void ExpectAllAcknowledged(const std::string& path, Acknowledged& acknowledged, bool clean) {
  TestLoop loop;
  ShiftedClock clock;
  SqliteStore::Options options;
  options.path = path;
  const auto opened = SqliteStore::Open(std::move(options), clock);
  ASSERT_TRUE(opened.ok()) << opened.status();
  SqliteStore& store = **opened;
  for (auto& [writer, revision] : acknowledged) {
    const auto a = Get(loop, store, CrashKey(writer, 'a'));
    const auto b = Get(loop, store, CrashKey(writer, 'b'));
    ASSERT_TRUE(a.has_value() && b.has_value()) << writer;
    // One write may have happened whose acknowledgement the kill cut off.
    EXPECT_GE(a->revision, revision) << writer;
    EXPECT_LE(a->revision, revision + 1) << writer;
    EXPECT_EQ(a->revision, b->revision) << writer;
    EXPECT_EQ(a->value, CrashValue(a->key, a->revision)) << writer;
    EXPECT_EQ(b->value, CrashValue(b->key, b->revision)) << writer;
    revision = a->revision;
  }
  if (clean) EXPECT_FALSE(store.checking());
  loop.RunUntil([&] { return !store.checking(); });
  EXPECT_TRUE(store.health().ok()) << store.health();
}

std::string IntegrityOf(const std::string& path) {
  auto database = Database::Open(path, Database::Access::kReadOnly).value();
  return database.QueryText("PRAGMA integrity_check").value();
}

TEST(SqliteCrash, EveryWriteThatWasAcknowledgedBeforeAKillIsThereAfterwards) {
  const TempDir folder;
  const std::string path = (folder / "store.db").string();
  Acknowledged acknowledged;
  int total = 0;
  // Right at the start, in the first group, and at odd places around the first checkpoints. It
  // would never end by itself.
  for (const int kill_after : {0, 1, 7, 64, 131, 223, 290}) {
    CrashWriter writer(path, 1'000'000'000);
    EXPECT_EQ(writer.Read(kill_after, acknowledged), kill_after);
    EXPECT_TRUE(WIFSIGNALED(writer.Kill()));
    total += kill_after + writer.Read(1'000'000'000, acknowledged);
    ExpectAllAcknowledged(path, acknowledged, false);
    EXPECT_EQ(IntegrityOf(path), "ok") << kill_after;
  }
  const int left = std::max(1000 - total, 100);
  CrashWriter last(path, left);
  EXPECT_EQ(last.Read(left, acknowledged), left);
  EXPECT_EQ(last.Wait(), 0);
  ExpectAllAcknowledged(path, acknowledged, true);
  EXPECT_EQ(IntegrityOf(path), "ok");
}

}  // namespace
}  // namespace grantkeep::testing
