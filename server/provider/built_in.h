// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_BUILT_IN_H_
#define GRANTKEEP_PROVIDER_BUILT_IN_H_

#include <span>
#include <string_view>

namespace grantkeep {

// A file of catalogue/, compiled in. cmake/embed_catalogue.cmake writes the definition.
struct EmbeddedFile {
  std::string_view name;  // "google"
  std::string_view text;
};

std::span<const EmbeddedFile> EmbeddedCatalogue();

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_BUILT_IN_H_
