// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/schema.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"

namespace grantkeep {
namespace {

constexpr char kMemory[] = ":memory:";
constexpr std::string_view kMagic("SQLite format 3\0", 16);

constexpr char kCreate[] = R"sql(
  CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE record (
    partition INTEGER NOT NULL, kind INTEGER NOT NULL, tenant BLOB NOT NULL, id BLOB NOT NULL,
    revision INTEGER NOT NULL, value BLOB NOT NULL, expires INTEGER, guard BLOB,
    misses INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (partition, kind, tenant, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX record_expires ON record (expires) WHERE expires IS NOT NULL;
  CREATE TABLE due (
    partition INTEGER NOT NULL, kind INTEGER NOT NULL, tenant BLOB NOT NULL, id BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (partition, kind, tenant, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX due_at ON due (partition, at);
  INSERT INTO meta VALUES ('store_id', lower(hex(randomblob(16)))), ('epoch', 1), ('clean', 1);
)sql";

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status FileError(const std::string& path, std::string_view what, int error) {
  return Error(Reason::kStoreUnavailable,
               fmt::format("store: {} {}: {}", path, what, std::generic_category().message(error)));
}

absl::Status Refuse(const std::string& path, std::string_view why) {
  return Error(Reason::kStoreUnavailable, fmt::format("store: {} {}; it was left as it is", path, why));
}

// Makes an empty file, with mode 0600 and a name that survives a power cut, unless there is one.
absl::Status CreateFile(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return errno == EEXIST ? absl::OkStatus() : FileError(path, "cannot be created", errno);
  const std::string parent = std::filesystem::path(path).parent_path();
  const std::string directory = parent.empty() ? "." : parent;
  const FileDescriptor folder(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || fsync(folder.get()) != 0) return FileError(directory, "cannot be synced", errno);
  return absl::OkStatus();
}

// SQLite would take a short file that is no database for an empty one, and overwrite it.
absl::Status CheckMagic(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return FileError(path, "cannot be opened", errno);
  struct stat info{};
  if (fstat(file.get(), &info) != 0) return FileError(path, "cannot be examined", errno);
  if (!S_ISREG(info.st_mode)) return Refuse(path, "is not a regular file");
  if (info.st_size == 0) return absl::OkStatus();
  std::array<char, 16> head{};
  const ssize_t size = pread(file.get(), head.data(), head.size(), 0);
  if (size < 0) return FileError(path, "cannot be read", errno);
  if (std::string_view(head.data(), static_cast<size_t>(size)) != kMagic) {
    return Refuse(path, "is not a database");
  }
  return absl::OkStatus();
}

// True for a database without any table, which may become ours.
absl::StatusOr<bool> CheckOwnership(Database& database, const std::string& path) {
  if (sqlite3_db_readonly(database.handle(), "main") == 1) return Refuse(path, "cannot be written");
  ASSIGN_OR_RETURN(const int64_t application, database.QueryNumber("PRAGMA application_id"));
  ASSIGN_OR_RETURN(const int64_t version, database.QueryNumber("PRAGMA user_version"));
  ASSIGN_OR_RETURN(const int64_t tables, database.QueryNumber("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && version == 0 && tables == 0) return true;
  if (application != kApplicationId) return Refuse(path, "is a database of another program");
  if (version > kSchemaVersion) {
    return Refuse(
        path, fmt::format(
                  "was written by a newer version (its schema is {}, this version knows {}): start that one",
                  version, kSchemaVersion));
  }
  if (version != kSchemaVersion) {
    return Refuse(path, fmt::format("has a schema that no version has written ({})", version));
  }
  return false;
}

absl::Status Configure(Database& database, const std::string& path, uint64_t max_pages) {
  if (path != kMemory) {
    ASSIGN_OR_RETURN(const std::string mode, database.QueryText("PRAGMA journal_mode = WAL"));
    if (mode != "wal") return Refuse(path, fmt::format("cannot use a write-ahead log (mode is '{}')", mode));
  }
  // The storage thread checkpoints, after it has answered.
  RETURN_IF_ERROR(
      database.Run("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                   "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;"
                   "PRAGMA journal_size_limit = 16777216; PRAGMA cell_size_check = ON"));
  if (max_pages == 0) return absl::OkStatus();
  return database.QueryNumber(fmt::format("PRAGMA max_page_count = {}", max_pages).c_str()).status();
}

absl::Status Create(Database& database) {
  const std::string pragmas =
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", kApplicationId, kSchemaVersion);
  return database.Run(fmt::format("BEGIN IMMEDIATE; {} {} COMMIT", kCreate, pragmas).c_str());
}

absl::StatusOr<OpenedFile> Open(const std::string& path, uint64_t max_pages) {
  ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Access::kReadWrite));
  ASSIGN_OR_RETURN(const bool is_new, CheckOwnership(database, path));
  RETURN_IF_ERROR(Configure(database, path, max_pages));
  if (is_new) RETURN_IF_ERROR(Create(database));
  ASSIGN_OR_RETURN(StoreIdentity identity, ReadIdentity(database));
  ASSIGN_OR_RETURN(const int64_t clean, database.QueryNumber("SELECT value FROM meta WHERE name = 'clean'"));
  if (clean != 0) RETURN_IF_ERROR(database.Run("UPDATE meta SET value = 0 WHERE name = 'clean'"));
  return OpenedFile{std::move(database), std::move(identity), clean == 0};
}

}  // namespace

absl::StatusOr<OpenedFile> OpenFile(const std::string& path, uint64_t max_pages) {
  if (path != kMemory) {
    RETURN_IF_ERROR(CreateFile(path));
    RETURN_IF_ERROR(CheckMagic(path));
  }
  auto opened = Open(path, max_pages);
  if (opened.ok() || opened.status().message().find(path) != absl::string_view::npos) return opened;
  return Annotate(opened.status(), fmt::format("store: {}", path));
}

absl::StatusOr<StoreIdentity> ReadIdentity(Database& database) {
  const auto number = [&](const char* name) {
    return database.QueryNumber(
        fmt::format("SELECT coalesce((SELECT value FROM meta WHERE name = '{}'), 0)", name).c_str());
  };
  StoreIdentity identity;
  ASSIGN_OR_RETURN(identity.id, database.QueryText("SELECT value FROM meta WHERE name = 'store_id'"));
  ASSIGN_OR_RETURN(identity.epoch, number("epoch"));
  ASSIGN_OR_RETURN(identity.restored_in, number("restored_in"));
  ASSIGN_OR_RETURN(identity.cloned_in, number("cloned_in"));
  ASSIGN_OR_RETURN(
      identity.cloned_from,
      database.QueryText("SELECT coalesce((SELECT value FROM meta WHERE name = 'cloned_from'), '')"));
  return identity;
}

absl::Status MarkClean(Database& database) {
  RETURN_IF_ERROR(database.Run("UPDATE meta SET value = 1 WHERE name = 'clean'"));
  return database.Run("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace grantkeep
