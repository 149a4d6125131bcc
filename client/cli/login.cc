// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "client/cli/browser.h"
#include "client/cli/callback_source.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

using std::chrono::steady_clock;

// How long the browser has to fetch the page that it was sent to.
constexpr std::chrono::seconds kDonePageTime{2};
constexpr std::chrono::minutes kLongestFlow{60};

// 256 bits that only this process knows: whoever sees the authorization URL, or plants one of
// their own, cannot complete the flow.
absl::StatusOr<std::string> NewSessionBinding() {
  std::string binding(32, '\0');
  if (getrandom(binding.data(), binding.size(), 0) != static_cast<ssize_t>(binding.size())) {
    return absl::UnavailableError("the system gives no random bytes");
  }
  return binding;
}

v1::StartAuthRequest RequestFor(const Context& context, const LoginArguments& arguments,
                                const CallbackSource& source, const std::string& binding) {
  v1::StartAuthRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_subject(context.globals.subject);
  request.set_provider(arguments.provider);
  request.mutable_scopes()->Add(arguments.scopes.begin(), arguments.scopes.end());
  request.mutable_resource()->Add(arguments.resource.begin(), arguments.resource.end());
  request.mutable_extra_params()->insert(arguments.params.begin(), arguments.params.end());
  request.mutable_url_parts()->insert(arguments.url_parts.begin(), arguments.url_parts.end());
  request.set_login_hint(arguments.login_hint);
  request.set_grant_id(arguments.grant);
  request.set_redirect_uri(source.redirect_uri());
  request.set_session_binding(binding);
  return request;
}

// Until the flow expires, or as long as the user of this command wants to wait.
steady_clock::time_point WaitUntil(const v1::StartAuthResponse& flow, const LoginArguments& arguments) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::chrono::milliseconds left = std::chrono::seconds(flow.expire_time().seconds()) -
                                   std::chrono::duration_cast<std::chrono::milliseconds>(now);
  left = std::clamp<std::chrono::milliseconds>(left, std::chrono::seconds(0), kLongestFlow);
  return steady_clock::now() + std::min(left, arguments.wait.value_or(left));
}

CallbackSource::Pasting PastingFor(const Context& context, const LoginArguments& arguments) {
  if (arguments.callback_url_from_input) return CallbackSource::Pasting::kExpected;
  return context.console.InIsTerminal() ? CallbackSource::Pasting::kPossible : CallbackSource::Pasting::kNo;
}

// How the browser's answer gets here when it runs somewhere else.
std::string WithoutABrowserHere(const CallbackSource& source, CallbackSource::Pasting pasting) {
  std::string text;
  if (const char* ssh = std::getenv("SSH_CONNECTION"); ssh != nullptr && *ssh != '\0' && source.listens()) {
    text += fmt::format(
        "This is an SSH session. A browser on your own machine comes back here only if you have connected\n"
        "with: ssh -L {0}:127.0.0.1:{0} HOST (and give --port {0} the next time).\n",
        source.port());
  }
  if (pasting != CallbackSource::Pasting::kNo) {
    text += fmt::format("If the last page does not load, copy its address ({}?...) and paste it here:\n",
                        source.redirect_uri());
  } else if (!text.empty()) {
    text += "Or give the address of the page that fails to load on standard input: --callback-url -\n";
  }
  return text;
}

void ShowUrl(const Context& context, const LoginArguments& arguments, const CallbackSource& source,
             const std::string& url) {
  const bool opened = !arguments.no_browser && OpenBrowser(url).ok();
  const CallbackSource::Pasting pasting = PastingFor(context, arguments);
  const char* where = pasting == CallbackSource::Pasting::kNo
                          ? "To sign in, open this in a browser on this machine:"
                          : "To sign in, open this in a browser:";
  context.console.Err(fmt::format("{}\n\n  {}\n\n{}",
                                  opened ? "Your browser opens to sign in. If it does not, open:" : where,
                                  url, opened ? "" : WithoutABrowserHere(source, pasting)));
}

// Completes the flow while the browser gets its last page.
absl::StatusOr<v1::Grant> Complete(const Context& context, CallbackSource& source,
                                   const std::string& callback_url, const std::string& binding) {
  std::thread last_page([&source] { source.ServeDonePage(steady_clock::now() + kDonePageTime); });
  v1::CompleteAuthRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_callback_url(callback_url);
  request.set_session_binding(binding);
  auto response = context.client.CompleteAuth(request);
  last_page.join();
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_grant());
}

// A grant is signed in for where it is.
absl::StatusOr<std::string> ProviderOf(const Context& context, const std::string& grant) {
  v1::GetGrantRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_subject(context.globals.subject);
  request.set_grant_id(grant);
  const auto response = context.client.GetGrant(request);
  if (!response.ok()) return response.status();
  return response->grant().provider();
}

absl::StatusOr<v1::Grant> SignIn(const Context& context, const LoginArguments& arguments) {
  const auto source = CallbackSource::Open(arguments.port, PastingFor(context, arguments), context.console);
  if (!source.ok()) return source.status();
  const auto binding = NewSessionBinding();
  if (!binding.ok()) return binding.status();
  const auto flow = context.client.StartAuth(RequestFor(context, arguments, **source, *binding));
  if (!flow.ok()) return flow.status();
  if (!IsBrowsable(flow->authorization_url()) || flow->state().empty()) {
    return absl::InternalError("the service's authorization URL is not one for a browser");
  }
  ShowUrl(context, arguments, **source, flow->authorization_url());
  const auto callback_url = (*source)->Wait(flow->state(), WaitUntil(*flow, arguments));
  if (!callback_url.ok()) return callback_url.status();
  return Complete(context, **source, *callback_url, *binding);
}

}  // namespace

ExitCode Run(const Context& context, const LoginArguments& given) {
  LoginArguments arguments = given;
  if (arguments.provider.empty()) {
    auto provider = ProviderOf(context, arguments.grant);
    if (!provider.ok()) {
      return context.Failed(provider.status(), context.Trying("sign in for grant " + arguments.grant));
    }
    arguments.provider = *std::move(provider);
  }
  const auto grant = SignIn(context, arguments);
  if (!grant.ok()) {
    Attempt attempt = context.Trying("sign in at " + arguments.provider);
    attempt.provider = arguments.provider;
    attempt.grant = arguments.grant;
    return context.Failed(grant.status(), attempt);
  }
  if (context.globals.json) return context.PrintJson(*grant);
  const std::string id = Printable(grant->grant_id());
  context.console.Err(fmt::format("Signed in.\n{}Next: grantkeep token {}\n\n", Describe(*grant), id));
  return context.Print(id + "\n");
}

}  // namespace grantkeep::cli
