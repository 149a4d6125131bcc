// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <thread>

#include "tests/unit/client/command_run.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// Plays the browser: fetches `path` from the listener behind `redirect_uri`.
std::string Browse(const std::string& redirect_uri, const std::string& path) {
  const size_t begin = redirect_uri.rfind(':') + 1;
  const std::string port = redirect_uri.substr(begin, redirect_uri.find('/', begin) - begin);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
  std::string answer;
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n\r\n";
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char buffer[4096];
    for (ssize_t got = 0; (got = recv(fd, buffer, sizeof buffer, 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(got));
    }
  }
  close(fd);
  return answer;
}

class LoginTest : public ::testing::Test {
 protected:
  void SetUp() override {
    service_.start_auth = [this](const v1::StartAuthRequest& request, v1::StartAuthResponse& response) {
      start_ = request;
      response.set_authorization_url(url_);
      response.set_state("st4te");
      response.mutable_expire_time()->set_seconds(time(nullptr) + 600);
      // The listener is open already, as it has to be.
      if (!callback_.empty()) {
        browser_ = std::thread([this, redirect_uri = request.redirect_uri()] {
          Browse(redirect_uri, callback_);
          done_ = Browse(redirect_uri, "/done");
        });
      }
      return grpc::Status::OK;
    };
    service_.complete_auth = [this](const v1::CompleteAuthRequest& request,
                                    v1::CompleteAuthResponse& response) {
      complete_ = request;
      response.mutable_grant()->set_grant_id("g1");
      response.mutable_grant()->set_provider("practice");
      response.mutable_grant()->add_scopes("read");
      return grpc::Status::OK;
    };
  }
  CommandResult Login(std::vector<std::string> more = {}, const std::string& in = "") {
    std::vector<std::string> arguments = {"login", "practice",  "--no-browser",    "--subject",
                                          "alice", "--address", service_.address()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    CommandResult result = RunCommand(arguments, in);
    if (browser_.joinable()) browser_.join();
    return result;
  }

  std::string url_ = "https://provider.example/authorize?state=st4te";
  std::string callback_ = "/callback?code=c0de&state=st4te";
  std::string done_;
  v1::StartAuthRequest start_;
  v1::CompleteAuthRequest complete_;
  std::thread browser_;
  FakeService service_;
};

TEST_F(LoginTest, PrintsTheGrantsIdAndNothingElseOnStandardOutput) {
  const CommandResult result = Login({"--scope", "read", "--scope", "write", "--param", "prompt=consent",
                                      "--url-part", "domain=acme.okta.com"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "g1\n");
  EXPECT_THAT(result.err, HasSubstr(url_));
  EXPECT_THAT(result.err, HasSubstr("grantkeep token g1"));
  EXPECT_THAT(start_.redirect_uri(), MatchesRegex("http://127\\.0\\.0\\.1:[0-9]+/callback"));
  EXPECT_EQ(start_.subject(), "alice");
  EXPECT_EQ(start_.scopes_size(), 2);
  EXPECT_EQ(start_.extra_params().at("prompt"), "consent");
  EXPECT_EQ(start_.url_parts().at("domain"), "acme.okta.com");
}

TEST_F(LoginTest, AGrantIsSignedInForAtItsOwnProvider) {
  service_.get_grant = [](const v1::GetGrantRequest& request, v1::GetGrantResponse& response) {
    EXPECT_EQ(request.grant_id(), "g1");
    EXPECT_EQ(request.subject(), "alice");
    response.mutable_grant()->set_provider("practice");
    return grpc::Status::OK;
  };
  const CommandResult result = RunCommand(
      {"login", "--grant", "g1", "--no-browser", "--subject", "alice", "--address", service_.address()}, "");
  if (browser_.joinable()) browser_.join();
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(start_.provider(), "practice");
  EXPECT_EQ(start_.grant_id(), "g1");
}

TEST_F(LoginTest, AGrantThatIsNotThereIsSaidToBeBeforeABrowserOpens) {
  service_.get_grant = [](const v1::GetGrantRequest&, v1::GetGrantResponse&) {
    return StatusWithReason(grpc::StatusCode::NOT_FOUND, "grant_id: no such grant", "GRANT_NOT_FOUND");
  };
  const CommandResult result = RunCommand(
      {"login", "--grant", "g1", "--no-browser", "--subject", "alice", "--address", service_.address()}, "");
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("cannot sign in for grant g1"));
  EXPECT_EQ(start_.provider(), "");
}

TEST_F(LoginTest, TheCallbackGoesToTheServiceUntouchedWithTheBindingOfThisRun) {
  callback_ = "/callback?code=c%30de&state=st4te&iss=https%3A%2F%2Fprovider.example";
  EXPECT_EQ(Login().code, 0);
  EXPECT_EQ(complete_.callback_url(),
            start_.redirect_uri() + "?code=c%30de&state=st4te&iss=https%3A%2F%2Fprovider.example");
  EXPECT_EQ(start_.session_binding().size(), 32u);
  EXPECT_EQ(complete_.session_binding(), start_.session_binding());
  const std::string first = start_.session_binding();
  EXPECT_EQ(Login().code, 0);
  EXPECT_NE(start_.session_binding(), first);
}

TEST_F(LoginTest, TheBrowserEndsOnThePageWithoutCodeOrState) {
  EXPECT_EQ(Login().code, 0);
  EXPECT_THAT(done_, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(done_, Not(HasSubstr("c0de")));
}

TEST_F(LoginTest, NeitherCodeNorBindingIsPrinted) {
  const CommandResult result = Login();
  EXPECT_THAT(result.out + result.err, Not(HasSubstr("c0de")));
  EXPECT_THAT(result.out + result.err, Not(HasSubstr(start_.session_binding())));
}

TEST_F(LoginTest, AUserWhoDoesNotComeIsExitCode5) {
  callback_.clear();
  const CommandResult result = Login({"--wait", "10ms"});
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("nobody finished signing in; --wait gives it longer\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("--timeout")));
}

TEST_F(LoginTest, ARefusalByTheUserIsExitCode6) {
  callback_ = "/callback?error=access_denied&state=st4te";
  service_.complete_auth = [](const v1::CompleteAuthRequest&, v1::CompleteAuthResponse&) {
    return StatusWithReason(grpc::StatusCode::PERMISSION_DENIED, "the user refused", "ACCESS_DENIED");
  };
  const CommandResult result = Login();
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.err, HasSubstr("run: grantkeep login practice"));
}

TEST_F(LoginTest, AMissingPartOfTheProvidersUrlsIsAskedFor) {
  service_.start_auth = [](const v1::StartAuthRequest&, v1::StartAuthResponse&) {
    return StatusWithReason(grpc::StatusCode::INVALID_ARGUMENT, "is required", "INVALID_FIELD",
                            "url_parts[\"domain\"]");
  };
  const CommandResult result = Login();
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("run: grantkeep login practice --url-part domain=HOST\n"));
}

TEST_F(LoginTest, AUrlThatIsNoneForABrowserIsNotShown) {
  callback_.clear();
  url_ = "javascript:alert(1)//\x1b[2J";
  const CommandResult result = Login();
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, Not(HasSubstr("alert")));
}

