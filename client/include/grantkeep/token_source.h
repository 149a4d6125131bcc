// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TOKEN_SOURCE_H_
#define GRANTKEEP_TOKEN_SOURCE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace grantkeep {

namespace client {
class TokenSourceCore;
}

// An access token as it was handed out. Immutable; wiped when the last who holds it lets go.
struct Token {
  Token() = default;
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  ~Token();

  std::string access_token;
  // "Bearer", to be compared without regard to case.
  std::string token_type;
  // Absent when the provider did not say.
  std::optional<std::chrono::system_clock::time_point> expire_time;
  // Counts the token sets of the grant; for GrantTokens::Reject.
  uint64_t generation = 0;
  // The service's store did not answer: the token may have been replaced or revoked meanwhile.
  bool unverified = false;
};

struct TokenSourceOptions {
  // As in ClientOptions.
  std::string address;
  std::string tenant = "default";
  // How long a token must still live, 0 to 24 h. One that lives shorter is asked for at the service, which
  // may say that there is none better.
  std::chrono::milliseconds min_ttl{10'000};
  // How long Get() may wait for the service when it has to ask it.
  std::chrono::milliseconds timeout{30'000};
  // How long after its stream has broken off a token is still handed out, while it is valid, when the service
  // cannot be asked either; so long may a revocation stay unseen. 0: not at all.
  std::chrono::milliseconds outage_serve{5 * 60'000};
};

// The tokens of one grant, in this process's memory. Shared by whoever uses them; may outlive its
// TokenSource.
class GrantTokens {
 public:
  // Made by TokenSource::Add.
  class Key {
    friend class client::TokenSourceCore;
    Key() = default;
  };
  GrantTokens(const Key&, std::shared_ptr<client::TokenSourceCore> core, std::string subject,
              std::string grant_id);
  ~GrantTokens();
  GrantTokens(const GrantTokens&) = delete;
  GrantTokens& operator=(const GrantTokens&) = delete;

  // A token that is good now. Any number of threads.
  //
  //  1. While the stream is up and the token outlives min_ttl this is a read of memory: no lock, no system
  //     call, no waiting.
  //  2. Otherwise it calls Refresh and waits for the answer, for at most `timeout`, or
  //     TokenSourceOptions::timeout when not given. A token that is still valid is handed out when the
  //     service fails, see outage_serve.
  //
  // Fails as Client::Refresh does, so CallError::From takes the status apart: NEEDS_REAUTH (the user must
  // sign in again), GRANT_NOT_FOUND (also when it was revoked), UNAVAILABLE, DEADLINE_EXCEEDED. The first two
  // are known from the stream without a call. CANCELLED when the TokenSource is gone.
  absl::StatusOr<std::shared_ptr<const Token>> Get();
  absl::StatusOr<std::shared_ptr<const Token>> Get(std::chrono::milliseconds timeout);

  // The token, if Get() would find it in memory and go on doing so for `slack`; else null. Never waits.
  std::shared_ptr<const Token> InMemory(std::chrono::milliseconds slack = {}) const;

  // The API refused the token of this generation (401). It is not handed out again: the next Get() asks the
  // service for another, at most one in 30 s (PROVIDER_THROTTLED). A generation that is not the newest, and
  // one that there never was, change nothing. Any thread, without waiting.
  void Reject(uint64_t generation);

  const std::string& subject() const { return subject_; }
  const std::string& grant_id() const { return grant_id_; }

 private:
  friend class client::TokenSourceCore;
  struct State;

  const std::shared_ptr<client::TokenSourceCore> core_;
  const std::string subject_;
  const std::string grant_id_;
  const std::unique_ptr<State> state_;
};

// Keeps the newest tokens of any number of grants in memory, told of each by the service
// (AuthService.WatchGrants): over one stream, or a few when there are more than a thousand. Streams that
// break off are opened again, after a pause that grows and is random.
//
// One thread of its own. What it watches counts as used: the service renews it ahead.
class TokenSource {
 public:
  // Does not connect: that happens with the first grant. Fails with INVALID_ARGUMENT as Client::Create does,
  // and for a min_ttl outside its range.
  static absl::StatusOr<std::unique_ptr<TokenSource>> Create(const TokenSourceOptions& options = {});
  // Ends the streams and every call that a Get() waits for, and joins the thread; waits for nobody else, and
  // not for the network. Handles stay usable, and fail with CANCELLED.
  ~TokenSource();
  TokenSource(const TokenSource&) = delete;
  TokenSource& operator=(const TokenSource&) = delete;

  // The tokens of a grant; the same object as before while anybody holds it. It is watched from a few
  // milliseconds later until nobody holds it any more; its first Get() may have to ask the service. Any
  // thread, without waiting; whether there is such a grant, and whether these are names at all, Get() says.
  std::shared_ptr<GrantTokens> Add(const std::string& subject, const std::string& grant_id);

  // Streams in use at the moment, also those that are waiting to be opened again. For tests and metrics.
  size_t streams() const;

 private:
  explicit TokenSource(std::shared_ptr<client::TokenSourceCore> core);
  const std::shared_ptr<client::TokenSourceCore> core_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_TOKEN_SOURCE_H_
