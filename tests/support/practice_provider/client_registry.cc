// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/client_registry.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "crypto/digest.h"

namespace grantkeep::practice {
namespace {

struct Credentials {
  std::string id;
  std::string secret;
  ClientAuth auth;
};

// Id and secret of an HTTP Basic header, form-decoded as RFC 6749 section 2.3.1 asks.
std::optional<Credentials> ReadBasic(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (!authorization.starts_with(kScheme)) return std::nullopt;
  std::string text(authorization.substr(kScheme.size()));
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  const auto pair = Base64UrlDecode(text);
  if (!pair.has_value()) return std::nullopt;
  const size_t colon = pair->find(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto id = FormDecode(std::string_view(*pair).substr(0, colon));
  const auto secret = FormDecode(std::string_view(*pair).substr(colon + 1));
  if (!id.has_value() || !secret.has_value()) return std::nullopt;
  return Credentials{*id, *secret, ClientAuth::kBasic};
}

// "http://127.0.0.1:41234/callback" without its port, for a loopback IP literal; else as it is.
std::string WithoutLoopbackPort(std::string_view uri) {
  for (const std::string_view origin : {"http://127.0.0.1", "http://[::1]"}) {
    if (!uri.starts_with(origin)) continue;
    std::string_view rest = uri.substr(origin.size());
    if (!rest.starts_with(':')) break;
    rest.remove_prefix(1);
    const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0 || digits > 5) break;
    return std::string(origin) + std::string(rest.substr(digits));
  }
  return std::string(uri);
}

bool HasSecret(const Client& client, std::string_view secret) {
  bool found = ConstantTimeEquals(client.secret, secret);
  for (const std::string& further : client.further_secrets) found |= ConstantTimeEquals(further, secret);
  return found;
}

}  // namespace

bool Client::AllowsRedirectUri(std::string_view uri) const {
  return std::any_of(redirect_uris.begin(), redirect_uris.end(), [&](const std::string& registered) {
    return registered == uri || registered == WithoutLoopbackPort(uri);
  });
}

const Client* ClientRegistry::Find(std::string_view id) const {
  const auto found =
      std::find_if(clients_.begin(), clients_.end(), [&](const Client& client) { return client.id == id; });
  return found == clients_.end() ? nullptr : &*found;
}

bool ClientRegistry::SetSecrets(std::string_view id, std::vector<std::string> secrets) {
  const auto client =
      std::find_if(clients_.begin(), clients_.end(), [&](const Client& each) { return each.id == id; });
  if (client == clients_.end() || client->auth == ClientAuth::kNone || secrets.empty()) return false;
  client->secret = std::move(secrets.front());
  secrets.erase(secrets.begin());
  client->further_secrets = std::move(secrets);
  return true;
}

std::variant<const Client*, OAuthError> ClientRegistry::Authenticate(std::string_view authorization,
                                                                     const Form& body) const {
  const auto body_id = body.Get("client_id");
  const auto body_secret = body.Get("client_secret");
  std::optional<Credentials> credentials;
  if (!authorization.empty()) {
    credentials = ReadBasic(authorization);
    if (!credentials.has_value()) return OAuthError{"invalid_client", "malformed Authorization header"};
    if (body_secret.has_value()) return OAuthError{"invalid_request", "two ways of client authentication"};
    if (body_id.has_value() && *body_id != credentials->id) {
      return OAuthError{"invalid_request", "client_id differs from the Authorization header"};
    }
  } else if (body_id.has_value()) {
    const ClientAuth auth = body_secret.has_value() ? ClientAuth::kPost : ClientAuth::kNone;
    credentials = Credentials{*body_id, body_secret.value_or(""), auth};
  } else {
    return OAuthError{"invalid_client", "no client authentication"};
  }

  const Client* client = Find(credentials->id);
  if (client == nullptr || client->auth != credentials->auth || !HasSecret(*client, credentials->secret)) {
    return OAuthError{"invalid_client", "unknown client, wrong secret or wrong method of authentication"};
  }
  return client;
}

}  // namespace grantkeep::practice
