// SPDX-License-Identifier: Apache-2.0
// Every field of every implemented method, wrong in every way that we could think of, through a
// real socket: hostile_fields.h is the table.
#include "tests/unit/rpc/hostile_fields.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <set>
#include <string>

#include "grpc/health/v1/health.pb.h"
#include "tests/unit/rpc/server_fixture.h"
#include "vault/fields.h"
#include "vault/page_token.h"

namespace grantkeep {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using testing::CallEnd;
using testing::GoodCall;
using testing::HostileField;
using ::testing::IsEmpty;
using testing::kGoodCalls;
using testing::kHostileFields;
using ::testing::Not;
using testing::ServerFixture;

std::string_view LastWord(std::string_view method) { return method.substr(method.rfind('/') + 1); }

// "/package.Service/Method" as the descriptors spell it.
std::string PathOf(const MethodDescriptor& method) {
  return fmt::format("/{}/{}", method.service()->full_name(), method.name());
}

const Descriptor& RequestOf(std::string_view method) {
  std::string name(method.substr(1));
  name[name.find('/')] = '.';
  return *DescriptorPool::generated_pool()->FindMethodByName(name)->input_type();
}

// `text` with <TEXT*N> written out.
std::string WriteOut(std::string text) {
  for (size_t begin = text.find('<'); begin != std::string::npos; begin = text.find('<')) {
    const size_t end = text.find('>', begin);
    const size_t star = text.rfind('*', end);
    const std::string unit = text.substr(begin + 1, star - begin - 1);
    const int count = std::stoi(text.substr(star + 1, end - star - 1));
    std::string all;
    for (int i = 0; i < count; ++i) {
      std::string one = unit;
      if (const size_t mark = one.find('#'); mark != std::string::npos)
        one.replace(mark, 1, std::to_string(i));
      all += one;
    }
    text.replace(begin, end - begin + 1, all);
  }
  return text;
}

// Whether `text` could be read as a message of the type; quiet about it when not.
bool Read(const std::string& text, Message& message) {
  class Quiet final : public google::protobuf::io::ErrorCollector {
    void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
  } quiet;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&quiet);
  return parser.ParseFromString(text, &message);
}

std::unique_ptr<Message> NewMessage(const Descriptor& type) {
  return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

// The good request with the change made to it; nothing when its type has no such field.
std::unique_ptr<Message> RequestWith(const GoodCall& call, const std::string& change) {
  const Descriptor& type = RequestOf(call.method);
  std::unique_ptr<Message> request = NewMessage(type);
  EXPECT_TRUE(Read(call.request, *request)) << call.method;
  if (change.starts_with('-')) {
    const FieldDescriptor* field = type.FindFieldByName(change.substr(1));
    if (field == nullptr) return nullptr;
    const auto& reflection = *request->GetReflection();
    const bool has = field->is_repeated() ? reflection.FieldSize(*request, field) > 0
                                          : reflection.HasField(*request, field);
    if (!has) return nullptr;
    request->GetReflection()->ClearField(request.get(), field);
    return request;
  }
  const std::unique_ptr<Message> changes = NewMessage(type);
  if (!Read(WriteOut(change), *changes)) return nullptr;
  request->MergeFrom(*changes);
  return request;
}

// Notes the paths of the fields that `message` sets, and of what is in them.
void NoteFields(const Message& message, const std::string& path, std::set<std::string>& seen) {
  std::vector<const FieldDescriptor*> set;
  message.GetReflection()->ListFields(message, &set);
  for (const FieldDescriptor* field : set) {
    seen.insert(path + field->name());
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const auto& reflection = *message.GetReflection();
    if (!field->is_repeated()) {
      NoteFields(reflection.GetMessage(message, field), path + field->name() + ".", seen);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      NoteFields(reflection.GetRepeatedMessage(message, field, i), path + field->name() + ".", seen);
    }
  }
}

// All paths that a request of the type can have.
void NoteAllFields(const Descriptor& type, const std::string& path, std::set<std::string>& all) {
  for (int i = 0; i < type.field_count(); ++i) {
    all.insert(path + type.field(i)->name());
    if (const Descriptor* sub = type.field(i)->message_type(); sub != nullptr) {
      NoteAllFields(*sub, path + type.field(i)->name() + ".", all);
    }
  }
}

class HostileFields : public ServerFixture {
 protected:
  // A grant "g", a static secret "bot" and some records that belong to another tenant.
  void SetUp() override {
    StartServer();
    rooms_.PutGrant("g", std::chrono::hours(1));
    PutSecret("t", "bot");
    for (const char* name : {"a", "b"}) PutSecret("other", name);
  }

  void PutSecret(const std::string& tenant, const std::string& name) {
    v1::PutStaticSecretRequest request;
    request.set_tenant(tenant);
    request.set_name(name);
    request.set_value("v");
    ASSERT_TRUE(CallAnd(*vault_, &v1::VaultAdmin::Stub::PutStaticSecret, request).first.ok());
  }

  void ExpectEnd(const char* method, const std::string& bytes, CallEnd end, const std::string& field) {
    const grpc::Status status = CallRaw(method, bytes);
    EXPECT_EQ(status.error_code(), end.code) << status.error_message();
    if (end.code == grpc::StatusCode::OK) return;
    EXPECT_EQ(ReasonIn(status), end.reason) << status.error_message();
    EXPECT_EQ(FieldIn(status), field) << status.error_message();
  }
};

class HostileFieldsOf : public HostileFields, public ::testing::WithParamInterface<GoodCall> {};

TEST_P(HostileFieldsOf, EndAsTheTableSaysAndDoNoHarm) {
  const GoodCall& good = GetParam();
  int rows = 0;
  for (const HostileField& row : kHostileFields) {
    if (row.method != std::string_view("*") && row.method != LastWord(good.method)) continue;
    SCOPED_TRACE(fmt::format("{} {}", row.method, row.change));
    const auto request = RequestWith(good, row.change);
    if (row.method != std::string_view("*")) ASSERT_NE(request, nullptr) << "the row cannot be read";
    if (request == nullptr) continue;
    ++rows;
    ExpectEnd(good.method, request->SerializeAsString(), row.end, row.field);
  }
  EXPECT_GT(rows, 0);
  ExpectEnd(good.method, RequestWith(good, "")->SerializeAsString(), good.end, "");
}

INSTANTIATE_TEST_SUITE_P(Methods, HostileFieldsOf, ::testing::ValuesIn(kGoodCalls),
                         [](const auto& info) { return std::string(LastWord(info.param.method)); });

// A field without a row is one that nobody has thought about.
TEST_F(HostileFields, EveryFieldOfEveryImplementedMethodHasARow) {
  const auto services = {v1::StartAuthRequest::descriptor()->file()->service(0),
                         v1::PutStaticSecretRequest::descriptor()->file()->service(0),
                         grpc::health::v1::HealthCheckRequest::descriptor()->file()->service(0)};
  for (const ServiceDescriptor* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string method = PathOf(*service->method(i));
      if (ReasonIn(CallRaw(method, "")) == "NOT_IMPLEMENTED") continue;
      const auto* good = std::find_if(std::begin(kGoodCalls), std::end(kGoodCalls),
                                      [&](const GoodCall& call) { return call.method == method; });
      ASSERT_NE(good, std::end(kGoodCalls)) << method << " has no rows";
      std::set<std::string> missing;
      NoteAllFields(*service->method(i)->input_type(), "", missing);
      for (const HostileField& row : kHostileFields) {
        if (row.method != std::string_view("*") && row.method != LastWord(method)) continue;
        std::set<std::string> seen;
        const auto changes = NewMessage(*service->method(i)->input_type());
        const std::string change = row.change;
        if (change.starts_with('-')) seen.insert(change.substr(1));
        if (Read(WriteOut(change), *changes)) NoteFields(*changes, "", seen);
        for (const std::string& field : seen) missing.erase(field);
      }
      EXPECT_THAT(missing, IsEmpty()) << method;
    }
  }
}

