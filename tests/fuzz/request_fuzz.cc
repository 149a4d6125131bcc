// SPDX-License-Identifier: Apache-2.0
// A request as it comes from the wire: the first byte chooses its type.
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/reason.h"
#include "grantkeep/v1/auth.pb.h"
#include "grantkeep/v1/vault_admin.pb.h"
#include "rpc/request_check.h"

namespace {

struct Type {
  const google::protobuf::Message* prototype;
  grantkeep::rpc::RequestCheck check;
};

std::vector<Type> AllRequests() {
  std::vector<Type> types;
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  for (const char* name : {"grantkeep.v1.AuthService", "grantkeep.v1.VaultAdmin"}) {
    const auto* service = pool->FindServiceByName(name);
    if (service == nullptr) abort();
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* type = service->method(i)->input_type();
      types.push_back({factory->GetPrototype(type), grantkeep::rpc::RequestCheck(type)});
    }
  }
  return types;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto quiet = google::protobuf::SetLogHandler(nullptr);
  // Referred to, so that their descriptors are linked.
  static const auto* const linked = &grantkeep::v1::StartAuthRequest::default_instance();
  static const auto* const also_linked = &grantkeep::v1::PutStaticSecretRequest::default_instance();
  static const std::vector<Type>* const types = new std::vector<Type>(AllRequests());
  if (size == 0 || linked == nullptr || also_linked == nullptr || quiet == nullptr) return 0;

  const Type& type = (*types)[data[0] % types->size()];
  const std::unique_ptr<google::protobuf::Message> request(type.prototype->New());
  if (!request->ParseFromArray(data + 1, static_cast<int>(size) - 1)) return 0;
  const absl::Status checked = type.check.Check(*request);
  if (!checked.ok() && !grantkeep::FieldOf(checked).has_value()) abort();
  return 0;
}
