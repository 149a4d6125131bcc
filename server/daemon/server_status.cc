// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "net/event.h"
#include "provider/discovery.h"
#include "provider/url_parts.h"
#include "rpc/convert.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using config::v1::SecretReference;

constexpr char kNoAnswer[] = "no answer in time";
// Later than anybody looks, should a store show it for a moment.
constexpr Duration kNobodysDue = std::chrono::hours(24);
constexpr char kHostDiffers[] = "not asked: its host differs from customer to customer";

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// What is asked of a provider's server: the metadata where they are discovered, else the root of
// the token endpoint's origin, where nothing can be set off. Nothing where the host is each
// customer's own.
std::optional<std::string> CheckedUrl(const config::v1::Provider& record) {
  if (record.token_endpoint().empty()) return MetadataUrls(record.issuer()).front();
  UrlParts defaults;
  for (const auto& [name, part] : record.url_parts()) {
    if (!part.default_value().empty()) defaults.emplace(name, part.default_value());
  }
  const std::string endpoint = ExpandUrl(record.token_endpoint(), defaults);
  const std::string origin = endpoint.substr(0, endpoint.find_first_of("/?", endpoint.find("://") + 3));
  if (origin.find('{') != std::string::npos) return std::nullopt;
  return origin + "/";
}

// "host:port" of a URL that Provider::Create has accepted.
std::string HostOf(std::string_view url) {
  const bool plaintext = url.starts_with("http:");
  url.remove_prefix(url.find("://") + 3);
  const std::string_view host = url.substr(0, url.find_first_of("/?"));
  // The colons inside [::1] are not the port's.
  const bool has_port =
      host.find(':', host.find(']') == std::string_view::npos ? 0 : host.find(']')) != std::string_view::npos;
  return has_port ? std::string(host) : fmt::format("{}:{}", host, plaintext ? 80 : 443);
}

std::string NameOf(const SecretReference& reference) {
  switch (reference.source_case()) {
    case SecretReference::kEnv:
      return "env " + reference.env();
    case SecretReference::kFile:
      return "file " + reference.file();
    case SecretReference::kVault:
      return fmt::format("vault {}/{}", reference.vault().tenant(), reference.vault().name());
    case SecretReference::SOURCE_NOT_SET:
      break;
  }
  return "nowhere";
}

v1::ProviderStatus Described(const config::v1::Provider& record, bool asked) {
  const bool oauth = record.kind() == config::v1::PROVIDER_KIND_OAUTH;
  v1::ProviderStatus status;
  status.set_provider(record.id());
  status.set_kind(oauth ? v1::PROVIDER_KIND_OAUTH : v1::PROVIDER_KIND_STATIC);
  status.set_display_name(record.display_name());
  status.set_reachability(v1::REACHABILITY_NOT_CHECKED);
  if (oauth && asked) {
    const std::optional<std::string> url = CheckedUrl(record);
    // Until the answer is there.
    if (url.has_value()) status.set_reachability(v1::REACHABILITY_UNREACHABLE);
    status.set_problem(url.has_value() ? kNoAnswer : kHostDiffers);
    if (url.has_value()) status.set_checked_host(HostOf(*url));
  }
  for (const SecretReference& reference : record.client().client_secrets()) {
    v1::ClientSecretStatus& secret = *status.add_client_secrets();
    secret.set_reference(NameOf(reference));
    secret.set_problem(kNoAnswer);
  }
  return status;
}

}  // namespace

// Shared with the checks, which may end after nobody waits for them any more.
struct ServerStatus::Gathering {
  v1::GetServerStatusResponse response;
  Tick deadline;
  int left = 0;
  // Of each store's clock over ours.
  std::optional<Duration> store_lead;
  std::optional<Duration> ephemeral_lead;
  Event all_done;

  void EndOne() {
    if (--left == 0) all_done.Set();
  }
};

