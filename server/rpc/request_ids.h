// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_REQUEST_IDS_H_
#define GRANTKEEP_RPC_REQUEST_IDS_H_

#include <atomic>
#include <cstdint>
#include <string>

namespace grantkeep::rpc {

// Names requests in logs and error details: a prefix of the process and a counter ("k3J9xQ-42").
// Thread-safe.
class RequestIds {
 public:
  explicit RequestIds(const std::string& prefix) : prefix_(prefix + "-") {}
  std::string Next() { return prefix_ + std::to_string(next_.fetch_add(1, std::memory_order_relaxed)); }

 private:
  const std::string prefix_;
  std::atomic<uint64_t> next_{1};
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_REQUEST_IDS_H_
