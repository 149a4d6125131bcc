// SPDX-License-Identifier: Apache-2.0
#include "refresh/recovery_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "net/event.h"
#include "store/postbox.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

constexpr std::string_view kField = "refresh.recovery_dir";
constexpr std::string_view kEnding = ".recovery";
constexpr std::string_view kUnfinished = ".recovery.new";
constexpr std::string_view kUnusable = ".unusable";
// How long the end waits for a disk that hangs.
constexpr std::chrono::seconds kPatience(5);

absl::Status Failed(const std::string& path, std::string_view what) {
  return FieldError(kField, fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status WriteDurably(const std::string& path, std::string_view content) {
  // What an earlier, interrupted write has left must not lend its mode.
  unlink(path.c_str());
  const File file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.fd() < 0) return Failed(path, "cannot be created");
  while (!content.empty()) {
    const ssize_t written = write(file.fd(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(path, "cannot be written");
    content.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(file.fd()) == 0 ? absl::OkStatus() : Failed(path, "cannot be synced");
}

absl::Status SyncFolder(const std::string& folder) {
  const File directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0 || fsync(directory.fd()) != 0) return Failed(folder, "cannot be synced");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& folder) {
  DIR* const directory = opendir(folder.c_str());
  if (directory == nullptr) return Failed(folder, "cannot be read");
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory)) names.emplace_back(entry->d_name);
  closedir(directory);
  return names;
}

// The content; fails with why it cannot be used.
absl::StatusOr<std::string> Read(const std::string& path) {
  const auto unusable = [](std::string_view why) { return FieldError(kField, why); };
  const File file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.fd() < 0) return unusable(std::strerror(errno));
  struct stat info{};
  if (fstat(file.fd(), &info) != 0) return unusable(std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return unusable("it is not a regular file");
  if (static_cast<size_t>(info.st_size) > RecoveryFiles::kMaxSize) return unusable("it is too large");
  std::string content(static_cast<size_t>(info.st_size), '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = read(file.fd(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unusable(std::strerror(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  content.resize(size);
  return content;
}

}  // namespace

struct RecoveryFiles::State {
  explicit State(std::string folder_) : folder(std::move(folder_)) {}

  std::string PathOf(const std::string& name) const { return folder + "/" + name; }

  void Ask(std::function<void(State&)> job) {
    {
      const std::lock_guard lock(mutex);
      jobs.push_back(std::move(job));
    }
    changed.notify_all();
  }

  // The thread. Everything below is its own.
  static void Run(const std::shared_ptr<State>& self) {
    pthread_setname_np(pthread_self(), "recovery");
    std::unique_lock lock(self->mutex);
    for (;;) {
      self->changed.wait(lock, [&] { return self->stopping || !self->jobs.empty(); });
      if (self->jobs.empty()) break;
      const auto job = std::move(self->jobs.front());
      self->jobs.pop_front();
      lock.unlock();
      job(*self);
      lock.lock();
    }
    self->ended = true;
    self->changed.notify_all();
  }

  absl::Status Write(const std::string& name, std::string_view content) {
    if (content.size() > kMaxSize) {
      return Error(Reason::kOverloaded, fmt::format("{}: {} would be too large", kField, name));
    }
    if (present.size() >= kMaxFiles && !present.contains(name)) {
      return Error(Reason::kOverloaded, fmt::format("{}: {} holds {} files, and may hold no more", kField,
                                                    folder, present.size()));
    }
    const std::string unfinished = PathOf(name) + ".new";
    absl::Status written = WriteDurably(unfinished, content);
    if (written.ok() && std::rename(unfinished.c_str(), PathOf(name).c_str()) != 0) {
      written = Failed(unfinished, "cannot be renamed");
    }
    if (!written.ok()) {
      unlink(unfinished.c_str());
      return written;
    }
    present.insert(name);
    return SyncFolder(folder);
  }

  absl::Status Remove(const std::string& name) {
    present.erase(name);
    if (unlink(PathOf(name).c_str()) != 0 && errno != ENOENT)
      return Failed(PathOf(name), "cannot be removed");
    return absl::OkStatus();
  }

  absl::Status SetAside(const std::string& name, std::string_view why) {
    present.erase(name);
    Log("refresh").warn("{}: cannot be used: {}; it is kept as {}{}", PathOf(name), why, name, kUnusable);
    const std::string aside = PathOf(name) + std::string(kUnusable);
    if (std::rename(PathOf(name).c_str(), aside.c_str()) != 0)
      return Failed(PathOf(name), "cannot be renamed");
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<RecoveryFile>> ReadAll() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(folder));
    std::vector<RecoveryFile> files;
    for (const std::string& name : names) {
      // Nobody has ever relied on what was not finished.
      if (name.ends_with(kUnfinished)) unlink(PathOf(name).c_str());
      if (!name.ends_with(kEnding) || files.size() == kMaxFiles) continue;
      absl::StatusOr<std::string> content = Read(PathOf(name));
      if (content.ok()) {
        present.insert(name);
        files.push_back({name, *std::move(content)});
      } else {
        const std::string_view why(content.status().message().data(), content.status().message().size());
        NoteTrouble(SetAside(name, why));
      }
    }
    return files;
  }

  // Says when it begins and when it has ended, not every time.
  void NoteTrouble(const absl::Status& status) {
    const std::string_view message(status.message().data(), status.message().size());
    if (status.ok() == !troubled) return;
    troubled = !status.ok();
    if (troubled) {
      Log("refresh").error("recovery files: {}", message);
    } else {
      Log("refresh").info("recovery files: {} can be used again", folder);
    }
  }

  const std::string folder;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void(State&)>> jobs;
  bool stopping = false;
  bool ended = false;

  std::set<std::string> present;
  bool troubled = false;
};

