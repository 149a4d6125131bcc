// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BENCH_SEED_H_
#define GRANTKEEP_BENCH_SEED_H_

#include <string>

namespace grantkeep::bench {

// What Seed() has left in the store.
inline constexpr char kTenant[] = "acme";
inline constexpr char kSubject[] = "user-1";
inline constexpr char kGrant[] = "Zm9ydHktdHdvLWJ5dGVz";
inline constexpr char kSecretName[] = "discord-bot";
inline constexpr size_t kTokenSize = 300;

// Makes the data directory of a `grantkeepd --dev` that has one grant at the provider "bench",
// with tokens of 300 bytes that live for two hours, and one static secret of 300 bytes. Written
// with the daemon's own rooms. Throws when that fails.
void Seed(const std::string& data_dir);

}  // namespace grantkeep::bench

#endif  // GRANTKEEP_BENCH_SEED_H_
