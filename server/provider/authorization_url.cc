// SPDX-License-Identifier: Apache-2.0
#include "provider/authorization_url.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string_view>

#include "provider/form.h"
#include "provider/uri.h"

namespace grantkeep {
namespace {

class Query {
 public:
  explicit Query(const std::string& endpoint) : url_(endpoint) {
    for (std::string& name : QueryParameterNames(endpoint)) names_.insert(std::move(name));
    const size_t question = url_.find('?');
    if (question == std::string::npos) {
      separator_ = "?";
    } else if (question + 1 == url_.size() || url_.ends_with('&')) {
      separator_ = "";
    }
  }

  void Add(const std::string& name, std::string_view value) {
    if (!value.empty() && names_.insert(name).second) Append(name, value);
  }

  void AddSeveral(const std::string& name, const std::vector<std::string>& values) {
    if (!names_.insert(name).second) return;
    for (const std::string& value : values) {
      if (!value.empty()) Append(name, value);
    }
  }

  std::string Take() { return std::move(url_); }

 private:
  void Append(const std::string& name, std::string_view value) {
    url_ += separator_;
    separator_ = "&";
    AppendFormEncoded(url_, name);
    url_ += '=';
    AppendFormEncoded(url_, value);
  }

  std::string url_;
  const char* separator_ = "&";
  std::set<std::string> names_;
};

}  // namespace

std::string BuildAuthorizationUrl(const config::v1::Provider& record, const ServerMetadata& metadata,
                                  const AuthorizationRequest& request) {
  Query query(metadata.authorization_endpoint);
  query.Add("response_type", "code");
  query.Add("client_id", record.client().client_id());
  query.Add("redirect_uri", request.redirect_uri);
  if (record.scope_parameter() != "-") {
    const bool defaults = request.scopes.empty();
    query.Add(record.scope_parameter(),
              defaults ? fmt::format("{}", fmt::join(record.default_scopes(), record.scope_separator()))
                       : fmt::format("{}", fmt::join(request.scopes, record.scope_separator())));
  }
  query.Add("state", request.state);
  if (record.pkce() != config::v1::PKCE_DISABLED) {
    query.Add("code_challenge", request.code_challenge);
    query.Add("code_challenge_method", request.code_challenge.empty() ? "" : "S256");
  }
  query.AddSeveral("resource", request.resource);
  query.Add("login_hint", request.login_hint);
  // In a fixed order, which a protobuf map does not have.
  const std::map<std::string, std::string> fixed(record.authorization_parameters().begin(),
                                                 record.authorization_parameters().end());
  for (const auto& [name, value] : fixed) query.Add(name, value);
  for (const auto& [name, value] : request.extra_params) query.Add(name, value);
  return query.Take();
}

}  // namespace grantkeep
