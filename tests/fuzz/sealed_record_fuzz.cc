// SPDX-License-Identifier: Apache-2.0
// A sealed record as somebody with access to the store may have left it. The first byte chooses:
// the rest is the record, or is laid over a genuine one.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "net/loop.h"
#include "store/sqlite/sqlite_store.h"
#include "vault/root_key.h"
#include "vault/sealed.h"
#include "vault/sealed_format.h"

namespace {

using grantkeep::Key;

constexpr char kPayload[] = "a refresh token";
constexpr grantkeep::Revision kRevision = 7;

// A vault with one genuine record.
struct Vault {
  Vault() {
    grantkeep::SqliteStore::Options options;
    options.path = ":memory:";
    store = grantkeep::SqliteStore::Open(options, clock).value();
    const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                       ("grantkeep-fuzz-" + grantkeep::RandomToken(random, 9) + ".key");
    if (!grantkeep::CreateRootKeyFile(file, random).ok()) abort();
    root = grantkeep::OpenRootKeyFile(file, false, random).value();
    std::filesystem::remove(file);
    records = std::make_unique<grantkeep::SealedRecords>(*store, *root, clock, random);
    boost::asio::io_context loop;
    boost::asio::co_spawn(
        loop, records->Seal(key, kRevision, kPayload, clock.Steady() + std::chrono::seconds(60)),
        [&](const std::exception_ptr&, absl::StatusOr<std::string> sealed) { genuine = sealed.value(); });
    while (genuine.empty()) loop.run_one();
  }

  bool Opens(std::string_view sealed) const {
    const auto opened = records->OpenFromMemory(key, kRevision, sealed);
    return opened.ok() && opened->has_value();
  }

  const Key key = Key::Of(grantkeep::Kind::kGrant, grantkeep::TenantId("t"), "g");
  grantkeep::SystemClock clock;
  grantkeep::SystemRandom random;
  std::unique_ptr<grantkeep::SqliteStore> store;
  std::unique_ptr<grantkeep::KeyWrapper> root;
  std::unique_ptr<grantkeep::SealedRecords> records;
  std::string genuine;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Vault* const vault = new Vault;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) == 0) {
    // Whatever parses is written in one way only, and nobody can make one that opens.
    if (const auto parts = grantkeep::ParseSealed(input);
        parts.has_value() && grantkeep::EncodeSealed(*parts) != input) {
      abort();
    }
    if (vault->Opens(input)) abort();
    return 0;
  }
  std::string altered = vault->genuine;
  for (size_t i = 0; i < input.size() && i < altered.size(); ++i) altered[i] ^= input[i];
  if (input.size() > altered.size()) altered += input.substr(altered.size());
  if (vault->Opens(altered) != (altered == vault->genuine)) abort();
  return 0;
}
