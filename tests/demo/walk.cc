// SPDX-License-Identifier: Apache-2.0
#include "tests/demo/walk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "crypto/random.h"
#include "grantkeep/client.h"
#include "tests/demo/leak_search.h"
#include "tests/support/browser.h"

namespace grantkeep::demo {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr char kTenant[] = "default";
constexpr char kSubject[] = "alice";
// Nobody listens there: the walk reads the URL that the browser is sent to.
constexpr char kRedirectUri[] = "http://127.0.0.1:1/callback";
// As many calls as fit well into the life of the first token.
constexpr size_t kMemoryCalls = 1000;
constexpr std::chrono::milliseconds kMemoryTime{500};

// Runs `call` and adds how long it took to `time`.
template <typename Call>
auto Timed(nanoseconds& time, const Call& call) {
  const auto begin = steady_clock::now();
  auto result = call();
  time = steady_clock::now() - begin;
  return result;
}

absl::Status Wrong(std::string_view what) { return absl::InternalError(std::string(what)); }

system_clock::time_point TimeOf(const google::protobuf::Timestamp& time) {
  return system_clock::time_point(std::chrono::seconds(time.seconds()) +
                                  std::chrono::microseconds(time.nanos() / 1000));
}

// The steps in order; each narrates itself and leaves what the next ones need.
class Walker {
 public:
  Walker(const Narrator& narrator, House& house, std::unique_ptr<Client> client)
      : narrator_(narrator), house_(house), client_(std::move(client)), binding_(RandomToken(random_, 32)) {}

  absl::Status StartAuth();
  absl::Status SignIn();
  absl::Status CompleteAuth();
  absl::Status UseToken();
  absl::Status RefreshFromMemory();
  absl::Status RefreshExpired();
  absl::Status StaticSecret();
  absl::Status RefusedFlow();
  absl::Status StopAndSearch(const std::filesystem::path& folder, const std::filesystem::path& data);

 private:
  v1::StartAuthRequest FlowAt(const std::string& provider) const;
  v1::RefreshRequest Refresh() const;
  void Remember(std::string name, std::string value);

