// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <optional>
#include <thread>

#include "tests/unit/client/command_run.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class CommandsTest : public ::testing::Test {
 protected:
  CommandResult Run(std::vector<std::string> arguments, const std::string& in = "") const {
    arguments.insert(arguments.end(), {"--address", service_.address(), "--subject", "alice"});
    return RunCommand(arguments, in);
  }
  // Streams of which standard output is a terminal.
  std::pair<int, std::string> RunOnTerminal(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--address", service_.address(), "--subject", "alice"});
    Terminal terminal;
    const MemoryFile other;
    const int code =
        cli::RunCommandLine(arguments, {.in = other.fd(), .out = terminal.fd(), .err = other.fd()});
    return {code, terminal.Rest()};
  }
  void GiveToken(const std::string& token) {
    service_.refresh = [token](const v1::RefreshRequest&, v1::RefreshResponse& response) {
      response.set_access_token(token);
      response.set_generation(3);
      return grpc::Status::OK;
    };
  }
  void GiveSecret(const std::string& value) {
    service_.get_static_secret = [value](const v1::GetStaticSecretRequest&,
                                         v1::GetStaticSecretResponse& response) {
      response.set_value(value);
      return grpc::Status::OK;
    };
  }
  // What arrives when `in` is put.
  std::string Stored(const std::vector<std::string>& arguments, const std::string& in) {
    std::string stored = "(nothing)";
    service_.put_static_secret = [&](const v1::PutStaticSecretRequest& request,
                                     v1::PutStaticSecretResponse& response) {
      stored = request.value();
      response.set_version(1);
      return grpc::Status::OK;
    };
    Run(arguments, in);
    return stored;
  }

  // Outlives the service, whose handlers wait for it.
  std::atomic<bool> gone_ = false;
  FakeService service_;
};

