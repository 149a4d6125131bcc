// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_OVERLAY_H_
#define GRANTKEEP_PROVIDER_OVERLAY_H_

#include "grantkeep/config/v1/provider.pb.h"

namespace grantkeep {

// `base` with what `above` sets put over it: single fields and lists replace those of `base`, maps
// are merged key by key, groups field by field. A field cannot be unset, nor a flag cleared; but another
// rotation takes the rotation_grace of `base` away.
config::v1::Provider Overlay(const config::v1::Provider& base, const config::v1::Provider& above);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_OVERLAY_H_
