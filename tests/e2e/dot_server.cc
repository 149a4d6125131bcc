// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/dot_server.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "base/status_macros.h"

namespace grantkeep::testing {

absl::StatusOr<std::unique_ptr<DotServer>> DotServer::Start(std::chrono::seconds grace,
                                                            std::chrono::seconds access_token_lifetime) {
  auto server = std::unique_ptr<DotServer>(new DotServer);
  const ChildProcess::Options options = {
      .command = {PYTHON, DOT_SERVER, server->dir_.path().string()},
      .environment = {{"DOT_GRACE_SECONDS", std::to_string(grace.count())},
                      {"DOT_ACCESS_TOKEN_LIFETIME", std::to_string(access_token_lifetime.count())}},
      .output = server->dir_ / "output"};
  ASSIGN_OR_RETURN(server->process_, ChildProcess::Start(options));
  const auto ready_file = server->dir_ / "ready.json";
  if (absl::Status ready = server->process_->WaitForFile(ready_file, std::chrono::seconds(60)); !ready.ok()) {
    return absl::UnavailableError(
        fmt::format("django-oauth-toolkit has not started:\n{}", ReadFile(server->dir_ / "output")));
  }
  const auto ready = boost::json::parse(ReadFile(ready_file)).as_object();
  const auto text = [&](const char* name) { return std::string(ready.at(name).as_string().c_str()); };
  server->base_ = fmt::format("http://127.0.0.1:{}", ready.at("port").as_int64());
  server->username_ = text("username");
  server->password_ = text("password");
  server->client_id_ = text("client_id");
  server->client_secret_ = text("client_secret");
  return server;
}

std::string DotServer::Decide(Browser& browser, const std::string& authorization_url, bool allow) const {
  Page page = browser.Get(authorization_url);
  if (page.location.starts_with(base_ + "/accounts/login/")) {
    page = browser.Get(page.location);
    auto login = page.FormFields();
    login["username"] = username_;
    login["password"] = password_;
    page = browser.Post(page.url, login);
    page = browser.Get(page.location);
  }
  // A request that the server refuses goes back to the client without a page.
  if (page.status != 200) return page.location;
  auto consent = page.FormFields();
  if (!allow) consent.erase("allow");
  return browser.Post(page.url, consent).location;
}

Page DotServer::PostToken(std::map<std::string, std::string> fields) const {
  fields["client_id"] = client_id_;
  fields["client_secret"] = client_secret_;
  Browser client;
  return client.Post(token_endpoint(), fields);
}

}  // namespace grantkeep::testing
