// SPDX-License-Identifier: Apache-2.0
#include "client/cli/findings.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

using Level = Finding::Level;
using std::chrono::milliseconds;

constexpr milliseconds kSkewToMention{5'000};
constexpr milliseconds kSkewThatBreaks{60'000};

milliseconds Millis(const google::protobuf::Timestamp& time) {
  return milliseconds(time.seconds() * 1000 + time.nanos() / 1'000'000);
}

Level LevelOfSkew(milliseconds skew) {
  const milliseconds size = std::chrono::abs(skew);
  return size > kSkewThatBreaks ? Level::kFail : size > kSkewToMention ? Level::kWarn : Level::kOk;
}

// "1.5 s ahead of"
std::string Apart(milliseconds skew) {
  const auto seconds = static_cast<double>(std::chrono::abs(skew).count()) / 1000;
  return fmt::format("{:.1f} s {}", seconds, skew.count() < 0 ? "behind" : "ahead of");
}

Finding Version(const v1::GetServerStatusResponse& status, std::string_view client_version) {
  if (status.version() == client_version) {
    return {Level::kOk, "version", fmt::format("{}, client and daemon", client_version), ""};
  }
  return {Level::kWarn, "version",
          fmt::format("the client is {}, the daemon {}", client_version, status.version()),
          "install the same version of both"};
}

Finding Clock(const v1::GetServerStatusResponse& status, std::chrono::system_clock::time_point now) {
  const milliseconds skew =
      Millis(status.server_time()) - std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
  const Level level = LevelOfSkew(skew);
  return {level, "clock", fmt::format("the daemon's is {} this machine's", Apart(skew)),
          level == Level::kOk
              ? ""
              : "set both clocks by NTP (timedatectl set-ntp true): expiry times depend on it"};
}

Finding Uptime(const v1::GetServerStatusResponse& status) {
  const std::chrono::seconds up(status.server_time().seconds() - status.start_time().seconds());
  return {Level::kOk, "daemon",
          fmt::format("running for {}{}", Distance(up),
                      status.development() ? ", in development mode (--dev): not for production" : ""),
          ""};
}

Finding Store(std::string check, const v1::StoreStatus& store, const google::protobuf::Timestamp& daemons) {
  if (!store.available()) {
    return {Level::kFail, std::move(check),
            fmt::format("{} does not answer: {}", store.kind(), store.problem()),
            "look at the daemon's log, and at the disk or the server behind the store"};
  }
  // A daemon of an older version says nothing of it.
  if (!store.adopted() && !store.adoption_problem().empty()) {
    return {Level::kFail, std::move(check),
            fmt::format("{} is only read: {}", store.kind(), store.adoption_problem()),
            "a backup was put back: grantkeep admin adopt --as restore; it is a copy that others use, too: "
            "grantkeep admin adopt --as clone; neither: correct the daemon's `store`"};
  }
  const milliseconds skew = Millis(store.time()) - Millis(daemons);
  const Level level = LevelOfSkew(skew);
  if (level == Level::kOk) {
    const std::string identity =
        store.id().empty() ? "" : fmt::format("; it is {} in epoch {}", store.id(), store.epoch());
    return {level, std::move(check), fmt::format("{} answers{}", store.kind(), identity), ""};
  }
  return {level, std::move(check),
          fmt::format("{} answers, and its clock is {} the daemon's", store.kind(), Apart(skew)),
          "set both clocks by NTP: leases and expiry are judged by the store's"};
}

void AddStores(const v1::GetServerStatusResponse& status, std::vector<Finding>& findings) {
  findings.push_back(Store("store", status.store(), status.server_time()));
  for (const std::string& risk : status.store().durability_risks()) {
    findings.push_back({Level::kWarn, "store", risk,
                        "change that setting of the store, or accept the risk; store.redis.require_durable "
                        "refuses to run with it"});
  }
  if (status.has_ephemeral_store()) {
    findings.push_back(Store("ephemeral store", status.ephemeral_store(), status.server_time()));
  }
}

Finding Reachability(const v1::ProviderStatus& provider) {
  const std::string check = "provider " + provider.provider();
  switch (provider.reachability()) {
    case v1::REACHABILITY_REACHABLE:
      return {Level::kOk, check, provider.checked_host() + " answers", ""};
    case v1::REACHABILITY_UNREACHABLE:
      return {Level::kFail, check, fmt::format("{}: {}", provider.checked_host(), provider.problem()),
              provider.problem().find("metadata") != std::string::npos
                  ? "correct the provider's `issuer`, or give its endpoints"
                  : "check the daemon's way there: DNS, firewall, `http.proxy` and `http.ca_file` in its "
                    "configuration"};
    default:
      return {Level::kOk, check,
              !provider.problem().empty()                   ? provider.problem()
              : provider.kind() == v1::PROVIDER_KIND_STATIC ? "keys only, no server to ask"
                                                            : "not asked",
              ""};
  }
}

// "vault TENANT/NAME" is stored by this command; the others are beside the daemon.
std::string HowToProvide(std::string_view reference) {
  constexpr std::string_view kVault = "vault ";
  const size_t slash = reference.find('/');
  if (!reference.starts_with(kVault) || slash == std::string_view::npos) {
    return "provide it where the daemon runs, or correct client.client_secrets";
  }
  return fmt::format("run: grantkeep --tenant {} secret put {}",
                     reference.substr(kVault.size(), slash - kVault.size()), reference.substr(slash + 1));
}

// One that cannot be read is a warning while another can: they are tried in turn.
void AddSecrets(const v1::ProviderStatus& provider, std::vector<Finding>& findings) {
  bool any = false;
  for (const v1::ClientSecretStatus& secret : provider.client_secrets()) any = any || secret.readable();
  for (const v1::ClientSecretStatus& secret : provider.client_secrets()) {
    const std::string check = "secret of " + provider.provider();
    if (secret.readable()) {
      findings.push_back({Level::kOk, check, secret.reference() + " can be read", ""});
    } else {
      findings.push_back({any ? Level::kWarn : Level::kFail, check,
                          fmt::format("{}: {}", secret.reference(), secret.problem()),
                          HowToProvide(secret.reference())});
    }
  }
}

}  // namespace

std::string_view LevelName(Level level) {
  return level == Level::kOk ? "ok" : level == Level::kWarn ? "warn" : "fail";
}

std::vector<Finding> FindingsIn(const v1::GetServerStatusResponse& status, std::string_view client_version,
                                std::chrono::system_clock::time_point now) {
  std::vector<Finding> findings = {Uptime(status), Version(status, client_version), Clock(status, now)};
  AddStores(status, findings);
  if (status.providers().empty()) {
    findings.push_back({Level::kWarn, "providers", "none are configured: static secrets only",
                        "list them in the daemon's configuration; run: grantkeep providers list"});
  }
  for (const v1::ProviderStatus& provider : status.providers()) {
    findings.push_back(Reachability(provider));
    AddSecrets(provider, findings);
  }
  return findings;
}

}  // namespace grantkeep::cli