// A port that is taken, so that the command cannot listen there.
class TakenPort {
 public:
  TakenPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    number_ = std::to_string(ntohs(address.sin_port));
  }
  ~TakenPort() { close(fd_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;
  const std::string& number() const { return number_; }

 private:
  int fd_;
  std::string number_;
};

TEST_F(LoginTest, ThePastedUrlCompletesTheFlowEvenIfThePortIsTaken) {
  callback_.clear();
  const TakenPort port;
  const std::string url = "http://127.0.0.1:" + port.number() + "/callback?code=c0de&state=st4te";
  const CommandResult result = Login({"--callback-url", "-", "--port", port.number()}, "junk\n" + url + "\n");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "g1\n");
  EXPECT_EQ(complete_.callback_url(), url);
  EXPECT_EQ(start_.redirect_uri(), url.substr(0, url.find('?')));
  EXPECT_THAT(result.err, HasSubstr("copied whole"));
  EXPECT_THAT(result.err, Not(HasSubstr("c0de")));
  const CommandResult taken = Login({"--port", port.number()});
  EXPECT_EQ(taken.code, 1) << "nobody could paste";
  EXPECT_THAT(taken.err, HasSubstr("is taken: give another with --port"));
}

TEST_F(LoginTest, APortThatIsTakenGetsNoCodeOnATerminalEither) {
  const TakenPort port;
  const Terminal terminal;
  const MemoryFile out;
  EXPECT_EQ(cli::RunCommandLine({"login", "practice", "--no-browser", "--port", port.number(), "--address",
                                 service_.address()},
                                {.in = terminal.fd(), .out = out.fd(), .err = terminal.fd()}),
            1);
  EXPECT_EQ(start_.redirect_uri(), "") << "no flow was begun";
}

TEST_F(LoginTest, InputThatEndsWithoutTheUrlEndsTheLogin) {
  callback_.clear();
  const CommandResult result = Login({"--callback-url", "-"}, "http://127.0.0.1/callback?code=c0de\n");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("standard input has ended"));
}

TEST_F(LoginTest, OnATerminalTheUrlCanBePastedWhileTheListenerRuns) {
  callback_.clear();
  for (const bool by_browser : {false, true}) {
    Terminal terminal;
    const MemoryFile out;
    int code = -1;
    std::thread command([&] {
      code = cli::RunCommandLine({"login", "practice", "--no-browser", "--address", service_.address()},
                                 {.in = terminal.fd(), .out = out.fd(), .err = terminal.fd()});
    });
    terminal.ScreenUntil("and paste it here:");
    if (by_browser) {
      Browse(start_.redirect_uri(), "/callback?code=c0de&state=st4te");
    } else {
      terminal.Type(start_.redirect_uri() + "?code=c0de&state=st4te\n");
    }
    command.join();
    EXPECT_EQ(code, 0);
    EXPECT_EQ(out.Content(), "g1\n");
    EXPECT_EQ(complete_.callback_url(), start_.redirect_uri() + "?code=c0de&state=st4te");
  }
}

TEST_F(LoginTest, OverSshItSaysHowTheBrowserGetsBack) {
  EXPECT_THAT(Login().err, Not(HasSubstr("ssh -L")));
  setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22", 1);
  const CommandResult result = Login();
  unsetenv("SSH_CONNECTION");
  EXPECT_EQ(result.code, 0);
  const std::string uri = start_.redirect_uri();
  const std::string port = uri.substr(17, uri.rfind('/') - 17);
  EXPECT_THAT(result.err, HasSubstr("ssh -L " + port + ":127.0.0.1:" + port + " HOST"));
  EXPECT_THAT(result.err, HasSubstr("--callback-url -"));
}

TEST_F(LoginTest, JsonOutputIsTheGrant) {
  EXPECT_THAT(Login({"--output", "json"}).out, HasSubstr("\"grant_id\":\"g1\""));
}

}  // namespace
}  // namespace grantkeep::testing