TEST_F(CommandsTest, TokenPrintsTheTokenAndANewlineOnly) {
  service_.refresh = [](const v1::RefreshRequest& request, v1::RefreshResponse& response) {
    EXPECT_EQ(request.tenant(), "default");
    EXPECT_EQ(request.subject(), "alice");
    EXPECT_EQ(request.grant_id(), "g1");
    EXPECT_EQ(request.min_ttl().seconds(), 1);
    EXPECT_EQ(request.min_ttl().nanos(), 500'000'000);
    EXPECT_EQ(request.rejected_generation(), 2u);
    response.set_access_token("t0ken");
    return grpc::Status::OK;
  };
  const CommandResult result = Run({"token", "g1", "--min-ttl", "1500ms", "--rejected-generation", "2"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "t0ken\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(CommandsTest, ATokenThatWouldBreakAHeaderIsNotPrinted) {
  for (const char* token : {"a\r\nX-Evil: 1", "a\nb", "", "\x1b[2J", "\xc3\xbc"}) {
    GiveToken(token);
    const CommandResult result = Run({"token", "g1"});
    EXPECT_EQ(result.code, 1);
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(CommandsTest, JsonOutputIsOneDocumentWithTheNamesOfTheProto) {
  GiveToken("t\x1b[2J\u202e");
  const CommandResult result = Run({"token", "g1", "--output", "json"});
  EXPECT_EQ(result.code, 0);
  const boost::json::value document = boost::json::parse(result.out);
  EXPECT_EQ(document.at("access_token"), "t\x1b[2J\u202e");
  EXPECT_EQ(document.at("generation"), "3");
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(result.out, Not(HasSubstr("\u202e")));
}

TEST_F(CommandsTest, AGrantThatNeedsASignInNamesTheCommandForItAndExitsWith4) {
  service_.refresh = [](const v1::RefreshRequest&, v1::RefreshResponse&) {
    return StatusWithReason(grpc::StatusCode::FAILED_PRECONDITION, "the user must sign in again",
                            "NEEDS_REAUTH");
  };
  const CommandResult result = Run({"token", "g1"});
  EXPECT_EQ(result.code, 4);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "grantkeep: cannot get a token for g1: the user must sign in again (NEEDS_REAUTH)\n"
            "  run: grantkeep login --grant g1\n");
  const CommandResult json = Run({"token", "g1", "--output", "json"});
  EXPECT_EQ(json.code, 4);
  EXPECT_EQ(boost::json::parse(json.err).at("error").at("reason"), "NEEDS_REAUTH");
}

TEST_F(CommandsTest, ControlCharactersOfAServicesErrorAreEscaped) {
  service_.refresh = [](const v1::RefreshRequest&, v1::RefreshResponse&) {
    return StatusWithReason(grpc::StatusCode::INTERNAL, "bad\x1b]0;title\x07\n", "A\x1b");
  };
  const CommandResult result = Run({"token", "g1"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("bad\\x1b]0;title\\x07\\x0a (A\\x1b)\n"));
}

TEST_F(CommandsTest, ATokenThatLivesShorterThanAskedForIsWarnedAbout) {
  struct Case {
    v1::Freshness freshness;
    const char* warning;
  };
  for (const Case& c :
       {Case{v1::FRESHNESS_FRESH, ""}, Case{v1::FRESHNESS_BELOW_MIN_TTL, "do not live longer"},
        Case{v1::FRESHNESS_STALE_OK, "could not be renewed"},
        Case{v1::FRESHNESS_UNVERIFIED, "the store does not answer"}}) {
    service_.refresh = [&c](const v1::RefreshRequest&, v1::RefreshResponse& response) {
      response.set_access_token("t0ken");
      response.set_freshness(c.freshness);
      response.mutable_expire_time()->set_seconds(1'000'000'000);
      return grpc::Status::OK;
    };
    const CommandResult result = Run({"token", "g1", "--min-ttl", "2h"});
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.out, "t0ken\n");
    EXPECT_THAT(result.err, HasSubstr(c.warning));
    EXPECT_EQ(result.err.empty(), std::string(c.warning).empty());
    EXPECT_EQ(result.err.empty(), result.err.find("2001-09-09") == std::string::npos);
    EXPECT_EQ(Run({"token", "g1", "--output", "json"}).err, "") << "freshness is in the document";
  }
}

TEST_F(CommandsTest, TheDeadlineIsTheOneAskedFor) {
  service_.refresh = [this](const v1::RefreshRequest&, v1::RefreshResponse&) {
    // Answers when the command has given up.
    gone_.wait(false);
    return grpc::Status::OK;
  };
  const CommandResult result = Run({"token", "g1", "--timeout", "50ms"});
  gone_ = true;
  gone_.notify_all();
  EXPECT_EQ(result.code, 5);
  EXPECT_THAT(result.err, HasSubstr("--timeout"));
}

TEST_F(CommandsTest, PutTakesExactlyOneNewlineOff) {
  EXPECT_EQ(Stored({"secret", "put", "bot"}, "value"), "value");
  EXPECT_EQ(Stored({"secret", "put", "bot"}, "value\n"), "value");
  EXPECT_EQ(Stored({"secret", "put", "bot"}, "value\r\n"), "value");
  EXPECT_EQ(Stored({"secret", "put", "bot"}, "value\n\n"), "value\n");
  EXPECT_EQ(Stored({"secret", "put", "bot", "--raw"}, "value\n"), "value\n");
}

TEST_F(CommandsTest, PutTakesAnyBytesUpTo64KiB) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(Stored({"secret", "put", "bot", "--raw"}, bytes), bytes);
  const std::string most(65536, 'x');
  EXPECT_EQ(Stored({"secret", "put", "bot"}, most), most);
  EXPECT_EQ(Stored({"secret", "put", "bot"}, most + "\r\n"), most);
  for (const std::string& wrong : {most + "x", most + "xyz\n", std::string(), std::string("\n")}) {
    EXPECT_EQ(Stored({"secret", "put", "bot"}, wrong), "(nothing)");
    EXPECT_EQ(Run({"secret", "put", "bot"}, wrong).code, 2);
  }
}

TEST_F(CommandsTest, PutPassesTheExpectedVersionOnlyWhenGiven) {
  std::optional<uint64_t> expected;
  service_.put_static_secret = [&](const v1::PutStaticSecretRequest& request,
                                   v1::PutStaticSecretResponse& response) {
    expected.reset();
    if (request.has_expected_version()) expected = request.expected_version();
    response.set_version(7);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"secret", "put", "bot", "--expected-version", "0"}, "v").out, "bot is at version 7\n");
  EXPECT_EQ(expected, 0u);
  Run({"secret", "put", "bot"}, "v");
  EXPECT_EQ(expected, std::nullopt);
}

TEST_F(CommandsTest, TheValueIsAskedForOnATerminalWithoutEcho) {
  std::string stored;
  service_.put_static_secret = [&](const v1::PutStaticSecretRequest& request, v1::PutStaticSecretResponse&) {
    stored = request.value();
    return grpc::Status::OK;
  };
  Terminal terminal;
  const MemoryFile out;
  std::thread command([&] {
    cli::RunCommandLine({"secret", "put", "bot", "--address", service_.address()},
                        {.in = terminal.fd(), .out = out.fd(), .err = terminal.fd()});
  });
  std::string screen = terminal.ScreenUntil("Value of bot: ");
  terminal.Type("hunter2\n");
  command.join();
  screen += terminal.Rest();
  EXPECT_EQ(stored, "hunter2");
  EXPECT_THAT(screen, Not(HasSubstr("hunter2")));
}

TEST_F(CommandsTest, GetPrintsTheBytesAsTheyAre) {
  const std::string bytes("\0\x1b[2J\xff\n", 7);
  GiveSecret(bytes);
  const CommandResult result = Run({"secret", "get", "bot"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, bytes);
}

TEST_F(CommandsTest, OnATerminalASecretIsEscapedAndEndsWithANewline) {
  GiveSecret("a\x1b[2Jb");
  EXPECT_EQ(RunOnTerminal({"secret", "get", "bot"}), std::pair(0, std::string("a\\x1b[2Jb\r\n")));
}

TEST_F(CommandsTest, ListsFollowEveryPage) {
  service_.list_grants = [](const v1::ListGrantsRequest& request, v1::ListGrantsResponse& response) {
    EXPECT_EQ(request.subject(), "alice");
    EXPECT_EQ(request.provider(), "google");
    if (request.page_token().empty()) response.set_next_page_token("1");
    if (request.page_token() == "1") response.set_next_page_token("2");
    if (request.page_token() == "1") return grpc::Status::OK;  // an empty page that is not the last
    response.add_grants()->set_grant_id("g" + request.page_token());
    response.mutable_grants(0)->set_state(v1::GRANT_STATE_ACTIVE);
    return grpc::Status::OK;
  };
  const CommandResult text = Run({"grants", "list", "--provider", "google"});
  EXPECT_THAT(text.out, HasSubstr("GRANT"));
  EXPECT_THAT(text.out, HasSubstr("\ng "));
  EXPECT_THAT(text.out, HasSubstr("\ng2 "));
  const CommandResult json = Run({"grants", "list", "--provider", "google", "--output", "json"});
  EXPECT_EQ(boost::json::parse(json.out).at("grants").as_array().size(), 2u);
}

TEST_F(CommandsTest, AllSubjectsAsksForNoneInParticular) {
  service_.list_grants = [](const v1::ListGrantsRequest& request, v1::ListGrantsResponse&) {
    EXPECT_EQ(request.subject(), "");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"grants", "list", "--all-subjects"}).code, 0);
}

