// SPDX-License-Identifier: Apache-2.0
// The running grantkeepd: its edge, its logs, its end.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "tests/e2e/caller.h"
#include "tests/e2e/daemon_run.h"
#include "tests/e2e/held_http.h"

namespace grantkeep::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// A provider whose metadata is at `issuer`.
std::string Provider(const std::string& issuer) {
  return fmt::format(
      "providers:\n  - id: held\n    issuer: {}\n    client:\n      client_id: me\n      client_secrets:\n"
      "        - env: CLIENT_SECRET\n    redirect_uris:\n      - https://app.example/callback\n",
      issuer);
}

std::string Metadata(const std::string& issuer) {
  return fmt::format(
      R"({{"issuer":"{0}","authorization_endpoint":"{0}/authorize","token_endpoint":"{0}/token",)"
      R"("response_types_supported":["code"],"code_challenge_methods_supported":["S256"],)"
      R"("authorization_response_iss_parameter_supported":true}})",
      issuer);
}

v1::StartAuthRequest StartOf(const std::string& session_binding = std::string(16, 'b')) {
  v1::StartAuthRequest request;
  request.set_tenant("acme");
  request.set_provider("held");
  request.set_subject("user-1");
  request.set_redirect_uri("https://app.example/callback");
  request.set_session_binding(session_binding);
  return request;
}

std::vector<std::string> ThreadNames(pid_t pid) {
  std::vector<std::string> names;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    std::string name = ReadFile(task.path() / "comm");
    while (name.ends_with('\n')) name.pop_back();
    names.push_back(name);
  }
  return names;
}

class DaemonTest : public ::testing::Test {
 protected:
  // Development mode with a provider at held_.
  void StartWithHeldProvider(const std::string& more = "",
                             std::map<std::string, std::string> environment = {}) {
    environment.try_emplace("CLIENT_SECRET", "the-client-secret");
    run_.Start({"--dev", "--config", run_.Write("config.yaml", more + Provider(held_.url()))},
               std::move(environment));
    caller_ = std::make_unique<Caller>(run_.address());
  }

