// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_RECOVERY_H_
#define GRANTKEEP_REFRESH_RECOVERY_H_

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/ids.h"
#include "net/event.h"
#include "refresh/recovered_tokens.h"
#include "refresh/recovery_files.h"
#include "vault/grants.h"
#include "vault/sealed.h"

namespace grantkeep {

class Catalogue;

// New tokens that the store does not accept, kept where the end of the process does not reach them: each
// token set in a sealed file (refresh/recovered_tokens.h) until the store has it. What an earlier process has
// left is given to the store by the rule of step 7 (ARCHITECTURE.md, "The refresh transaction"), and no
// refresh of such a grant begins before: the refresh token in the store is spent. Replaying a file twice does
// no harm.
//
// Runs on one loop, which ends before it.
class Recovery {
 public:
  struct Rooms {
    SealedRecords& records;
    Grants& grants;
    Store& store;
    Catalogue& catalogue;
    Clock& clock;
  };
  Recovery(RecoveryFiles& files, Rooms rooms);

  // Reads what is there and replays it, again and again until nothing is left. A file waits while the store
  // cannot be asked, is not adopted, or the key is not there. What cannot be used is set aside.
  boost::asio::awaitable<void> Run();

  // Before a refresh begins: OK when nothing waits for the grant, or that is in the store now. Waits for the
  // first reading, but not long: a disk that hangs must not stop what the store can do.
  boost::asio::awaitable<absl::Status> Settle(TenantId tenant, GrantId grant);

  // A token set on its way to the disk.
  struct Copy {
    std::atomic<bool> failed = false;  // it is not there; try again
  };
  // Seals `tokens` (TokensOf) and has them written; `written` is called when they are on disk, by the files'
  // thread. Null: they could not be sealed.
  boost::asio::awaitable<std::shared_ptr<const Copy>> Keep(TenantId tenant, GrantId grant,
                                                           Generation presented,
                                                           Wiped<storage::v1::Grant> tokens,
                                                           std::function<void()> written);
  // The store has them.
  void Discard(const TenantId& tenant, const GrantId& grant, Generation presented);

 private:
  struct Waiting {
    std::string name;
    RecoveryFileParts parts;
  };
  using GrantKey = std::pair<TenantId, GrantId>;
  using Files = std::vector<std::shared_ptr<const Waiting>>;

  void Take(std::vector<RecoveryFile> files);
  // OK: it needs nobody any more.
  boost::asio::awaitable<absl::Status> Replay(std::shared_ptr<const Waiting> file);
  boost::asio::awaitable<absl::Status> Apply(const Waiting& file, const storage::v1::Grant& tokens);
  boost::asio::awaitable<absl::StatusOr<bool>> TryCommit(const Waiting& file,
                                                         const storage::v1::Grant& tokens,
                                                         StoredGrant& stored);
  void Drop(const Waiting& file, std::string_view what);
  void SetAside(const Waiting& file, std::string_view why);
  void Forget(const Waiting& file);

  RecoveryFiles& files_;
  const Rooms rooms_;
  absl::flat_hash_map<GrantKey, Files> waiting_;
  Event read_;  // the first reading
  Tick reading_until_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_RECOVERY_H_