TEST_F(CommandsTest, ShowEscapesWhatTheServiceSays) {
  service_.get_grant = [](const v1::GetGrantRequest& request, v1::GetGrantResponse& response) {
    response.mutable_grant()->set_grant_id(request.grant_id());
    response.mutable_grant()->set_subject("eve\x1b[1A\u202e");
    response.mutable_grant()->add_scopes("a\nstate  ACTIVE");
    response.mutable_grant()->set_state(v1::GRANT_STATE_NEEDS_REAUTH);
    response.mutable_grant()->set_state_reason("INVALID_GRANT");
    return grpc::Status::OK;
  };
  const CommandResult result = Run({"grants", "show", "g1"});
  EXPECT_THAT(result.out, HasSubstr("eve\\x1b[1A\\u{202e}\n"));
  EXPECT_THAT(result.out, HasSubstr("a\\x0astate  ACTIVE\n"));
  EXPECT_THAT(result.out, HasSubstr("state          NEEDS_REAUTH\n"));
  EXPECT_THAT(result.out, HasSubstr("because        INVALID_GRANT: the provider no longer accepts"));
}

TEST_F(CommandsTest, ShowSaysThatTheStoreDoesNotAnswer) {
  service_.get_grant = [](const v1::GetGrantRequest& request, v1::GetGrantResponse& response) {
    response.mutable_grant()->set_grant_id(request.grant_id());
    response.mutable_grant()->set_state(v1::GRANT_STATE_ACTIVE);
    response.set_unverified(true);
    return grpc::Status::OK;
  };
  EXPECT_THAT(Run({"grants", "show", "g1"}).err, HasSubstr("may have been changed or revoked elsewhere"));
  EXPECT_THAT(Run({"grants", "show", "g1", "--output", "json"}).err,
              HasSubstr("changed or revoked elsewhere"));
}