  SystemRandom random_;
  testing::Browser browser_;
  const Narrator& narrator_;
  House& house_;
  std::unique_ptr<Client> client_;
  const std::string binding_;
  v1::StartAuthResponse flow_;
  std::string callback_url_;
  std::string grant_id_;
  v1::RefreshResponse token_;
  std::vector<NamedSecret> secrets_;
};

void Walker::Remember(std::string name, std::string value) {
  secrets_.push_back({.name = std::move(name), .value = std::move(value)});
}

v1::StartAuthRequest Walker::FlowAt(const std::string& provider) const {
  v1::StartAuthRequest request;
  request.set_tenant(kTenant);
  request.set_subject(kSubject);
  request.set_provider(provider);
  request.set_redirect_uri(kRedirectUri);
  request.set_session_binding(binding_);
  return request;
}

v1::RefreshRequest Walker::Refresh() const {
  v1::RefreshRequest request;
  request.set_tenant(kTenant);
  request.set_subject(kSubject);
  request.set_grant_id(grant_id_);
  return request;
}

absl::Status Walker::StartAuth() {
  nanoseconds time{};
  ASSIGN_OR_RETURN(flow_, Timed(time, [&] { return client_->StartAuth(FlowAt("practice")); }));
  if (flow_.authorization_url().find("code_challenge_method=S256") == std::string::npos) {
    return Wrong("the authorization URL has no PKCE challenge");
  }
  Remember("state", flow_.state());
  Remember("session binding", binding_);
  narrator_.Step("StartAuth", "a URL for the browser; the PKCE verifier stays inside", time);
  narrator_.Detail(flow_.authorization_url().substr(0, 68) + "...");
  return absl::OkStatus();
}

absl::Status Walker::SignIn() {
  nanoseconds time{};
  const testing::Page page = Timed(time, [&] { return browser_.Get(flow_.authorization_url()); });
  if (page.status != 303 || !page.location.starts_with(kRedirectUri)) {
    return Wrong(fmt::format("the practice provider answered with status {}", page.status));
  }
  callback_url_ = page.location;
  narrator_.Step("Sign-in", "the browser agrees at the provider and is sent back", time);
  return absl::OkStatus();
}

absl::Status Walker::CompleteAuth() {
  v1::CompleteAuthRequest request;
  request.set_tenant(kTenant);
  request.set_callback_url(callback_url_);
  request.set_session_binding(binding_);
  nanoseconds time{};
  ASSIGN_OR_RETURN(const auto response, Timed(time, [&] { return client_->CompleteAuth(request); }));
  grant_id_ = response.grant().grant_id();
  narrator_.Step("CompleteAuth", "state, issuer and browser checked, code exchanged, stored", time);
  narrator_.Detail(
      fmt::format("grant {} with scopes {}", grant_id_, fmt::join(response.grant().scopes(), " ")));
  if (client_->CompleteAuth(request).ok()) return Wrong("the same callback completed a flow twice");
  narrator_.Detail("the same callback a second time is refused");
  return absl::OkStatus();
}

absl::Status Walker::RefreshFromMemory() {
  std::vector<nanoseconds> times;
  const auto begin = steady_clock::now();
  while (times.size() < kMemoryCalls && steady_clock::now() - begin < kMemoryTime) {
    ASSIGN_OR_RETURN(token_, Timed(times.emplace_back(), [&] { return client_->Refresh(Refresh()); }));
  }
  std::ranges::sort(times);
  Remember("first access token", token_.access_token());
  narrator_.Step(fmt::format("Refresh x {}", times.size()), "a token that is good now, from memory (median)",
                 times[times.size() / 2]);
  narrator_.Detail(fmt::format("99 of 100 within {}; generation {}", Readable(times[times.size() * 99 / 100]),
                               token_.generation()));
  return absl::OkStatus();
}

absl::Status Walker::UseToken() {
  nanoseconds time{};
  const testing::Page page = Timed(time, [&] {
    return browser_.GetWithToken(house_.provider->resource_endpoint(), token_.access_token());
  });
  if (page.status != 200)
    return Wrong(fmt::format("the provider's API answered with status {}", page.status));
  narrator_.Step("GET /me", "the provider's API accepts the token", time);
  return absl::OkStatus();
}

absl::Status Walker::RefreshExpired() {
  const auto expiry = TimeOf(token_.expire_time());
  narrator_.Detail(fmt::format("waiting {} until the token has expired",
                               Readable(std::max(expiry - system_clock::now(), system_clock::duration(0)))));
  std::this_thread::sleep_until(expiry);
  const v1::RefreshResponse old = token_;
  nanoseconds time{};
  ASSIGN_OR_RETURN(token_, Timed(time, [&] { return client_->Refresh(Refresh()); }));
  if (token_.access_token() == old.access_token() || token_.generation() != old.generation() + 1) {
    return Wrong("the expired token was not replaced");
  }
  Remember("second access token", token_.access_token());
  narrator_.Step("Refresh, expired", "one request to the provider; the refresh token rotates", time);
  narrator_.Detail(fmt::format("generation {}; durable before it is handed out", token_.generation()));
  return absl::OkStatus();
}

absl::Status Walker::StaticSecret() {
  v1::PutStaticSecretRequest put;
  put.set_tenant(kTenant);
  put.set_name("discord-bot");
  put.set_provider("discord");
  put.set_value("demo-bot-token-" + RandomToken(random_, 24));
  Remember("bot token", put.value());
  nanoseconds time{};
  ASSIGN_OR_RETURN(const auto stored, Timed(time, [&] { return client_->PutStaticSecret(put); }));
  narrator_.Step("PutStaticSecret",
                 fmt::format("a bot token, sealed under a key of its own; version {}", stored.version()),
                 time);
  v1::GetStaticSecretRequest get;
  get.set_tenant(kTenant);
  get.set_name("discord-bot");
  ASSIGN_OR_RETURN(const auto found, Timed(time, [&] { return client_->GetStaticSecret(get); }));
  if (found.value() != put.value()) return Wrong("another value came back");
  narrator_.Step("GetStaticSecret",
                 fmt::format("the same bytes, for the header \"{}: {}...\"", found.header_name(),
                             found.header_value_prefix()),
                 time);
  return absl::OkStatus();
}

absl::Status Walker::RefusedFlow() {
  nanoseconds time{};
  const auto refused = Timed(time, [&] { return client_->StartAuth(FlowAt("discord")); });
  const CallError error = CallError::From(refused.status());
  if (error.reason != "PROVIDER_IS_STATIC") return Wrong("a flow for a bot token was not refused");
  narrator_.Step("StartAuth, refused", "a bot token has no sign-in: PROVIDER_IS_STATIC", time);
  return absl::OkStatus();
}

absl::Status Walker::StopAndSearch(const std::filesystem::path& folder, const std::filesystem::path& data) {
  // An idle connection would hold up the daemon's end.
  client_.reset();
  nanoseconds time{};
  if (!Timed(time, [&] { return house_.daemon->Stop(); })) return Wrong("the daemon did not end in order");
  narrator_.Step("SIGTERM", "the daemon ends in order", time);
  // Codes, verifiers, client secrets and refresh tokens too: the provider knows them all.
  for (std::string& secret : house_.provider->SecretsSeen()) {
    Remember("secret that went over the wire", std::move(secret));
  }
  const LeakSearch control = SearchForSecrets(data, {{.name = "file header", .value = "SQLite format 3"}});
  if (control.found.empty()) return Wrong("there is no database in " + data.string());
  const LeakSearch search = Timed(time, [&] { return SearchForSecrets(data, secrets_); });
  if (!search.found.empty()) return Wrong(fmt::format("{}", fmt::join(search.found, "; ")));
  const LeakSearch log = SearchForSecrets(LogFile(folder).parent_path(), secrets_);
  if (!log.found.empty()) return Wrong(fmt::format("{}", fmt::join(log.found, "; ")));
  narrator_.Step("No plaintext",
                 fmt::format("{} secrets searched for in {} files and the log: none found", secrets_.size(),
                             search.files),
                 time);
  return absl::OkStatus();
}

// Says which step failed.
absl::Status Named(std::string_view step, const absl::Status& status) {
  if (status.ok()) return status;
  const CallError error = CallError::From(status);
  return absl::Status(status.code(), fmt::format("{}: {}{}", step, error.message,
                                                 error.reason.empty() ? "" : " (" + error.reason + ")"));
}

}  // namespace

absl::Status Walk(const Narrator& narrator, House& house, const std::filesystem::path& folder,
                  const std::filesystem::path& data) {
  const std::string address = "unix:" + (data / "grantkeep.sock").string();
  ASSIGN_OR_RETURN(auto client, Client::Create({.address = address, .timeout = std::chrono::seconds(15)}));
  Walker walker(narrator, house, std::move(client));
  RETURN_IF_ERROR(Named("StartAuth", walker.StartAuth()));
  RETURN_IF_ERROR(Named("sign-in", walker.SignIn()));
  RETURN_IF_ERROR(Named("CompleteAuth", walker.CompleteAuth()));
  RETURN_IF_ERROR(Named("Refresh from memory", walker.RefreshFromMemory()));
  RETURN_IF_ERROR(Named("using the token", walker.UseToken()));
  RETURN_IF_ERROR(Named("refresh of an expired token", walker.RefreshExpired()));
  RETURN_IF_ERROR(Named("static secret", walker.StaticSecret()));
  RETURN_IF_ERROR(Named("refused flow", walker.RefusedFlow()));
  return Named("search for plaintext", walker.StopAndSearch(folder, data));
}

}  // namespace grantkeep::demo
