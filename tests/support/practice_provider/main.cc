// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "crypto/random.h"
#include "tests/support/practice_provider/control.h"
#include "tests/support/practice_provider/provider.h"

namespace {

using grantkeep::practice::Client;
using grantkeep::practice::ClientAuth;
using grantkeep::practice::PracticeProvider;
using grantkeep::practice::ProviderOptions;

struct Flags {
  uint16_t port = 0;
  std::string ready_file;
  std::string client_secret_file;
  std::string rotation = "strict";
  int64_t access_token_lifetime = 3600;
  int64_t latency_ms = 0;
  std::string pkce = "required";
  std::string consent = "page";
};

// Reads the client secret, or makes one and writes it there with mode 0600.
std::string ClientSecret(const std::string& path) {
  if (std::ifstream file(path); file) {
    std::string secret;
    std::getline(file, secret);
    return secret;
  }
  grantkeep::SystemRandom random;
  const std::string secret = grantkeep::RandomToken(random, 24);
  if (!path.empty()) {
    std::ofstream(path).close();
    std::filesystem::permissions(path,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::ofstream(path) << secret << "\n";
  }
  return secret;
}

// Complete from the moment it appears.
void WriteReadyFile(const std::string& path, const std::string& issuer) {
  const std::string unfinished = path + ".new";
  std::ofstream(unfinished) << issuer << "\n";
  std::filesystem::rename(unfinished, path);
}

absl::StatusOr<ProviderOptions> Options(const Flags& flags) {
  auto tokens = grantkeep::practice::ParseRotation(flags.rotation);
  if (!tokens.ok()) return tokens.status();
  ProviderOptions options;
  options.port = flags.port;
  options.tokens = *tokens;
  options.tokens.access_token_lifetime = std::chrono::seconds(flags.access_token_lifetime);
  options.latency = std::chrono::milliseconds(flags.latency_ms);
  options.pkce_required = flags.pkce == "required";
  options.consent = *grantkeep::practice::ParseConsent(flags.consent);
  const std::string secret = ClientSecret(flags.client_secret_file);
  const std::vector<std::string> redirect_uris = {"http://127.0.0.1/callback", "http://[::1]/callback"};
  options.clients = {{"practice-basic", secret, ClientAuth::kBasic, redirect_uris},
                     {"practice-post", secret, ClientAuth::kPost, redirect_uris},
                     {"practice-public", "", ClientAuth::kNone, redirect_uris}};
  return options;
}

int Serve(const Flags& flags) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  auto options = Options(flags);
  auto provider = options.ok() ? PracticeProvider::Start(*options) : options.status();
  if (!provider.ok()) {
    const auto message = provider.status().message();
    fmt::print(stderr, "practice-provider: {}\n", std::string_view(message.data(), message.size()));
    return 1;
  }
  fmt::print("{}\n", (*provider)->issuer());
  std::fflush(stdout);
  if (!flags.ready_file.empty()) WriteReadyFile(flags.ready_file, (*provider)->issuer());
  int signal = 0;
  sigwait(&ending, &signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app(
      "An OAuth 2.1 authorization server on 127.0.0.1 to practise against. It signs in whoever comes: never "
      "use\n"
      "it for anything real. Clients: practice-basic, practice-post and practice-public (by the way they\n"
      "authenticate), with redirect URI http://127.0.0.1/callback on any port. GET /stats shows what it was\n"
      "asked; POST /control changes how it behaves.",
      "practice-provider");
  app.add_option("--port", flags.port, "Port to listen on; 0: a free one")->capture_default_str();
  app.add_option("--ready-file", flags.ready_file,
                 "Appears when requests are answered; holds the issuer URL");
  app.add_option("--client-secret-file", flags.client_secret_file,
                 "Secret of the confidential clients; made when the file does not exist");
  app.add_option("--rotation", flags.rotation, "none, keeps_old, strict or grace:SECONDS")
      ->capture_default_str();
  app.add_option("--access-token-lifetime", flags.access_token_lifetime, "Seconds")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  app.add_option("--latency", flags.latency_ms, "Milliseconds before each answer of the token endpoint")
      ->capture_default_str()
      ->check(CLI::Range(0, 600'000));
  app.add_option("--pkce", flags.pkce, "required or optional")
      ->capture_default_str()
      ->check(CLI::IsMember({"required", "optional"}));
  app.add_option("--consent", flags.consent, "page (ask a person), allow or deny")
      ->capture_default_str()
      ->check(CLI::IsMember({"page", "allow", "deny"}));
  CLI11_PARSE(app, argc, argv);
  try {
    return Serve(flags);
  } catch (const std::exception& error) {
    fmt::print(stderr, "practice-provider: {}\n", error.what());
    return 1;
  }
}
