// SPDX-License-Identifier: Apache-2.0
#include "grantkeep/grant_credentials.h"

#include <map>
#include <string>
#include <utility>

#include "grantkeep/call_error.h"

namespace grantkeep {
namespace {

// What lives as long as this between two looks is in memory at the second, too, unless its stream breaks off
// between them: then the thread that calls waits for the service, as Get() does.
constexpr std::chrono::milliseconds kBetweenLooks{1000};

class Plugin final : public grpc::MetadataCredentialsPlugin {
 public:
  explicit Plugin(std::shared_ptr<GrantTokens> tokens) : tokens_(std::move(tokens)) {}

  // gRPC asks before each call, and lets a thread of its own do what blocks.
  bool IsBlocking() const override { return tokens_->InMemory(kBetweenLooks) == nullptr; }
  const char* GetType() const override { return "grantkeep"; }
  grpc::string DebugString() override { return "GrantCredentials"; }

  grpc::Status GetMetadata(grpc::string_ref, grpc::string_ref, const grpc::AuthContext&,
                           std::multimap<grpc::string, grpc::string>* metadata) override {
    const absl::StatusOr<std::shared_ptr<const Token>> token = tokens_->Get();
    if (!token.ok()) return Refusal(CallError::From(token.status()));
    metadata->emplace("authorization", "Bearer " + (*token)->access_token);
    return grpc::Status::OK;
  }

 private:
  static grpc::Status Refusal(const CallError& error) {
    const auto code = error.Retryable() ? grpc::StatusCode::UNAVAILABLE : grpc::StatusCode::UNAUTHENTICATED;
    return {code, "no token: " + (error.reason.empty() ? "" : error.reason + ": ") + error.message};
  }

  const std::shared_ptr<GrantTokens> tokens_;
};

}  // namespace

std::shared_ptr<grpc::CallCredentials> GrantCredentials(std::shared_ptr<GrantTokens> tokens) {
  return grpc::MetadataCredentialsFromPlugin(std::make_unique<Plugin>(std::move(tokens)));
}

}  // namespace grantkeep
