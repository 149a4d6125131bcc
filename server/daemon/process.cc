// SPDX-License-Identifier: Apache-2.0
#include "daemon/process.h"

#include <google/protobuf/stubs/common.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <sys/resource.h>

#include <string>

#include "telemetry/log.h"

namespace grantkeep {

Signals PrepareProcess() {
  Signals signals;
  sigemptyset(&signals.ends);
  sigaddset(&signals.ends, SIGTERM);
  sigaddset(&signals.ends, SIGINT);
  signals.awaited = signals.ends;
  sigaddset(&signals.awaited, kNewsSignal);
  pthread_sigmask(SIG_BLOCK, &signals.awaited, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  return signals;
}

void RouteLibraryLogs() {
  gpr_set_log_function([](gpr_log_func_args* line) {
    const auto level = line->severity == GPR_LOG_SEVERITY_ERROR  ? spdlog::level::warn
                       : line->severity == GPR_LOG_SEVERITY_INFO ? spdlog::level::debug
                                                                 : spdlog::level::trace;
    Log("grpc").log(level, "{}", line->message);
  });
  // Only "invalid UTF-8 in field x", which the caller is told as well.
  google::protobuf::SetLogHandler([](google::protobuf::LogLevel, const char*, int,
                                     const std::string& message) { Log("protobuf").debug("{}", message); });
}

}  // namespace grantkeep
