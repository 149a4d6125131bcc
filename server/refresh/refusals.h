// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_REFUSALS_H_
#define GRANTKEEP_REFRESH_REFUSALS_H_

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "provider/provider.h"

namespace grantkeep {

// Doubts invalid_grant when a provider says it of too many grants at once: then it is more likely that the
// provider is in trouble than that all these users have left, and a grant that was given up costs its user a
// sign-in. One for each process; on the loop.
//
// A provider's refusals are doubted while more than 5 % of the grants that it has answered for in the last 10
// minutes, and at least 10 of at least 20, were refused last; once begun, until it is half of that. Each
// grant counts once, however often it was asked for: few grants that repeat themselves cannot begin it.
class Refusals {
 public:
  static constexpr Duration kWindow = std::chrono::minutes(10);
  static constexpr size_t kFewestRefused = 10;
  static constexpr size_t kFewestAnswered = 20;
  // One refused grant in so many.
  static constexpr size_t kSuspiciousPart = 20;
  // How long a grant's refusals are doubted at most.
  static constexpr Duration kLongestDoubt = std::chrono::hours(1);
  // A provider's grants that are remembered: the newest.
  static constexpr size_t kMaxGrants = 65'536;

  explicit Refusals(Clock& clock) : clock_(clock) {}

  // The provider has granted tokens.
  void CountGranted(const ProviderId& provider, const TenantId& tenant, const GrantId& grant);
  // The provider has said invalid_grant. Whether that is not to be believed yet: the grant is kept, and asked
  // for again later.
  bool Doubt(const ProviderId& provider, const TenantId& tenant, const GrantId& grant);
  // Whether the provider's refusals are doubted now. A refresh token that may be presented only once more
  // waits for the end of that.
  bool Paused(const ProviderId& provider);

 private:
  struct Answer {
    uint64_t grant;
    Tick time;
    bool refused;
  };
  // Of one provider.
  struct Answers {
    std::list<Answer> last;  // of each grant, oldest first
    absl::flat_hash_map<uint64_t, std::list<Answer>::iterator> by_grant;
    size_t refused = 0;  // of `last`
    bool paused = false;
    absl::flat_hash_map<uint64_t, Tick> doubted_since;  // by grant; of the present pause

    void Count(uint64_t grant, bool refused_now, Tick now);
    void ForgetOldest();
    void Update(const std::string& provider, Tick now);
  };

  Clock& clock_;
  absl::flat_hash_map<std::string, Answers> providers_;
};

// Makes of an invalid_grant a failure that says nothing of the refresh token: the grant backs off.
void Disbelieve(TokenOutcome& outcome, const ProviderId& provider);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_REFUSALS_H_