ServerStatus::ServerStatus(Facts facts, Rooms rooms)
    : facts_(std::move(facts)), rooms_(std::move(rooms)), start_time_(rooms_.clock.Now()) {}

awaitable<absl::StatusOr<v1::GetServerStatusResponse>> ServerStatus::Gather(bool check_providers,
                                                                            Tick deadline) {
  const auto gathering = std::make_shared<Gathering>();
  const Tick now = rooms_.clock.Steady();
  // A tenth of the time is for the answer's way back.
  const Tick::duration left = deadline - now;
  gathering->deadline = now + std::min<Tick::duration>(kCheckLimit, left - left / 10);
  v1::GetServerStatusResponse& response = gathering->response;
  response.set_version(facts_.version);
  response.set_development(facts_.development);
  rpc::SetTimestamp(start_time_, *response.mutable_start_time());
  response.mutable_store()->set_kind(facts_.store_kind);
  response.mutable_store()->set_problem(kNoAnswer);
  const StoreIdentity identity = rooms_.store.identity();
  response.mutable_store()->set_id(identity.id);
  response.mutable_store()->set_epoch(identity.epoch);

  std::vector<awaitable<void>> checks;
  checks.push_back(AskStore(gathering));
  if (rooms_.find_risks) checks.push_back(FindRisks(gathering));
  if (rooms_.has_ephemeral) {
    *response.mutable_ephemeral_store() = response.store();
    checks.push_back(AskEphemeralStore(gathering));
  }
  for (const Provider* provider : rooms_.catalogue.All()) {
    const config::v1::Provider& record = provider->record();
    const int index = response.providers_size();
    *response.add_providers() = Described(record, check_providers);
    if (record.kind() != config::v1::PROVIDER_KIND_OAUTH) continue;
    checks.push_back(ReadClientSecrets(gathering, index, record));
    if (check_providers && CheckedUrl(record).has_value())
      checks.push_back(AskProvider(gathering, index, record));
  }
  gathering->left = static_cast<int>(checks.size());
  const auto executor = co_await boost::asio::this_coro::executor;
  for (awaitable<void>& check : checks) {
    boost::asio::co_spawn(executor, std::move(check), boost::asio::detached);
  }
  // What is not done at the deadline stays reported as it is: without an answer.
  [[maybe_unused]] const bool done = co_await gathering->all_done.Wait(rooms_.clock, gathering->deadline);
  // Both at the same moment: the store has answered before the slowest provider has.
  const Time end = rooms_.clock.Now();
  rpc::SetTimestamp(end, *response.mutable_server_time());
  if (gathering->store_lead.has_value()) {
    rpc::SetTimestamp(end + *gathering->store_lead, *response.mutable_store()->mutable_time());
  }
  if (gathering->ephemeral_lead.has_value()) {
    rpc::SetTimestamp(end + *gathering->ephemeral_lead, *response.mutable_ephemeral_store()->mutable_time());
  }
  co_return response;
}

awaitable<void> ServerStatus::AskStore(std::shared_ptr<Gathering> gathering) {
  // A write like any other, which a full disk refuses, and of which nothing stays.
  const Key nobodys = Key::Of(Kind::kGrant, TenantId("-"), "status");
  std::vector<Write> writes;
  writes.emplace_back(SetDue{.key = nobodys, .at = rooms_.store.Now() + kNobodysDue});
  writes.emplace_back(ClearDue{.key = nobodys});
  const absl::StatusOr<CommitResult> result =
      co_await rooms_.store.Commit(std::move(writes), gathering->deadline);
  v1::StoreStatus& store = *gathering->response.mutable_store();
  store.set_adopted(result.ok());
  if (HasReason(result.status(), Reason::kStoreNotAdopted)) {
    // It may not be written: that it can be read has to do.
    store.set_adoption_problem(MessageOf(result.status()));
    const auto read = co_await rooms_.store.Get(nobodys, gathering->deadline);
    gathering->store_lead = Note(read.status(), rooms_.store.Now(), store);
  } else {
    gathering->store_lead = Note(result.status(), result.ok() ? result->store_time : Time(), store);
  }
  gathering->EndOne();
}

