// SPDX-License-Identifier: Apache-2.0
// The `grantkeep` command.
#include <cstdlib>

#include "client/cli/run.h"

int main(int argc, char** argv) {
  // gRPC would write about its sockets into our standard error.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  return grantkeep::cli::RunCommandLine({argv + 1, argv + argc}, grantkeep::cli::Console());
}