// --- Page tokens

// A token gives no access, so it needs no key: anybody can make one. Then it must do no harm.
std::string Forged(std::string_view listing, std::string_view tenant, std::string_view position) {
  const Fields scope(listing, tenant);
  return EncodePageToken(scope.view(), position);
}

TEST_F(HostileFields, APageTokenOfAnotherTenantsListingIsRefused) {
  v1::ListStaticSecretsRequest request;
  request.set_tenant("other");
  request.set_page_size(1);
  const auto [status, page] = CallAnd(*vault_, &v1::VaultAdmin::Stub::ListStaticSecrets, request);
  ASSERT_THAT(page.next_page_token(), Not(IsEmpty()));
  EXPECT_EQ(page.static_secrets_size(), 1);
  request.set_page_token(page.next_page_token());
  EXPECT_EQ(
      CallAnd(*vault_, &v1::VaultAdmin::Stub::ListStaticSecrets, request).second.static_secrets(0).name(),
      "b");

  request.set_tenant("t");
  const char* const methods[] = {"/grantkeep.v1.VaultAdmin/ListStaticSecrets",
                                 "/grantkeep.v1.VaultAdmin/ListGrants"};
  ExpectEnd(methods[0], request.SerializeAsString(), testing::kInvalid, "page_token");
  v1::ListGrantsRequest grants;
  grants.set_tenant("other");
  grants.set_page_token(page.next_page_token());
  ExpectEnd(methods[1], grants.SerializeAsString(), testing::kInvalid, "page_token");
}

TEST_F(HostileFields, AForgedPageTokenShowsNothingOfAnotherTenantAndNamesNoInnerField) {
  for (const size_t size : {1u, 64u, 256u, 450u, 511u, 513u, 700u}) {
    for (const char byte : {'\0', '/', '\xff'}) {
      v1::ListStaticSecretsRequest request;
      request.set_tenant("t");
      request.set_page_token(Forged("static secrets", "t", std::string(size, byte)));
      const auto [status, page] = CallAnd(*vault_, &v1::VaultAdmin::Stub::ListStaticSecrets, request);
      if (!status.ok()) EXPECT_EQ(FieldIn(status), "page_token") << status.error_message();
      for (const auto& secret : page.static_secrets()) EXPECT_EQ(secret.name(), "bot");

      v1::ListGrantsRequest grants;
      grants.set_tenant("other");
      const Fields scope("grants", "other", "");
      grants.set_page_token(EncodePageToken(scope.view(), std::string(size, byte)));
      const auto [grants_status, nothing] = CallAnd(*vault_, &v1::VaultAdmin::Stub::ListGrants, grants);
      if (!grants_status.ok())
        EXPECT_EQ(FieldIn(grants_status), "page_token") << grants_status.error_message();
      EXPECT_EQ(nothing.grants_size(), 0);
    }
  }
}

}  // namespace
}  // namespace grantkeep
