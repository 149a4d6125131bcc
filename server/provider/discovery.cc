// SPDX-License-Identifier: Apache-2.0
#include "provider/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "base/reason.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::seconds;

constexpr seconds kKeep = std::chrono::hours(1);
constexpr seconds kKeepFailure = seconds(5);
constexpr seconds kKeepWithoutNews = std::chrono::hours(24);
constexpr seconds kFetchLimit = seconds(10);

// What one of the places said.
struct Found {
  absl::StatusOr<ServerMetadata> metadata;
  // How much a failure tells: no document, a page that is none, a document that is wrong.
  int weight = 0;
  // There is no point in asking at the next place.
  bool final = false;
};

Found ReadAnswer(const MetadataExpectation& expected, const HttpOutcome& answer) {
  if (!answer.response.has_value()) {
    const std::string_view what(answer.error.message().data(), answer.error.message().size());
    return {Error(Reason::kProviderUnreachable, fmt::format("metadata: {}", what)), 0, true};
  }
  const HttpResponse& response = *answer.response;
  if (response.status != 200) {
    // Overloaded or broken; other refusals mean that the document is not here.
    const bool trouble = response.status == 429 || response.status >= 500;
    const std::string_view advice =
        response.status == 404
            ? ": there is no metadata under this issuer; correct issuer, or give the endpoints"
            : "";
    return {Error(Reason::kProviderError, fmt::format("metadata: answered {}{}", response.status, advice)), 0,
            trouble};
  }
  const std::string_view type = response.Header("content-type").value_or("");
  auto metadata = ParseMetadata(expected, type, response.body.Expose());
  const bool ok = metadata.ok();
  return {std::move(metadata), type.starts_with("application/json") ? 2 : 1, ok};
}

}  // namespace

std::vector<std::string> MetadataUrls(std::string_view issuer) {
  const size_t host = issuer.find("://") + 3;
  const size_t path_at = std::min(issuer.find('/', host), issuer.size());
  const std::string origin(issuer.substr(0, path_at));
  std::string_view path = issuer.substr(path_at);
  if (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> urls = {
      fmt::format("{}/.well-known/oauth-authorization-server{}", origin, path),
      fmt::format("{}/.well-known/openid-configuration{}", origin, path),
  };
  if (!path.empty()) urls.push_back(fmt::format("{}{}/.well-known/openid-configuration", origin, path));
  return urls;
}

struct Discovery::State {
  std::string provider;
  MetadataExpectation expected;
  std::vector<CidrBlock> allow_private;
  HttpClient& http;
  Clock& clock;

  // What callers get, and until when nobody asks anew.
  absl::StatusOr<ServerMetadata> result = Error(Reason::kInternal, "not fetched");
  Tick good_until = Tick::min();
  // Until when a document stays in `result` that could not be fetched anew, and whether it is one.
  Tick usable_until = Tick::min();
  bool stale = false;
  // The fetch under way.
  std::optional<Event> fetched = std::nullopt;
};

Discovery::Discovery(std::string provider, MetadataExpectation expected, std::vector<CidrBlock> allow_private,
                     HttpClient& http, Clock& clock)
    : state_(std::make_shared<State>(
          State{std::move(provider), std::move(expected), std::move(allow_private), http, clock})) {}

awaitable<absl::StatusOr<ServerMetadata>> Discovery::Get(Tick deadline) {
  const std::shared_ptr<State> state = state_;
  if (state->clock.Steady() < state->good_until) co_return state->result;
  const bool begin = !state->fetched.has_value();
  if (begin) state->fetched.emplace();
  // The fetch may end before co_spawn returns, and takes its own copy away with it.
  Event fetched = *state->fetched;
  if (begin) {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::co_spawn(executor, Fetch(state), boost::asio::detached);
  }
  // Nobody waits for a server that failed to answer the last time, while there is another way.
  if (state->stale && state->clock.Steady() < state->usable_until) co_return state->result;
  const bool in_time = co_await fetched.Wait(state->clock, deadline);
  if (!in_time && state->clock.Steady() < state->usable_until) co_return state->result;
  if (!in_time) {
    co_return Error(Reason::kDeadline,
                    fmt::format("provider '{}': metadata: no answer in time", state->provider));
  }
  co_return state->result;
}

void Discovery::KeepOrFail(State& state, absl::Status failure, Tick now) {
  const bool keep = now < state.usable_until;
  if (keep && !state.stale) {
    Log("provider").warn("{}; what is known goes on being used", std::string(failure.message()));
  }
  if (!keep) state.result = std::move(failure);
  state.good_until = now + kKeepFailure;
  if (keep) state.good_until = std::min(state.good_until, state.usable_until);
  state.stale = keep;
}

awaitable<void> Discovery::Fetch(std::shared_ptr<State> state) {
  const Tick deadline = state->clock.Steady() + kFetchLimit;
  std::optional<Found> failure;
  const std::vector<std::string> urls = MetadataUrls(state->expected.issuer);
  for (const std::string& url : urls) {
    HttpRequest request;
    request.url = url;
    request.headers.push_back({"Accept", Secret("application/json")});
    request.deadline = deadline;
    // Built from the issuer that the operator configured.
    request.untrusted_url = false;
    request.allow_private = state->allow_private;
    const HttpOutcome answer = co_await state->http.Send(std::move(request));
    Found found = ReadAnswer(state->expected, answer);
    if (found.metadata.ok()) {
      state->result = std::move(found.metadata);
      failure.reset();
      break;
    }
    const bool last = found.final;
    if (!failure.has_value() || found.weight > failure->weight) failure = std::move(found);
    if (last) break;
  }
  const Tick now = state->clock.Steady();
  if (failure.has_value()) {
    KeepOrFail(*state, Annotate(failure->metadata.status(), fmt::format("provider '{}'", state->provider)),
               now);
  } else {
    state->good_until = now + kKeep;
    state->usable_until = now + kKeepWithoutNews;
    state->stale = false;
  }
  Event fetched = *std::exchange(state->fetched, std::nullopt);
  fetched.Set();
}

}  // namespace grantkeep
