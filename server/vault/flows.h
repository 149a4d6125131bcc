// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_FLOWS_H_
#define GRANTKEEP_VAULT_FLOWS_H_

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "store/store.h"
#include "telemetry/redact.h"

namespace grantkeep {

class SealedRecords;

// Flows between StartAuth and CompleteAuth: sealed, keyed by a digest of (tenant, state), guarded
// by a digest of (caller, session binding), taken once.
class Flows {
 public:
  // Mismatched attempts after which a flow is burnt.
  static constexpr uint32_t kBurnAfter = 5;

  Flows(Store& store, SealedRecords& records) : store_(store), records_(records) {}

  boost::asio::awaitable<absl::Status> Put(TenantId tenant, std::string state, std::string session_binding,
                                           Wiped<storage::v1::Flow> flow, Duration lifetime, Tick deadline);
  // kFlowNotFound for every cause: unknown, expired, taken, other caller, other browser session.
  boost::asio::awaitable<absl::StatusOr<Wiped<storage::v1::Flow>>> Take(TenantId tenant, std::string state,
                                                                        std::string caller,
                                                                        std::string session_binding,
                                                                        Tick deadline);

 private:
  Store& store_;
  SealedRecords& records_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_FLOWS_H_
