// SPDX-License-Identifier: Apache-2.0
// The statistics and the switches, over HTTP.
#include "tests/support/practice_provider/control.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "tests/support/practice_provider/authorization_server.h"

namespace grantkeep::practice {
namespace {

namespace json = boost::json;

constexpr std::pair<std::string_view, Consent> kConsents[] = {
    {"page", Consent::kPage}, {"allow", Consent::kAllow}, {"deny", Consent::kDeny}};
constexpr std::pair<std::string_view, IssMode> kIssModes[] = {
    {"correct", IssMode::kCorrect}, {"wrong", IssMode::kWrong}, {"absent", IssMode::kAbsent}};
constexpr std::pair<std::string_view, Rotation> kRotations[] = {{"none", Rotation::kNone},
                                                                {"keeps_old", Rotation::kKeepsOld},
                                                                {"strict", Rotation::kStrict},
                                                                {"grace", Rotation::kGrace}};

template <typename Enum, size_t kSize>
std::optional<Enum> ByName(const std::pair<std::string_view, Enum> (&names)[kSize], std::string_view name) {
  for (const auto& [known, value] : names) {
    if (known == name) return value;
  }
  return std::nullopt;
}

absl::Status Wrong(std::string_view member, std::string_view expected) {
  return absl::InvalidArgumentError(fmt::format("{}: expected {}", member, expected));
}

std::optional<std::string_view> Text(const json::value& value) {
  if (!value.is_string()) return std::nullopt;
  return std::string_view(value.get_string().data(), value.get_string().size());
}

// A number from 0 to a day in milliseconds.
std::optional<int64_t> Number(const json::value& value) {
  if (!value.is_int64() || value.get_int64() < 0 || value.get_int64() > 86'400'000) return std::nullopt;
  return value.get_int64();
}

json::object Describe(const TokenRequestRecord& record) {
  json::object entry{{"grant_type", record.grant_type}, {"status", record.status}};
  if (record.family != 0) entry["family"] = record.family;
  if (record.generation != 0) entry["generation"] = record.generation;
  if (!record.error.empty()) entry["error"] = record.error;
  if (!record.fault.empty()) entry["fault"] = record.fault;
  return entry;
}

json::object Describe(const RevocationRecord& record) {
  json::object entry{{"took_effect", record.took_effect}, {"status", record.status}};
  if (record.family != 0) entry["family"] = record.family;
  if (!record.fault.empty()) entry["fault"] = record.fault;
  return entry;
}

json::object Describe(const FamilyStats& family) {
  json::object presented;
  for (const auto& [generation, count] : family.presented) presented[std::to_string(generation)] = count;
  return {
      {"id", family.id}, {"live", family.live}, {"generation", family.generation}, {"presented", presented}};
}

// {"client_id": ["secret", ...], ...}
absl::Status SetClientSecrets(ClientRegistry& clients, const json::value& value) {
  absl::Status wrong = Wrong("client_secrets", "lists of secrets by the id of a confidential client");
  if (!value.is_object()) return wrong;
  for (const auto& member : value.get_object()) {
    if (!member.value().is_array()) return wrong;
    std::vector<std::string> secrets;
    for (const json::value& secret : member.value().get_array()) {
      const auto text = Text(secret);
      if (!text.has_value() || text->empty()) return wrong;
      secrets.emplace_back(*text);
    }
    const std::string_view id(member.key().data(), member.key().size());
    if (!clients.SetSecrets(id, std::move(secrets))) return wrong;
  }
  return absl::OkStatus();
}

absl::StatusOr<Fault> ReadFault(const json::value& value) {
  if (!value.is_object()) return Wrong("fault", "an object");
  Fault fault;
  bool named = false;
  for (const auto& member : value.get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    const auto number = Number(member.value());
    if (name == "kind") {
      const auto kind = FaultByName(Text(member.value()).value_or(""));
      if (!kind.has_value()) return Wrong("fault.kind", "the name of a fault");
      fault.kind = *kind;
      named = true;
    } else if (name == "count" && number.has_value()) {
      fault.count = static_cast<int>(*number);
    } else if (name == "after_processing" && member.value().is_bool()) {
      fault.after_processing = member.value().get_bool();
    } else if (name == "retry_after" && number.has_value()) {
      fault.retry_after = std::chrono::seconds(*number);
    } else if (name == "error" && Text(member.value()).has_value()) {
      fault.error = *Text(member.value());
    } else {
      return Wrong(fmt::format("fault.{}", name), "a known member of the right type");
    }
  }
  if (!named) return Wrong("fault.kind", "the name of a fault");
  return fault;
}

// Carries out one member of a control request.
absl::Status Apply(AuthorizationServer& server, std::string_view name, const json::value& value) {
  TokenPolicy policy = server.ledger().policy();
  const auto number = Number(value);
  const auto text = Text(value);
  if (name == "consent") {
    const auto consent = ByName(kConsents, text.value_or(""));
    if (!consent.has_value()) return Wrong(name, "page, allow or deny");
    server.options().consent = *consent;
  } else if (name == "iss") {
    const auto iss = ByName(kIssModes, text.value_or(""));
    if (!iss.has_value()) return Wrong(name, "correct, wrong or absent");
    server.options().iss = *iss;
  } else if (name == "latency_ms") {
    if (!number.has_value()) return Wrong(name, "milliseconds");
    server.options().latency = std::chrono::milliseconds(*number);
  } else if (name == "rotation") {
    const auto rotation = ParseRotation(text.value_or(""));
    if (!rotation.ok()) return rotation.status();
    policy.rotation = rotation->rotation;
    policy.grace = rotation->grace;
  } else if (name == "access_token_lifetime") {
    if (!number.has_value()) return Wrong(name, "seconds");
    policy.access_token_lifetime = std::chrono::seconds(*number);
  } else if (name == "fault") {
    auto fault = ReadFault(value);
    if (!fault.ok()) return fault.status();
    server.faults().Push(*std::move(fault));
  } else if (name == "revocation_fault") {
    auto fault = ReadFault(value);
    if (!fault.ok()) return fault.status();
    server.revocation_faults().Push(*std::move(fault));
  } else if (name == "client_secrets") {
    return SetClientSecrets(server.clients(), value);
  } else if (name == "clear_faults" && value == true) {
    server.faults().Clear();
    server.revocation_faults().Clear();
  } else if (name == "expire_access_tokens" && value == true) {
    server.ledger().ExpireAccessTokens();
  } else if (name == "kill_families" && value == true) {
    server.ledger().KillAllFamilies();
  } else if (name == "kill_family_of" && text.has_value()) {
    if (!server.ledger().KillFamilyOf(*text)) return Wrong(name, "a token issued here");
  } else {
    return Wrong(name, "a known member of the right type");
  }
  server.ledger().set_policy(policy);
  return absl::OkStatus();
}

}  // namespace

std::optional<Consent> ParseConsent(std::string_view text) { return ByName(kConsents, text); }

absl::StatusOr<TokenPolicy> ParseRotation(std::string_view text) {
  TokenPolicy policy;
  const size_t colon = std::min(text.find(':'), text.size());
  const auto rotation = ByName(kRotations, text.substr(0, colon));
  const std::string_view seconds = text.substr(std::min(colon + 1, text.size()));
  const bool wants_seconds = rotation == Rotation::kGrace;
  const bool is_number = !seconds.empty() && seconds.size() <= 6 &&
                         seconds.find_first_not_of("0123456789") == std::string_view::npos;
  if (!rotation.has_value() || wants_seconds != is_number || (!wants_seconds && colon != text.size())) {
    return Wrong("rotation", "none, keeps_old, strict or grace:SECONDS");
  }
  policy.rotation = *rotation;
  if (wants_seconds) policy.grace = std::chrono::seconds(std::stoi(std::string(seconds)));
  return policy;
}

ServerReply AuthorizationServer::ShowStats() const {
  const ProviderStats stats = Stats();
  json::array families;
  for (const FamilyStats& family : stats.families) families.push_back(Describe(family));
  json::array log;
  for (const TokenRequestRecord& record : stats.log) log.push_back(Describe(record));
  json::array revocations;
  for (const RevocationRecord& record : stats.revocations) revocations.push_back(Describe(record));
  return JsonReply(200, json::serialize(json::object{
                            {"authorization_requests", stats.authorization_requests},
                            {"token_requests", stats.token_requests},
                            {"code_requests", stats.code_requests},
                            {"refresh_requests", stats.refresh_requests},
                            {"tokens_granted", stats.tokens_granted},
                            {"faults_injected", stats.faults_injected},
                            {"revocation_requests", stats.revocation_requests},
                            {"resource_requests", stats.resource_requests},
                            {"reuse_detections", stats.reuse_detections},
                            {"code_replays", stats.code_replays},
                            {"live_families", stats.live_families},
                            {"families", std::move(families)},
                            {"log", std::move(log)},
                            {"revocations", std::move(revocations)},
                        }) + "\n");
}

ServerReply AuthorizationServer::Control(const ServerRequest& request) {
  const auto refuse = [](std::string_view message) {
    return JsonReply(400, json::serialize(json::object{{"error", message}}) + "\n");
  };
  // A page in a browser cannot send this type to another origin without asking first.
  if (!request.content_type.starts_with("application/json"))
    return refuse("the body must be application/json");
  boost::system::error_code error;
  const json::value body = json::parse(request.body, error);
  if (error || !body.is_object()) return refuse("the body must be a JSON object");
  for (const auto& member : body.get_object()) {
    const absl::Status status = Apply(*this, {member.key().data(), member.key().size()}, member.value());
    if (!status.ok()) return refuse({status.message().data(), status.message().size()});
  }
  return JsonReply(200, "{}\n");
}

}  // namespace grantkeep::practice
