// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "client/cli/colours.h"
#include "client/cli/commands.h"
#include "client/cli/findings.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

using Level = Finding::Level;

Finding NotConnected(const Context& context, const absl::Status& status) {
  const CallError error = CallError::From(status);
  if (error.code == absl::StatusCode::kUnimplemented) {
    return {Level::kFail, "daemon", "it answers, but cannot say how it is",
            "the daemon is older than this command: install the same version of both"};
  }
  // A failure to connect names the address.
  const bool named = error.message.starts_with("cannot connect to ");
  return {Level::kFail, "daemon",
          named ? error.message : fmt::format("{}: {}", context.client.address(), error.message),
          AdviceFor(error, context.Trying("ask the daemon"))};
}

Finding NoAddress(const LocalContext& context, const absl::Status& status) {
  return {Level::kFail, "address", AddressError(context.globals, status).message,
          "say where the daemon listens with --address or $GRANTKEEP_ADDRESS; without both it is the socket "
          "of grantkeepd --dev"};
}

bool IsFailure(const Finding& finding) { return finding.level == Level::kFail; }

std::vector<Finding> ExamineDaemon(const Context& context) {
  std::vector<Finding> findings = TransportFindings(context.client.address());
  // Without a socket that can be used there is nothing to call.
  const auto is_socket = [](const Finding& finding) {
    return finding.check == "socket" && IsFailure(finding);
  };
  if (std::ranges::any_of(findings, is_socket)) return findings;
  v1::GetServerStatusRequest request;
  request.set_check_providers(true);
  const auto status = context.client.GetServerStatus(request);
  if (!status.ok()) {
    findings.push_back(NotConnected(context, status.status()));
    return findings;
  }
  const std::vector<Finding> told = FindingsIn(*status, GRANTKEEP_VERSION, std::chrono::system_clock::now());
  findings.insert(findings.end(), told.begin(), told.end());
  return findings;
}

std::vector<Finding> Examine(const LocalContext& local) {
  const auto client = Client::Create({.address = local.globals.address, .timeout = local.globals.timeout});
  if (!client.ok()) return {NoAddress(local, client.status())};
  return ExamineDaemon(Context(local.console, local.globals, **client));
}

std::string InColour(const Colours& colours, Level level) {
  const std::string name = fmt::format("{:<4}", LevelName(level));
  return level == Level::kOk     ? colours.Good(name)
         : level == Level::kWarn ? colours.Doubtful(name)
                                 : colours.Bad(name);
}

std::string AsText(const std::vector<Finding>& findings, const Colours& colours) {
  size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, Printable(finding.check).size());
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{}  {:<{}}  {}\n", InColour(colours, finding.level), Printable(finding.check), width,
                        Printable(finding.message));
    if (!finding.next.empty())
      text += fmt::format("      {:<{}}  next: {}\n", "", width, Printable(finding.next));
  }
  return text;
}

std::string AsJson(const std::vector<Finding>& findings, bool ok) {
  boost::json::array checks;
  for (const Finding& finding : findings) {
    checks.push_back({{"check", finding.check},
                      {"level", LevelName(finding.level)},
                      {"message", finding.message},
                      {"next", finding.next}});
  }
  const boost::json::value document = {{"ok", ok}, {"checks", std::move(checks)}};
  return TerminalSafeJson(boost::json::serialize(document)) + "\n";
}

}  // namespace

ExitCode Run(const LocalContext& context, const DoctorArguments&) {
  const std::vector<Finding> findings = Examine(context);
  const bool ok = std::ranges::none_of(findings, IsFailure);
  const ExitCode printed = context.Print(
      context.globals.json ? AsJson(findings, ok) : AsText(findings, Colours(context.console.out)));
  return printed == kOk && !ok ? kFailed : printed;
}

}  // namespace grantkeep::cli