awaitable<void> ServerStatus::AskEphemeralStore(std::shared_ptr<Gathering> gathering) {
  const Key nobodys = Key::Of(Kind::kFlow, TenantId("-"), "status");
  std::vector<Write> writes;
  writes.emplace_back(TakeLease{.key = nobodys, .owner = "status", .duration = kCheckLimit});
  writes.emplace_back(EndLease{.key = nobodys, .owner = "status"});
  const absl::StatusOr<CommitResult> result =
      co_await rooms_.store.Commit(std::move(writes), gathering->deadline);
  gathering->ephemeral_lead = Note(result.status(), result.ok() ? result->store_time : Time(),
                                   *gathering->response.mutable_ephemeral_store());
  gathering->EndOne();
}

awaitable<void> ServerStatus::FindRisks(std::shared_ptr<Gathering> gathering) {
  const absl::StatusOr<std::vector<std::string>> risks = co_await rooms_.find_risks(gathering->deadline);
  if (risks.ok()) {
    for (const std::string& risk : *risks) gathering->response.mutable_store()->add_durability_risks(risk);
  }
  gathering->EndOne();
}

// Writes into `store` what came of asking it; the lead of its clock over ours.
std::optional<Duration> ServerStatus::Note(const absl::Status& answered, Time time,
                                           v1::StoreStatus& store) const {
  store.set_available(answered.ok());
  store.set_problem(answered.ok() ? "" : MessageOf(answered));
  if (!answered.ok()) return std::nullopt;
  return time - rooms_.clock.Now();
}

awaitable<void> ServerStatus::AskProvider(std::shared_ptr<Gathering> gathering, int index,
                                          config::v1::Provider record) {
  const absl::Status answered = co_await AskForAnswer(record, gathering->deadline);
  v1::ProviderStatus& status = *gathering->response.mutable_providers(index);
  status.set_reachability(answered.ok() ? v1::REACHABILITY_REACHABLE : v1::REACHABILITY_UNREACHABLE);
  status.set_problem(answered.ok() ? "" : MessageOf(answered));
  gathering->EndOne();
}

awaitable<absl::Status> ServerStatus::AskForAnswer(config::v1::Provider record, Tick deadline) {
  Provider* const provider = rooms_.catalogue.Find(ProviderId(record.id()));
  if (provider->is_discovered()) {
    const absl::StatusOr<ServerMetadata> metadata = co_await provider->Metadata({}, deadline);
    if (!metadata.ok()) co_return metadata.status();
    // It may be an hour old, or a day: the server is asked all the same.
  }
  HttpRequest request;
  request.url = CheckedUrl(record).value();
  request.deadline = deadline;
  for (const std::string& range : record.allow_private()) {
    if (auto block = CidrBlock::Parse(range); block.ok()) request.allow_private.push_back(*std::move(block));
  }
  const HttpOutcome outcome = co_await rooms_.http.Send(std::move(request));
  co_return outcome.response.has_value() || outcome.answered ? absl::OkStatus() : outcome.error;
}

awaitable<void> ServerStatus::ReadClientSecrets(std::shared_ptr<Gathering> gathering, int index,
                                                config::v1::Provider record) {
  for (int i = 0; i < record.client().client_secrets_size(); ++i) {
    SecretReference reference = record.client().client_secrets(i);
    const absl::StatusOr<Secret> secret =
        co_await rooms_.resolve_secret(std::move(reference), gathering->deadline);
    v1::ClientSecretStatus& status = *gathering->response.mutable_providers(index)->mutable_client_secrets(i);
    status.set_readable(secret.ok());
    status.set_problem(secret.ok() ? "" : MessageOf(secret.status()));
  }
  gathering->EndOne();
}

}  // namespace grantkeep
