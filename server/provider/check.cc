// SPDX-License-Identifier: Apache-2.0
#include "provider/check.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/reason.h"
#include "config/yaml.h"
#include "config/yaml_tree.h"
#include "grantkeep/config/v1/config.pb.h"
#include "provider/provider.h"
#include "provider/record.h"

namespace grantkeep {
namespace {

using config::v1::Config;

// A configuration has at least one of its own keys at the top; none of them is a provider's.
bool IsConfiguration(std::string_view text) {
  const auto tree = ParseYamlTree(text);
  const auto* root = std::get_if<YamlNode>(&tree);
  if (root == nullptr) return true;
  return std::ranges::any_of(root->entries, [](const YamlEntry& entry) {
    return Config::descriptor()->FindFieldByName(entry.key.scalar) != nullptr;
  });
}

bool IsUnder(std::string_view path, std::string_view group) {
  return path == group ||
         (path.starts_with(group) && (path[group.size()] == '.' || path[group.size()] == '['));
}

class Checker {
 public:
  Checker(const YamlReport& report, bool development) : report_(report), development_(development) {
    for (const YamlReport::Problem& problem : report.problems) {
      checked_.problems.push_back({.line = problem.line, .path = problem.path, .what = problem.what});
    }
  }

  // `path`: where the record stands; empty for the document itself.
  void Check(config::v1::Provider record, const std::string& path) {
    index_ = checked_.providers++;
    // A field that could not be read would be called missing.
    if (std::ranges::any_of(report_.problems, [&](const auto& problem) {
          return path.empty() || IsUnder(problem.path, path);
        })) {
      checked_.unusable.insert(index_);
      return;
    }
    absl::StatusOr<config::v1::Provider> over = Catalogue::OverBuiltIn(std::move(record));
    if (!over.ok()) return Note(path, over.status());
    record = *std::move(over);
    FillDefaults(record);
    for (const absl::Status& problem : ProblemsOf(record, development_)) Note(path, problem);
    if (!ids_.insert(record.id()).second) Note(path, "id", fmt::format("'{}' is given twice", record.id()));
    CheckIssuer(record, path);
    CheckMixUpDefence(record, path);
    // Development allows those of this machine without being told.
    if (record.kind() == config::v1::PROVIDER_KIND_OAUTH && record.redirect_uris().empty() && !development_ &&
        !checked_.unusable.contains(index_)) {
      Note(path, "redirect_uris", "is missing: nobody can sign in", true);
    }
  }

  CheckedProviders Take() {
    std::ranges::sort(checked_.problems, {},
                      [](const ProviderProblem& problem) { return std::tie(problem.line, problem.path); });
    return std::move(checked_);
  }

 private:
  void Note(const std::string& path, const absl::Status& problem) {
    const std::string field = FieldOf(problem).value_or("");
    std::string_view what(problem.message().data(), problem.message().size());
    if (what.starts_with(field + ": ")) what.remove_prefix(field.size() + 2);
    Note(path, field, what);
  }

  void Note(const std::string& path, const std::string& field, std::string_view what, bool warning = false) {
    const std::string where = path.empty() ? field : fmt::format("{}.{}", path, field);
    checked_.problems.push_back({report_.lines.LineOf(where), where, std::string(what), index_, warning});
    if (!warning) checked_.unusable.insert(index_);
  }

  // Each issuer identifier belongs to one authorization server (RFC 9207 section 4).
  void CheckIssuer(const config::v1::Provider& record, const std::string& path) {
    if (record.issuer().empty()) return;
    const auto& first = by_issuer_.try_emplace(record.issuer(), record).first->second;
    if (first.authorization_endpoint() == record.authorization_endpoint() &&
        first.token_endpoint() == record.token_endpoint()) {
      return;
    }
    Note(path, "issuer", fmt::format("is also that of '{}', which has different endpoints", first.id()));
  }

  // Without `iss` on callbacks only a redirect URI of its own tells a server's responses from another's
  // (RFC 9700 section 4.4.2.2). A discovered server without it is refused at StartAuth.
  void CheckMixUpDefence(const config::v1::Provider& record, const std::string& path) {
    const bool silent = !record.token_endpoint().empty() && !record.iss_parameter_supported();
    for (int i = 0; i < record.redirect_uris_size(); ++i) {
      const auto& first = by_redirect_uri_.try_emplace(record.redirect_uris(i), record.id()).first->second;
      if (!silent || first == record.id()) continue;
      Note(path, fmt::format("redirect_uris[{}]", i),
           fmt::format(
               "is also that of '{}', and callbacks of this provider need not have iss: give it one of "
               "its own",
               first),
           true);
    }
    const std::string& url = record.token_endpoint();
    const bool many_hosts = url.substr(0, url.find('/', url.find("://") + 3)).find('{') != std::string::npos;
    if (silent && many_hosts && !record.redirect_uris().empty()) {
      Note(path, "iss_parameter_supported",
           "is not set: callbacks do not tell one customer's server from another's; allow none but hosts of "
           "one provider",
           true);
    }
  }

  const YamlReport& report_;
  const bool development_;
  CheckedProviders checked_;
  int index_ = 0;
  std::set<std::string> ids_;
  std::map<std::string, config::v1::Provider> by_issuer_;
  std::map<std::string, std::string> by_redirect_uri_;
};

// What a record of the catalogue leaves to the configuration.
void CompleteCatalogueRecord(const std::string& name, config::v1::Provider& record) {
  if (record.id().empty()) record.set_id(name);
  if (record.has_client() || !record.catalogue().empty() ||
      record.kind() == config::v1::PROVIDER_KIND_STATIC) {
    return;
  }
  record.mutable_client()->set_client_id("client");
  if (record.client_authentication() != config::v1::CLIENT_AUTHENTICATION_NONE) {
    record.mutable_client()->add_client_secrets()->set_env("CLIENT_SECRET");
  }
  if (record.redirect_uris().empty()) record.add_redirect_uris("http://127.0.0.1/callback");
}

}  // namespace

CheckedProviders CheckProviders(std::string_view text, const std::string& name, bool development) {
  const bool configuration = IsConfiguration(text);
  Config config;
  config::v1::Provider single;
  const YamlReport report = configuration ? ReadWholeYaml(text, config) : ReadWholeYaml(text, single);
  if (configuration) return CheckReadProviders(config, report, development);
  Checker checker(report, development);
  CompleteCatalogueRecord(name, single);
  checker.Check(std::move(single), "");
  return checker.Take();
}

CheckedProviders CheckReadProviders(const Config& config, const YamlReport& report, bool development) {
  Checker checker(report, development);
  for (int i = 0; i < config.providers_size(); ++i) {
    checker.Check(config.providers(i), fmt::format("providers[{}]", i));
  }
  CheckedProviders checked = checker.Take();
  checked.configuration = true;
  return checked;
}

}  // namespace grantkeep
