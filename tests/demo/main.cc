// SPDX-License-Identifier: Apache-2.0
// What ./dev demo and ./dev run start.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "grantkeep/client.h"
#include "tests/demo/house.h"
#include "tests/demo/narrator.h"
#include "tests/demo/walk.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::demo {
namespace {

using std::chrono::steady_clock;

// The practice provider's port with --stay, so that a browser finds it where it was.
constexpr uint16_t kPracticePort = 7480;

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

// As the reader would type it from here.
std::string ProgramPath(const std::string& name) {
  const std::filesystem::path path = ProgramFolder() / name;
  const std::filesystem::path relative = std::filesystem::relative(path);
  return relative.string().starts_with("..") ? path.string() : relative.string();
}

std::string LastLines(const std::filesystem::path& path, size_t count) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back("  | " + line + "\n");
  std::string text;
  for (size_t i = lines.size() - std::min(count, lines.size()); i < lines.size(); ++i) text += lines[i];
  return text;
}

// From here on a signal ends the daemon, removes the folder and ends this process.
void CleanUpOnSignal(const testing::TempDir& folder, std::shared_ptr<Daemon> daemon) {
  std::thread([&folder, daemon = std::move(daemon)] {
    const sigset_t signals = EndingSignals();
    int signal = 0;
    sigwait(&signals, &signal);
    daemon->Stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder.path(), ignored);
    _exit(128 + signal);
  }).detach();
}

int Demo(const Narrator& narrator) {
  static const testing::TempDir folder;
  const std::filesystem::path data = folder.path() / "data";
  narrator.Title("Grantkeep keeps the credentials that AI agents act with. One walk through it:");
  const auto begin = steady_clock::now();
  auto house = Open({.folder = folder.path(), .data = data});
  absl::Status status = house.status();
  if (status.ok()) {
    CleanUpOnSignal(folder, house->daemon);
    narrator.Step("Start", "grantkeepd --dev, and an OAuth provider to practise on",
                  steady_clock::now() - begin);
    status = Walk(narrator, *house, folder.path(), data);
  }
  if (!status.ok()) {
    narrator.Failure(std::string(status.message()));
    fmt::print(stderr, "The daemon's last lines:\n{}", LastLines(LogFile(folder.path()), 15));
    return 1;
  }
  narrator.Line(fmt::format("\n  All of it in {}. Next:\n", Readable(steady_clock::now() - begin)));
  narrator.Command("./dev run", "keeps both running here; then, in another terminal:");
  narrator.Command(ProgramPath("grantkeep") + " login practice", "sign in yourself, in the browser");
  narrator.Command(ProgramPath("grantkeep") + " --help", "everything else it can do");
  narrator.Line("");
  return 0;
}

void ShowHouse(const Narrator& narrator, const House& house) {
  const std::string grantkeep = ProgramPath("grantkeep");
  narrator.Title("Grantkeep is running, with an OAuth provider to practise on.");
  narrator.Line(fmt::format("  grantkeepd         {}", house.address));
  narrator.Line(fmt::format("  practice provider  {} (tokens live five minutes)", house.provider->issuer()));
  narrator.Line("\n  In another terminal:\n");
  if (house.address != DefaultAddress()) narrator.Command("export GRANTKEEP_ADDRESS=" + house.address, "");
  narrator.Command(grantkeep + " login practice", "prints a grant id");
  narrator.Command(grantkeep + " token GRANT", "an access token that is good now");
  narrator.Command(grantkeep + " secret put bot", "asks for the value");
  narrator.Command(grantkeep + " secret get bot", "");
  narrator.Line("\n  Ctrl-C ends both.\n");
}

// Runs until a signal ends it, or the daemon ends by itself.
int Stay(const Narrator& narrator, const std::string& data, bool consent_page) {
  const testing::TempDir folder;
  auto house = Open({.folder = folder.path(),
                     .data = data,
                     .consent = consent_page ? practice::Consent::kPage : practice::Consent::kAllow,
                     .port = kPracticePort,
                     .access_token_lifetime = std::chrono::minutes(5),
                     .log_to_file = false});
  if (!house.ok()) {
    narrator.Failure(std::string(house.status().message()));
    return 1;
  }
  ShowHouse(narrator, *house);
  sigset_t signals = EndingSignals();
  sigaddset(&signals, SIGCHLD);
  int signal = 0;
  do {
    sigwait(&signals, &signal);
    if (signal == SIGCHLD && house->daemon->Ended()) {
      narrator.Failure("grantkeepd has ended");
      return 1;
    }
  } while (signal == SIGCHLD);
  return house->daemon->Stop() ? 0 : 1;
}

int Main(int argc, char** argv) {
  bool stay = false;
  std::string data;
  std::string consent = "page";
  CLI::App app("Walks through what Grantkeep does, against a practice OAuth provider.", "grantkeep-demo");
  app.add_flag("--stay", stay, "Instead, run daemon and provider until Ctrl-C");
  app.add_option("--data-dir", data, "With --stay: the daemon's data (default: that of grantkeepd --dev)");
  app.add_option("--consent", consent, "With --stay: page (ask a person) or allow")
      ->check(CLI::IsMember({"page", "allow"}));
  CLI11_PARSE(app, argc, argv);
  // gRPC would write about its sockets into the story.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  // A reader of the story who leaves early must not keep the folder from being removed.
  signal(SIGPIPE, SIG_IGN);
  // Before the first thread, so that all of them inherit it.
  sigset_t signals = EndingSignals();
  if (stay) sigaddset(&signals, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Narrator narrator;
  try {
    return stay ? Stay(narrator, data, consent == "page") : Demo(narrator);
  } catch (const std::exception& error) {
    narrator.Failure(error.what());
    return 1;
  }
}

}  // namespace
}  // namespace grantkeep::demo

int main(int argc, char** argv) { return grantkeep::demo::Main(argc, argv); }
