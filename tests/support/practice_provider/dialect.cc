// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/dialect.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "tests/support/practice_provider/authorization_server.h"

namespace grantkeep::practice {
namespace {

namespace json = boost::json;

std::variant<Form, OAuthError> ReadJson(const ServerRequest& request) {
  boost::system::error_code failed;
  const json::value body = json::parse(request.body, failed);
  if (!request.content_type.starts_with("application/json") || failed || !body.is_object()) {
    return OAuthError{"invalid_request", "the body must be a JSON object"};
  }
  Form form;
  for (const auto& member : body.get_object()) {
    if (!member.value().is_string()) return OAuthError{"invalid_request", "every member must be a string"};
    form.Add(std::string(member.key()), std::string(member.value().get_string()));
  }
  return form;
}

std::string SlackError(const std::string& error, bool refresh) {
  if (error == "invalid_client") return "bad_client_secret";
  if (error == "invalid_grant") return refresh ? "invalid_refresh_token" : "invalid_code";
  return error;
}

json::object InSlack(json::object body, bool refresh) {
  if (const json::value* error = body.if_contains("error"); error != nullptr) {
    return {{"ok", false}, {"error", SlackError(std::string(error->as_string()), refresh)}};
  }
  if (json::value* scope = body.if_contains("scope"); scope != nullptr) {
    std::replace(scope->as_string().begin(), scope->as_string().end(), ' ', ',');
  }
  body["token_type"] = "user";
  if (refresh) {
    body["ok"] = true;
    return body;
  }
  body["id"] = "U1";
  return {{"ok", true}, {"team", {{"id", "T1"}}}, {"authed_user", std::move(body)}};
}

json::object InNotion(json::object body) {
  if (body.contains("error")) return body;
  body.erase("expires_in");
  body.erase("scope");
  body.emplace("refresh_token", nullptr);
  return body;
}

}  // namespace

std::vector<std::string> RequestedScopes(Dialect dialect, const Form& query) {
  if (dialect == Dialect::kNotion) return {};
  if (dialect == Dialect::kRfc6749) return SplitWords(query.Get("scope").value_or(""));
  std::string scopes = query.Get("user_scope").value_or("");
  std::replace(scopes.begin(), scopes.end(), ',', ' ');
  return SplitWords(scopes);
}

std::variant<Form, OAuthError> ReadTokenRequest(Dialect dialect, const ServerRequest& request) {
  return dialect == Dialect::kNotion ? ReadJson(request) : ReadForm(request);
}

ServerReply Translate(Dialect dialect, std::string_view grant_type, ServerReply reply) {
  const bool refused = reply.status == 400 || reply.status == 401;
  if (dialect == Dialect::kRfc6749 || (reply.status != 200 && !refused)) return reply;
  boost::system::error_code failed;
  json::value body = json::parse(reply.body, failed);
  if (failed || !body.is_object()) return reply;
  if (dialect == Dialect::kNotion) {
    reply.body = json::serialize(InNotion(std::move(body.as_object())));
  } else {
    reply.body = json::serialize(InSlack(std::move(body.as_object()), grant_type == "refresh_token"));
    reply.status = 200;
  }
  return reply;
}

}  // namespace grantkeep::practice
