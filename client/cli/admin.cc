// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

std::string_view NameOf(v1::StoreAdoption as) { return as == v1::STORE_ADOPTION_CLONE ? "clone" : "restore"; }

std::string_view Consequence(v1::StoreAdoption as) {
  return as == v1::STORE_ADOPTION_CLONE
             ? "every grant will need a new sign-in"
             : "grants whose provider rotates refresh tokens will be in doubt until their next refresh";
}

CallError Refusal(absl::StatusCode code, std::string reason, std::string message) {
  CallError error;
  error.code = code;
  error.reason = std::move(reason);
  error.message = std::move(message);
  return error;
}

// Why there is nothing to adopt, as the service would say; OK otherwise.
CallError WhyNot(const v1::StoreStatus& store, const AdminAdoptArguments& arguments) {
  if (store.adopted()) {
    return Refusal(absl::StatusCode::kFailedPrecondition, "STORE_ALREADY_ADOPTED",
                   "the store is the one that this service was left with");
  }
  if (store.adoption_problem().empty()) {
    return Refusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                   store.problem().empty() ? "the daemon does not say which store it has" : store.problem());
  }
  if (!arguments.store_id.empty() && arguments.store_id != store.id()) {
    CallError error = Refusal(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                              fmt::format("--store-id: is not that of the store, which is {}", store.id()));
    error.fields.push_back({.name = "--store-id", .description = error.message});
    return error;
  }
  return Refusal(absl::StatusCode::kOk, "", "");
}

}  // namespace

ExitCode Run(const Context& context, const AdminAdoptArguments& arguments) {
  const Attempt attempt = context.Trying("adopt the store");
  const auto status = context.client.GetServerStatus({});
  if (!status.ok()) return context.Failed(status.status(), attempt);
  const v1::StoreStatus& store = status->store();
  if (const CallError refusal = WhyNot(store, arguments); refusal.code != absl::StatusCode::kOk) {
    return Fail(context.console, context.globals.json, refusal, attempt);
  }
  if (!context.globals.json) {
    context.console.Err(fmt::format("{} store {}, epoch {}\n{}\n", Printable(store.kind()),
                                    Printable(store.id()), store.epoch(),
                                    Printable(store.adoption_problem())));
  }
  if (context.console.InIsTerminal() && !arguments.yes &&
      !context.console.Confirm(
          fmt::format("Adopt it as a {}? Then {}.", NameOf(arguments.as), Consequence(arguments.as)))) {
    const CallError refused =
        Refusal(absl::StatusCode::kFailedPrecondition, "", "it was not confirmed; nothing was changed");
    return Fail(context.console, context.globals.json, refused, attempt);
  }
  v1::AdoptStoreRequest request;
  request.set_adoption(arguments.as);
  // What was shown is what is meant.
  request.set_store_id(store.id());
  const auto response = context.client.AdoptStore(request);
  if (!response.ok()) return context.Failed(response.status(), attempt);
  if (context.globals.json) return context.PrintJson(*response);
  return context.Print(fmt::format("the store is adopted: it is {} in epoch {} now\n",
                                   Printable(response->store_id()), response->epoch()));
}

}  // namespace grantkeep::cli