TEST_F(CommandsTest, ShowSaysWhyAGrantIsInItsStateSinceWhenAndWhatToDo) {
  struct Case {
    v1::GrantState state;
    const char* reason;
    v1::NextStep next_step;
    const char* because;
    const char* next;
  };
  for (const Case& c : {Case{v1::GRANT_STATE_IN_DOUBT, "NO_ANSWER", v1::NEXT_STEP_NONE,
                             "NO_ANSWER: a refresh was sent", "nothing: the service"},
                        Case{v1::GRANT_STATE_NEEDS_REAUTH, "NO_REFRESH_TOKEN", v1::NEXT_STEP_SIGN_IN,
                             "NO_REFRESH_TOKEN: the provider gave no refresh token",
                             "sign in again; run: grantkeep login --grant g1\n"},
                        Case{v1::GRANT_STATE_REVOKED, "REVOKE_GRANT", v1::NEXT_STEP_NEW_GRANT,
                             "REVOKE_GRANT: it was revoked", "run: grantkeep login practice\n"},
                        Case{v1::GRANT_STATE_NEEDS_REAUTH, "OF_A_NEWER_SERVICE", v1::NEXT_STEP_SIGN_IN,
                             "OF_A_NEWER_SERVICE\n", "grantkeep login --grant g1\n"}}) {
    service_.get_grant = [&c](const v1::GetGrantRequest&, v1::GetGrantResponse& response) {
      v1::Grant& grant = *response.mutable_grant();
      grant.set_grant_id("g1");
      grant.set_provider("practice");
      grant.set_state(c.state);
      grant.set_state_reason(c.reason);
      grant.set_next_step(c.next_step);
      grant.mutable_state_time()->set_seconds(1'000'000'000);
      return grpc::Status::OK;
    };
    const std::string out = Run({"grants", "show", "g1"}).out;
    EXPECT_THAT(out, ContainsRegex(std::string("because +") + c.because));
    EXPECT_THAT(out, ContainsRegex("since +2001-09-09"));
    EXPECT_THAT(out, ContainsRegex("next +"));
    EXPECT_THAT(out, HasSubstr(c.next));
  }
}

TEST_F(CommandsTest, ShowSaysNothingOfTheStateOfAnActiveGrant) {
  service_.get_grant = [](const v1::GetGrantRequest&, v1::GetGrantResponse& response) {
    response.mutable_grant()->set_state(v1::GRANT_STATE_ACTIVE);
    response.mutable_grant()->set_next_step(v1::NEXT_STEP_NONE);
    response.mutable_grant()->mutable_state_time()->set_seconds(1'000'000'000);
    return grpc::Status::OK;
  };
  const std::string out = Run({"grants", "show", "g1"}).out;
  EXPECT_THAT(out, HasSubstr("ACTIVE"));
  for (const char* word : {"because", "since", "next"}) EXPECT_THAT(out, Not(HasSubstr(word)));
}

TEST_F(CommandsTest, ShowDoesNotCallAGrantRefreshableThatNeedsASignIn) {
  struct Case {
    v1::GrantState state;
    bool has_refresh_token;
    const char* row;
  };
  for (const Case& c : {Case{v1::GRANT_STATE_ACTIVE, true, "refreshable    yes\n"},
                        Case{v1::GRANT_STATE_IN_DOUBT, true, "refreshable    yes\n"},
                        Case{v1::GRANT_STATE_ACTIVE, false, "refreshable    no: the user signs in again"},
                        Case{v1::GRANT_STATE_NEEDS_REAUTH, true, "refreshable    no\n"},
                        Case{v1::GRANT_STATE_REVOKED, true, "refreshable    no\n"}}) {
    service_.get_grant = [&c](const v1::GetGrantRequest&, v1::GetGrantResponse& response) {
      response.mutable_grant()->set_state(c.state);
      response.mutable_grant()->set_refreshable(c.has_refresh_token);
      return grpc::Status::OK;
    };
    const CommandResult result = Run({"grants", "show", "g1"});
    EXPECT_THAT(result.out, HasSubstr(c.row)) << c.state;
    EXPECT_THAT(result.out, HasSubstr("(none said)"));
  }
}

TEST_F(CommandsTest, ShowSaysThatRefreshesFail) {
  service_.get_grant = [](const v1::GetGrantRequest&, v1::GetGrantResponse& response) {
    response.mutable_grant()->set_state(v1::GRANT_STATE_ACTIVE);
    response.mutable_grant()->set_failed_refreshes(3);
    response.mutable_grant()->mutable_next_refresh_time()->set_seconds(4'000'000'000);
    return grpc::Status::OK;
  };
  EXPECT_THAT(Run({"grants", "show", "g1"}).out, HasSubstr("failed 3 times in a row, next try 2096-10-02"));
}

TEST_F(CommandsTest, SecretListHasNoValues) {
  service_.list_static_secrets = [](const v1::ListStaticSecretsRequest&,
                                    v1::ListStaticSecretsResponse& response) {
    v1::StaticSecret& secret = *response.add_static_secrets();
    secret.set_name("bot");
    secret.set_version(4);
    secret.set_size(72);
    return grpc::Status::OK;
  };
  const CommandResult result = Run({"secret", "list"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("bot   4        72     -"));
}

TEST_F(CommandsTest, DeleteSaysSo) {
  service_.delete_static_secret = [](const v1::DeleteStaticSecretRequest& request,
                                     v1::DeleteStaticSecretResponse&) {
    EXPECT_FALSE(request.has_expected_version());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"secret", "delete", "bot"}).out, "bot is deleted\n");
}

TEST_F(CommandsTest, AFullDiskIsAFailure) {
  GiveToken("t0ken");
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  const MemoryFile other;
  EXPECT_EQ(cli::RunCommandLine({"token", "g1", "--address", service_.address()},
                                {.in = other.fd(), .out = full, .err = other.fd()}),
            1);
  close(full);
  EXPECT_THAT(other.Content(), HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace grantkeep::testing
