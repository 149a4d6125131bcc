// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_GRANT_LISTING_H_
#define GRANTKEEP_VAULT_GRANT_LISTING_H_

#include <boost/asio/awaitable.hpp>
#include <string>

#include "vault/grants.h"

namespace grantkeep {

// A hint that the subject has the grant: hash(tenant, subject) is its partition, its id is the first 16
// bytes of SHA-256 over the length-prefixed tenant and subject, then the grant id. So one scan finds the
// subject's grants, and the store shows no subject. Subjects whose digests begin alike cost each other a
// read: a hint is verified on use.
Key SubjectHintKey(const TenantId& tenant, const SubjectId& subject, const GrantId& grant);

// One page of Grants::List.
class GrantListing {
 public:
  // `limit` is 1..Store::kMaxPage.
  GrantListing(Store& store, SealedRecords& records, Grants& grants, TenantId tenant, Tick deadline,
               size_t limit)
      : store_(store),
        records_(records),
        grants_(grants),
        tenant_(std::move(tenant)),
        deadline_(deadline),
        limit_(limit) {}

  // Walks the partitions in order. Position in the token: partition (1 byte), last grant id.
  boost::asio::awaitable<absl::StatusOr<GrantPage>> OfTenant(std::string page_token);
  // Follows the subject's hints; one that leads nowhere, or to a grant that is another subject's,
  // is passed over. Position in the token: last grant id.
  boost::asio::awaitable<absl::StatusOr<GrantPage>> OfSubject(SubjectId subject, std::string page_token);

 private:
  boost::asio::awaitable<absl::Status> Add(Record record, GrantPage& page);
  boost::asio::awaitable<absl::Status> Follow(GrantId grant, const SubjectId& subject, GrantPage& page);

  Store& store_;
  SealedRecords& records_;
  Grants& grants_;
  const TenantId tenant_;
  const Tick deadline_;
  const size_t limit_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_GRANT_LISTING_H_
