// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_SECRET_SOURCES_H_
#define GRANTKEEP_DAEMON_SECRET_SOURCES_H_

#include "provider/provider.h"
#include "vault/static_secrets.h"

namespace grantkeep {

// Reads secrets where references point: environment variables, files of at most 64 KiB (without
// one trailing newline) and static secrets of `vault`, which must outlive the resolver. Everything
// is read anew each time, so that a rotated file is seen. kClientMisconfigured when the secret is
// not there or empty; the message names the reference.
SecretResolver ReadSecretsFrom(StaticSecrets& vault);

// Whether an environment variable or a file that `reference` names can be read now, with the same
// messages. References to the vault are not looked at.
absl::Status CheckSecretSource(const config::v1::SecretReference& reference);

// For checking a configuration: knows no secret.
SecretResolver NoSecrets();

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_SECRET_SOURCES_H_