  // Any bytes to any method.
  CallStatus CallRaw(const std::string& method, const std::string& bytes) const {
    grpc::GenericStub stub(grpc::CreateChannel(run_.address(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> status;
    stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response,
                   [&](grpc::Status ended) { status.set_value(std::move(ended)); });
    return CallStatus::From(status.get_future().get());
  }

  HeldHttp held_;
  DaemonRun run_;
  std::unique_ptr<Caller> caller_;
};

TEST_F(DaemonTest, SigtermLetsACallInFlightFinish) {
  StartWithHeldProvider();
  auto call = std::async(std::launch::async, [&] { return caller_->StartAuth(StartOf()); });
  held_.TakeRequest();
  run_.Signal(SIGTERM);
  // The socket goes when the server stops taking calls; only then the answer comes.
  const std::filesystem::path socket = run_.address().substr(5);
  while (std::filesystem::exists(socket)) std::this_thread::yield();
  held_.AnswerJson(Metadata(held_.url()));
  const auto answer = call.get();
  EXPECT_TRUE(answer.ok()) << answer.status;
  const EndedRun ended = run_.Wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("stopped"));
  EXPECT_FALSE(std::filesystem::exists(run_.ready_file()));
}

TEST_F(DaemonTest, ACallThatOutlivesTheDrainIsToldToTryAgain) {
  StartWithHeldProvider("server:\n  drain_timeout: 100ms\n");
  auto call = std::async(std::launch::async, [&] { return caller_->StartAuth(StartOf()); });
  held_.TakeRequest();
  run_.Signal(SIGTERM);
  const auto answer = call.get();
  EXPECT_EQ(answer.status.code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(answer.status.reason, "SHUTTING_DOWN");
  EXPECT_TRUE(answer.status.retry_after.has_value());
  EXPECT_EQ(run_.Wait().exit_code, 0);
}

TEST_F(DaemonTest, ASecondSignalEndsItAtOnce) {
  StartWithHeldProvider("server:\n  drain_timeout: 5m\n");
  auto call = std::async(std::launch::async, [&] { return caller_->StartAuth(StartOf()); });
  held_.TakeRequest();
  run_.Signal(SIGTERM);
  const std::filesystem::path socket = run_.address().substr(5);
  while (std::filesystem::exists(socket)) std::this_thread::yield();
  EXPECT_EQ(run_.End(SIGTERM).exit_code, -1) << "by the signal";
  EXPECT_FALSE(call.get().ok());
}

TEST_F(DaemonTest, IdleClientsDoNotDelayTheEnd) {
  for (const char* address : {"unix", "127.0.0.1:0"}) {
    DaemonRun::Arguments arguments = {"--dev", "--config",
                                      run_.Write("config.yaml", "server:\n  drain_timeout: 60s\n")};
    if (address != std::string("unix")) arguments.insert(arguments.end(), {"--listen", address});
    run_.Start(arguments);
    std::vector<std::shared_ptr<grpc::Channel>> idle;
    for (int i = 0; i < 5; ++i) {
      grpc::ChannelArguments own_connection;
      own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      idle.push_back(
          grpc::CreateCustomChannel(run_.address(), grpc::InsecureChannelCredentials(), own_connection));
      v1::ListStaticSecretsRequest request;
      request.set_tenant("acme");
      v1::ListStaticSecretsResponse response;
      grpc::ClientContext context;
      context.set_wait_for_ready(true);
      ASSERT_TRUE(v1::VaultAdmin::NewStub(idle.back())->ListStaticSecrets(&context, request, &response).ok());
    }
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(run_.End(SIGTERM).exit_code, 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << address;
  }
}

TEST_F(DaemonTest, WhatIsNoRequestIsInvalidArgumentWithDetails) {
  StartWithHeldProvider();
  for (const char* method :
       {"/grantkeep.v1.AuthService/Refresh", "/grantkeep.v1.VaultAdmin/PutStaticSecret"}) {
    const CallStatus status = CallRaw(method, "\x0a\x02\xff\xfe");
    EXPECT_EQ(status.code, grpc::StatusCode::INVALID_ARGUMENT) << status;
    EXPECT_EQ(status.reason, "INVALID_FIELD") << status;
  }
  EXPECT_EQ(CallRaw("/grantkeep.v1.AuthService/Refresh", "").field, "tenant");
}

TEST_F(DaemonTest, SizesMethodsAndHealthAreAnsweredAsDocumented) {
  StartWithHeldProvider();
  const CallStatus large = CallRaw("/grantkeep.v1.AuthService/StartAuth", std::string(70'000, 'x'));
  EXPECT_EQ(large.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(large.reason, "MESSAGE_TOO_LARGE");
  EXPECT_EQ(CallRaw("/grantkeep.v1.VaultAdmin/PutStaticSecret", std::string(1 << 20, 'x')).code,
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CallRaw("/grantkeep.v1.AuthService/Nonsense", "").code, grpc::StatusCode::UNIMPLEMENTED);
  for (const char* method : {"AuthService/GetSchema", "AuthService/ValidateToken", "VaultAdmin/RotateKeys",
                             "VaultAdmin/GetKeyStatus"}) {
    const CallStatus status = CallRaw(std::string("/grantkeep.v1.") + method, "");
    EXPECT_EQ(status.code, grpc::StatusCode::UNIMPLEMENTED) << method;
    EXPECT_EQ(status.reason, "NOT_IMPLEMENTED") << method;
  }
  EXPECT_TRUE(CallRaw("/grpc.health.v1.Health/Check", "").ok());
}

TEST_F(DaemonTest, ReflectionIsThereWhenAskedForAndBringsNoThreadOtherwise) {
  constexpr char kMethod[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  StartWithHeldProvider();
  EXPECT_EQ(CallRaw(kMethod, "").code, grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(ThreadNames(run_.pid()), Not(Contains(HasSubstr("sync"))));
  EXPECT_THAT(ThreadNames(run_.pid()), Contains("poller-0"));
  run_.End(SIGTERM);
  run_.Start({"--dev", "--reflection"});
  const std::string list_services = std::string("\x3a\x01*", 3);
  grpc::GenericStub stub(grpc::CreateChannel(run_.address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto next = [&] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto stream = stub.PrepareCall(&context, kMethod, &queue);
  stream->StartCall(nullptr);
  ASSERT_TRUE(next());
  const grpc::Slice slice(list_services);
  stream->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  ASSERT_TRUE(next());
  grpc::ByteBuffer response;
  stream->Read(&response, nullptr);
  ASSERT_TRUE(next());
  grpc::Slice answer;
  ASSERT_TRUE(response.DumpToSingleSlice(&answer).ok());
  const std::string text(reinterpret_cast<const char*>(answer.begin()), answer.size());
  for (const char* service :
       {"grantkeep.v1.AuthService", "grantkeep.v1.VaultAdmin", "grpc.health.v1.Health"}) {
    EXPECT_THAT(text, HasSubstr(service));
  }
  context.TryCancel();
}

TEST_F(DaemonTest, PlantedSecretsAreInNoLogAndNoStatus) {
  StartWithHeldProvider("log:\n  level: trace\n", {{"CLIENT_SECRET", "canary-client-secret"}});
  std::string statuses;
  const auto note = [&](const CallStatus& status) { statuses += status.message + status.field + "\n"; };

  v1::PutStaticSecretRequest put;
  put.set_tenant("acme");
  put.set_name("bot");
  put.set_value("canary-static-secret");
  note(caller_->PutStaticSecret(put).status);
  put.set_expected_version(17);
  note(caller_->PutStaticSecret(put).status);
  put.set_provider("held");
  note(caller_->PutStaticSecret(put).status);
  v1::GetStaticSecretRequest get;
  get.set_tenant("acme");
  get.set_name("bot");
  EXPECT_EQ(caller_->GetStaticSecret(get)->value(), "canary-static-secret");

  auto start =
      std::async(std::launch::async, [&] { return caller_->StartAuth(StartOf("canary-session-binding")); });
  held_.TakeRequest();
  held_.AnswerJson(Metadata(held_.url()));
  const auto started = start.get();
  ASSERT_TRUE(started.ok()) << started.status;
  v1::CompleteAuthRequest complete;
  complete.set_tenant("acme");
  complete.set_session_binding("canary-other-binding");
  complete.set_callback_url("https://app.example/callback?code=canary-code&state=" + started->state());
  note(caller_->CompleteAuth(complete).status);
  complete.set_session_binding("canary");
  note(caller_->CompleteAuth(complete).status);
  note(CallRaw("/grantkeep.v1.VaultAdmin/PutStaticSecret",
               put.SerializeAsString() + "\x0a\xff canary-trailing"));

  const EndedRun ended = run_.End(SIGTERM);
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.output, HasSubstr("VERSION_MISMATCH")) << "failures are logged, at this level";
  EXPECT_THAT(ended.output, Not(HasSubstr("canary")));
  EXPECT_THAT(ended.output, Not(HasSubstr(started->state())));
  EXPECT_THAT(statuses, Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace grantkeep::testing