absl::StatusOr<std::unique_ptr<RecoveryFiles>> RecoveryFiles::Open(std::string folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return Failed(folder, "cannot be made");
  struct stat info{};
  if (stat(folder.c_str(), &info) != 0) return Failed(folder, "cannot be used");
  if (!S_ISDIR(info.st_mode)) return FieldError(kField, fmt::format("{}: is not a folder", folder));
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    // What others can put there is found out when it is opened, but they could take away what is ours.
    return FieldError(kField, fmt::format("{}: others may write there; chmod 700 it, or name a folder in "
                                          "it, which is made",
                                          folder));
  }
  // Also where rights would allow it: a file system may be read-only.
  const std::string probe = folder + "/probe.recovery.new";
  const absl::Status written = WriteDurably(probe, "");
  unlink(probe.c_str());
  RETURN_IF_ERROR(written);
  auto state = std::make_shared<State>(std::move(folder));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(state->folder));
  for (const std::string& name : names) {
    if (name.ends_with(kEnding)) state->present.insert(name);
  }
  return std::unique_ptr<RecoveryFiles>(new RecoveryFiles(std::move(state)));
}

RecoveryFiles::RecoveryFiles(std::shared_ptr<State> state) : state_(std::move(state)) {
  std::thread([shared = state_] { State::Run(shared); }).detach();
}

RecoveryFiles::~RecoveryFiles() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
  if (!state_->changed.wait_for(lock, kPatience, [&] { return state_->ended; })) {
    Log("refresh").error("recovery files: {} does not answer; {} changes are given up", state_->folder,
                         state_->jobs.size());
  }
}

void RecoveryFiles::Write(std::string name, std::string content, Done done) {
  state_->Ask([name = std::move(name), content = std::move(content), done = std::move(done)](State& state) {
    const absl::Status written = state.Write(name, content);
    state.NoteTrouble(written);
    done(written);
  });
}

void RecoveryFiles::Remove(std::string name) {
  state_->Ask([name = std::move(name)](State& state) { state.NoteTrouble(state.Remove(name)); });
}

void RecoveryFiles::SetAside(std::string name, std::string why) {
  state_->Ask([name = std::move(name), why = std::move(why)](State& state) {
    state.NoteTrouble(state.SetAside(name, why));
  });
}

boost::asio::awaitable<absl::StatusOr<std::vector<RecoveryFile>>> RecoveryFiles::ReadAll(Clock& clock) {
  struct Reading {
    explicit Reading(const boost::asio::any_io_executor& executor_)
        : executor(executor_), postbox(executor_) {}
    const boost::asio::any_io_executor executor;
    const Postbox postbox;
    absl::StatusOr<std::vector<RecoveryFile>> files = absl::UnknownError("not read");
    Event done;
  };
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto reading = std::make_shared<Reading>(executor);
  state_->Ask([reading](State& state) {
    reading->files = state.ReadAll();
    state.NoteTrouble(reading->files.status());
    reading->postbox.Post(reading->executor, [reading] { reading->done.Set(); });
  });
  co_await reading->done.Wait(clock, Tick::max());
  co_return std::move(reading->files);
}

const std::string& RecoveryFiles::folder() const { return state_->folder; }

}  // namespace grantkeep
