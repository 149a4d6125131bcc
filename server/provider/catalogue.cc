// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/descriptor.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "config/yaml.h"
#include "config/yaml_scalars.h"
#include "provider/built_in.h"
#include "provider/overlay.h"
#include "provider/provider.h"

namespace grantkeep {
namespace {

using google::protobuf::RepeatedPtrField;
using Records = std::map<std::string, config::v1::Provider>;

// A mistake in a built-in file is a mistake in this program.
Records* ReadBuiltIn() {
  auto* const records = new Records();
  for (const EmbeddedFile& file : EmbeddedCatalogue()) {
    config::v1::Provider& record = (*records)[std::string(file.name)];
    const absl::Status read = ReadYaml(file.text, fmt::format("built-in {}.yaml", file.name), record);
    if (!read.ok()) {
      fmt::print(stderr, "{}\n", std::string(read.message()));
      std::abort();
    }
    record.set_id(std::string(file.name));
  }
  return records;
}

// Each issuer identifier belongs to one authorization server (RFC 9207 section 4).
absl::Status CheckIssuers(const std::map<ProviderId, std::unique_ptr<Provider>>& providers) {
  std::map<std::string, const Provider*> by_issuer;
  for (const auto& [id, provider] : providers) {
    const config::v1::Provider& record = provider->record();
    if (record.issuer().empty()) continue;
    const auto [position, first] = by_issuer.try_emplace(record.issuer(), provider.get());
    const config::v1::Provider& other = position->second->record();
    if (record.authorization_endpoint() != other.authorization_endpoint() ||
        record.token_endpoint() != other.token_endpoint()) {
      return FieldError("providers", fmt::format("'{}' and '{}' have the same issuer but different endpoints",
                                                 other.id(), record.id()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Catalogue>> Catalogue::Create(
    const RepeatedPtrField<config::v1::Provider>& records, const Provider::Dependencies& dependencies) {
  auto catalogue = std::make_unique<Catalogue>();
  for (int i = 0; i < records.size(); ++i) {
    const std::string path = fmt::format("providers[{}]", i);
    absl::StatusOr<config::v1::Provider> record = OverBuiltIn(records[i]);
    if (!record.ok()) return Annotate(record.status(), path);
    absl::StatusOr<std::unique_ptr<Provider>> provider = Provider::Create(*std::move(record), dependencies);
    if (!provider.ok()) return Annotate(provider.status(), path);
    const ProviderId id = (*provider)->id();
    if (!catalogue->providers_.emplace(id, std::move(*provider)).second) {
      return Annotate(FieldError("id", fmt::format("'{}' is given twice", id.value())), path);
    }
  }
  RETURN_IF_ERROR(CheckIssuers(catalogue->providers_));
  return catalogue;
}

Provider* Catalogue::Find(const ProviderId& id) const {
  const auto found = providers_.find(id);
  return found == providers_.end() ? nullptr : found->second.get();
}

std::vector<const Provider*> Catalogue::All() const {
  std::vector<const Provider*> all;
  all.reserve(providers_.size());
  for (const auto& [id, provider] : providers_) all.push_back(provider.get());
  return all;
}

absl::StatusOr<config::v1::Provider> Catalogue::OverBuiltIn(config::v1::Provider record) {
  if (record.catalogue().empty()) return record;
  const auto built_in = BuiltIn().find(record.catalogue());
  if (built_in != BuiltIn().end()) return Overlay(built_in->second, record);
  std::vector<std::string> names;
  for (const auto& [name, unused] : BuiltIn()) names.push_back(name);
  const std::string_view nearest = NearestWord(record.catalogue(), names);
  return FieldError("catalogue",
                    nearest.empty()
                        ? fmt::format("names no built-in provider; there are {}", fmt::join(names, ", "))
                        : fmt::format("names no built-in provider; did you mean {}?", nearest));
}

const std::map<std::string, config::v1::Provider>& Catalogue::BuiltIn() {
  static const Records* const records = ReadBuiltIn();
  return *records;
}

}  // namespace grantkeep
