// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_CHECK_H_
#define GRANTKEEP_PROVIDER_CHECK_H_

#include <string>
#include <string_view>
#include <vector>

namespace grantkeep {

struct ProviderProblem {
  int line = 0;      // 0: the file as a whole
  std::string path;  // "providers[1].client.client_id"; empty: not about one field
  std::string what;  // "is missing"; never a value
};

struct CheckedProviders {
  // Whether the text is a daemon's configuration; else it is one provider's record.
  bool configuration = false;
  int providers = 0;
  // In the order of lines; empty when the daemon would accept the providers.
  std::vector<ProviderProblem> problems;
};

// Everything that can be said to be wrong with the providers in `text`: a daemon's configuration, of
// which the other sections must be well-formed too, or the fields of one provider. A record without
// `id` is called `name`; one without `client` is checked as the catalogue's are, which leave it to
// the configuration. `development`: by the rules of --dev.
CheckedProviders CheckProviders(std::string_view text, const std::string& name, bool development);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_CHECK_H_
