// SPDX-License-Identifier: Apache-2.0
#include "daemon/redis_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "crypto/secret.h"

namespace grantkeep {
namespace {

constexpr size_t kMaxPassword = 4096;

enum class Whose { kEverybodys, kOurs };

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

// What OpenSSL says of its last failure, which it forgets.
std::string WhatOpenSslSays() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "cannot be used" : reason;
}

class RedisFiles {
 public:
  RedisFiles(const RedisSettings& redis, std::string_view field, Problems& missing)
      : options_(redis.options),
        any_mode_(redis.files_are_mounted_secrets),
        field_(field),
        missing_(missing),
        context_(SSL_CTX_new(TLS_client_method())) {
    if (context_ == nullptr) throw std::bad_alloc();
    // A key that is encrypted is refused, not asked for its passphrase.
    SSL_CTX_set_default_passwd_cb(context_.get(), [](char*, int, int, void*) { return -1; });
  }

  void Check() {
    CheckPassword("password_file", options_.password_file);
    CheckPassword("sentinel_password_file", options_.sentinel_password_file);
    CheckAuthorities();
    CheckCertificate();
  }

 private:
  void Missing(std::string_view name, const std::string& path, std::string_view what) {
    missing_.push_back(fmt::format("{}.{}: {}: {}", field_, name, path, what));
  }

  // Up to `limit` bytes; nothing, and a problem, unless it is a file that can be read and that only its
  // owner may read.
  std::optional<Secret> Read(std::string_view name, const std::string& path, Whose whose, size_t limit) {
    // Without O_NONBLOCK a FIFO in the place of the file would stop the start.
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
      Missing(name, path, fmt::format("cannot be opened: {}", std::strerror(errno)));
      return std::nullopt;
    }
    struct stat info{};
    const bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    Secret content = Secret::OfSize(regular ? limit : 0);
    const ssize_t size = regular ? read(fd, content.Mutable().data(), content.size()) : 0;
    const int error = errno;
    close(fd);
    const mode_t mode = info.st_mode & 07777;
    if (!regular) {
      Missing(name, path, "is not a regular file");
    } else if (size < 0) {
      Missing(name, path, fmt::format("cannot be read: {}", std::strerror(error)));
    } else if (whose == Whose::kOurs && !any_mode_ && (mode & ~static_cast<mode_t>(0600)) != 0) {
      Missing(name, path,
              fmt::format("mode {:04o} is wider than 0600: run chmod 600 {}, or set "
                          "{}.files_are_mounted_secrets if the platform mounts it so",
                          mode, path, field_));
    } else {
      content.Truncate(static_cast<size_t>(size));
      return content;
    }
    return std::nullopt;
  }

  bool CanBeRead(std::string_view name, const std::string& path, Whose whose) {
    return Read(name, path, whose, 1).has_value();
  }

  void CheckPassword(std::string_view name, const std::string& path) {
    if (path.empty()) return;
    const std::optional<Secret> content = Read(name, path, Whose::kOurs, kMaxPassword + 1);
    if (!content.has_value()) return;
    std::string_view password = content->Expose();
    if (password.size() > kMaxPassword) {
      return Missing(name, path, fmt::format("has more than {} bytes", kMaxPassword));
    }
    if (password.ends_with('\n')) password.remove_suffix(1);
    if (password.empty()) Missing(name, path, "is empty");
  }

  void CheckAuthorities() {
    const std::string& path = options_.ca_file;
    if (path.empty() || !CanBeRead("tls.ca_file", path, Whose::kEverybodys)) return;
    if (SSL_CTX_load_verify_file(context_.get(), path.c_str()) == 1) return;
    Missing("tls.ca_file", path, fmt::format("has no certificate that can be read ({})", WhatOpenSslSays()));
  }

  void CheckCertificate() {
    const std::string& certificate = options_.certificate_file;
    const std::string& key = options_.private_key_file;
    if (certificate.empty() || key.empty()) return;
    bool usable = CanBeRead("tls.certificate_file", certificate, Whose::kEverybodys);
    if (usable && SSL_CTX_use_certificate_chain_file(context_.get(), certificate.c_str()) != 1) {
      Missing("tls.certificate_file", certificate,
              fmt::format("has no certificate that can be used ({})", WhatOpenSslSays()));
      usable = false;
    }
    if (!CanBeRead("tls.private_key_file", key, Whose::kOurs)) return;
    if (SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) == 1) return;
    // OpenSSL compares them as soon as it has both.
    const bool differ = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                        ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
    const std::string what = WhatOpenSslSays();
    if (usable && differ) {
      return Missing("tls.private_key_file", key, fmt::format("is not the key of {}", certificate));
    }
    Missing("tls.private_key_file", key,
            fmt::format("has no key that can be used without a passphrase ({})", what));
  }

  const RedisOptions& options_;
  const bool any_mode_;
  const std::string_view field_;
  Problems& missing_;
  const Context context_;
};

}  // namespace

void CheckRedisFiles(const RedisSettings& redis, std::string_view field, Problems& missing) {
  RedisFiles(redis, field, missing).Check();
}

}  // namespace grantkeep
