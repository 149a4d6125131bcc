// SPDX-License-Identifier: Apache-2.0
#include "tests/demo/house.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "client/address.h"
#include "crypto/random.h"

namespace grantkeep::demo {
namespace {

using practice::ClientAuth;
using practice::PracticeProvider;
using practice::ProviderOptions;

void WriteFile(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path);
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  file << content;
}

absl::StatusOr<std::unique_ptr<PracticeProvider>> StartProvider(const HouseOptions& options,
                                                                const std::string& client_secret) {
  ProviderOptions wanted;
  wanted.port = options.port;
  wanted.consent = options.consent;
  wanted.tokens.access_token_lifetime = options.access_token_lifetime;
  wanted.clients = {{"practice-basic", client_secret, ClientAuth::kBasic, {"http://127.0.0.1/callback"}}};
  auto provider = PracticeProvider::Start(wanted);
  if (provider.ok() || options.port == 0) return provider;
  wanted.port = 0;
  return PracticeProvider::Start(wanted);
}

std::string Configuration(const std::string& issuer, const std::filesystem::path& secret_file) {
  return fmt::format(
      "providers:\n"
      "  - id: practice\n"
      "    display_name: Practice provider\n"
      "    kind: oauth\n"
      "    issuer: {}\n"
      "    client_authentication: client_secret_basic\n"
      "    default_scopes: [read, write]\n"
      "    rotation: strict\n"
      "    client:\n"
      "      client_id: practice-basic\n"
      "      client_secrets:\n"
      "        - file: {}\n"
      "    redirect_uris: [\"http://127.0.0.1/callback\"]\n"
      "  - id: discord\n"
      "    catalogue: discord\n",
      issuer, secret_file.string());
}

}  // namespace

absl::StatusOr<House> Open(const HouseOptions& options) {
  const std::filesystem::path data =
      options.data.empty() ? std::filesystem::path(client::DevelopmentFolder()) : options.data;
  if (const auto owner = OwnerOf(data); owner.has_value()) {
    return absl::UnavailableError(
        fmt::format("already running as process {}: stop it, or ./dev run --data-dir DIR", *owner));
  }
  SystemRandom random;
  const std::string client_secret = RandomToken(random, 24);
  auto provider = StartProvider(options, client_secret);
  if (!provider.ok()) return provider.status();
  const std::filesystem::path secret_file = options.folder / "client_secret";
  WriteFile(secret_file, client_secret + "\n");
  WriteFile(options.folder / "grantkeepd.yaml", Configuration((*provider)->issuer(), secret_file));
  std::filesystem::create_directory(LogFile(options.folder).parent_path());
  const std::filesystem::path ready_file = options.folder / "ready";
  std::vector<std::string> arguments = {"--dev", "--config", options.folder / "grantkeepd.yaml",
                                        "--ready-file", ready_file};
  if (!options.data.empty()) arguments.insert(arguments.end(), {"--data-dir", options.data});
  auto daemon = Daemon::Start(arguments, ready_file,
                              options.log_to_file ? LogFile(options.folder) : std::filesystem::path());
  if (!daemon.ok()) return daemon.status();
  std::string address = testing::ReadFile(ready_file);
  address.resize(std::min(address.size(), address.find('\n')));
  return House{.provider = std::move(*provider), .daemon = std::move(*daemon), .address = std::move(address)};
}

}  // namespace grantkeep::demo
