// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_CHECK_H_
#define GRANTKEEP_PROVIDER_CHECK_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "grantkeep/config/v1/config.pb.h"

namespace grantkeep {

struct ProviderProblem {
  int line = 0;      // 0: the file as a whole
  std::string path;  // "providers[1].client.client_id"; empty: not about one field
  std::string what;  // "is missing"; never a value
  // Which of the providers it is about; -1 when it is about the form of the text.
  int provider = -1;
  // The daemon starts all the same.
  bool warning = false;
};

struct CheckedProviders {
  // Whether the text is a daemon's configuration; else it is one provider's record.
  bool configuration = false;
  int providers = 0;
  // In the order of lines; empty when the daemon would accept the providers without a word. Of each
  // group of a provider's fields the first.
  std::vector<ProviderProblem> problems;
  // The providers that are wrong in form or meaning. More may be wrong with these.
  std::set<int> unusable;
};

// Everything that can be said to be wrong with the providers in `text`: a daemon's configuration, of
// which the other sections must be well-formed too, or the fields of one provider. A record without
// `id` is called `name`; one without `client` is checked as the catalogue's are, which leave it to
// the configuration. `development`: by the rules of --dev.
CheckedProviders CheckProviders(std::string_view text, const std::string& name, bool development);

// The same for a configuration that has been read, with the report of its reading.
CheckedProviders CheckReadProviders(const config::v1::Config& config, const YamlReport& report,
                                    bool development);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_CHECK_H_
