// SPDX-License-Identifier: Apache-2.0
#include "rpc/request_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/reason.h"
#include "grantkeep/v1/auth.pb.h"
#include "grantkeep/v1/vault_admin.pb.h"

namespace grantkeep::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using ::testing::HasSubstr;

v1::StartAuthRequest GoodStart() {
  v1::StartAuthRequest request;
  request.set_tenant("acme");
  request.set_provider("google");
  request.set_subject("user 1 <a@example.org>");
  request.add_scopes("openid");
  request.set_redirect_uri("http://127.0.0.1:1234/callback");
  request.set_session_binding(std::string("\x00\x01 any bytes, 16+", 18));
  (*request.mutable_extra_params())["prompt"] = "consent";
  return request;
}

struct Wrong {
  const char* name;
  std::function<void(v1::StartAuthRequest&)> spoil;
  const char* field;
  const char* message;
};

class StartAuthCheck : public ::testing::TestWithParam<Wrong> {};

TEST_P(StartAuthCheck, AViolationNamesTheFieldAndWhatIsExpected) {
  v1::StartAuthRequest request = GoodStart();
  GetParam().spoil(request);
  const absl::Status status = RequestCheck(v1::StartAuthRequest::descriptor()).Check(request);
  EXPECT_TRUE(HasReason(status, Reason::kInvalidField)) << status;
  EXPECT_EQ(FieldOf(status).value_or("none"), GetParam().field);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

const Wrong kWrong[] = {
    {"missing", [](auto& r) { r.clear_tenant(); }, "tenant", "required"},
    {"too_long", [](auto& r) { r.set_tenant(std::string(129, 'a')); }, "tenant",
     "at most 128 bytes, has 129"},
    {"charset", [](auto& r) { r.set_tenant("acme corp"); }, "tenant", "letters, digits"},
    {"id_starts_with_a_dot", [](auto& r) { r.set_tenant(".acme"); }, "tenant", "start with a letter"},
    {"control_character", [](auto& r) { r.set_subject("user\n1"); }, "subject", "control characters"},
    {"delete_character", [](auto& r) { r.set_subject("user\x7f"); }, "subject", "control characters"},
    {"element",
     [](auto& r) {
       r.add_scopes("email");
       r.add_scopes("two words");
     },
     "scopes[2]", "one scope"},
    {"empty_element", [](auto& r) { r.add_scopes(""); }, "scopes[1]", "at least 1 bytes, has 0"},
    {"too_many_elements",
     [](auto& r) {
       for (int i = 0; i < 200; ++i) r.add_scopes("s");
     },
     "scopes", "elements, has 201"},
    {"url", [](auto& r) { r.set_redirect_uri("http://localhost/ä"); }, "redirect_uri", "printable ASCII"},
    {"too_short", [](auto& r) { r.set_session_binding("short"); }, "session_binding",
     "at least 16 bytes, has 5"},
    {"map_value", [](auto& r) { (*r.mutable_extra_params())["prompt"] = ""; }, "extra_params[\"prompt\"]",
     "at least 1 bytes"},
    {"map_value_control", [](auto& r) { (*r.mutable_extra_params())["prompt"] = "a\tb"; },
     "extra_params[\"prompt\"]", "control characters"},
    {"map_key", [](auto& r) { (*r.mutable_extra_params())["a\x01"] = "b"; }, "extra_params",
     "a key must not"},
    {"too_many_entries",
     [](auto& r) {
       for (int i = 0; i < 17; ++i) (*r.mutable_extra_params())["k" + std::to_string(i)] = "v";
     },
     "extra_params", "at most 16 entries, has 18"},
};
INSTANTIATE_TEST_SUITE_P(Fields, StartAuthCheck, ::testing::ValuesIn(kWrong),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(RequestCheck, AcceptsWhatIsWithinTheBounds) {
  EXPECT_TRUE(RequestCheck(v1::StartAuthRequest::descriptor()).Check(GoodStart()).ok());
}

TEST(RequestCheck, AValueNeverAppearsInTheMessage) {
  v1::StartAuthRequest request = GoodStart();
  request.set_session_binding("canary-9431");
  request.set_tenant("acme");
  const absl::Status status = RequestCheck(v1::StartAuthRequest::descriptor()).Check(request);
  EXPECT_THAT(status.ToString(), ::testing::Not(HasSubstr("canary")));
}

TEST(RequestCheck, AFieldOfASubmessageIsNamedByItsPath) {
  v1::WatchGrantsRequest request;
  request.set_tenant("acme");
  request.add_grants()->set_subject("u");
  request.mutable_grants(0)->set_grant_id("g");
  request.add_grants()->set_subject("u");
  EXPECT_EQ(FieldOf(RequestCheck(v1::WatchGrantsRequest::descriptor()).Check(request)), "grants[1].grant_id");

  v1::CompleteAuthRequest complete;
  complete.set_tenant("acme");
  complete.set_session_binding(std::string(16, 'b'));
  complete.mutable_callback_parameters()->add_parameters()->set_name("code");
  complete.mutable_callback_parameters()->mutable_parameters(0)->set_value(std::string(8193, 'v'));
  EXPECT_EQ(FieldOf(RequestCheck(v1::CompleteAuthRequest::descriptor()).Check(complete)),
            "callback_parameters.parameters[0].value");
  complete.mutable_callback_parameters()->clear_parameters();
  EXPECT_EQ(FieldOf(RequestCheck(v1::CompleteAuthRequest::descriptor()).Check(complete)),
            "callback_parameters.parameters");
}

TEST(RequestCheck, AnEmptyMemberOfAOneofIsPresentAndTooShort) {
  v1::CompleteAuthRequest request;
  request.set_tenant("acme");
  request.set_session_binding(std::string(16, 'b'));
  request.set_callback_url("");
  EXPECT_EQ(FieldOf(RequestCheck(v1::CompleteAuthRequest::descriptor()).Check(request)), "callback_url");
  request.clear_callback();
  EXPECT_TRUE(RequestCheck(v1::CompleteAuthRequest::descriptor()).Check(request).ok());
}

TEST(RequestCheck, ADurationMustBeWellFormed) {
  const RequestCheck check(v1::RefreshRequest::descriptor());
  v1::RefreshRequest request;
  request.set_tenant("acme");
  request.set_subject("u");
  request.set_grant_id("g");
  request.mutable_min_ttl()->set_seconds(5);
  EXPECT_TRUE(check.Check(request).ok());
  request.mutable_min_ttl()->set_nanos(-1);
  EXPECT_EQ(FieldOf(check.Check(request)), "min_ttl");
  request.mutable_min_ttl()->set_nanos(1'000'000'000);
  EXPECT_EQ(FieldOf(check.Check(request)), "min_ttl");
  request.mutable_min_ttl()->set_nanos(0);
  request.mutable_min_ttl()->set_seconds(315'576'000'001);
  EXPECT_EQ(FieldOf(check.Check(request)), "min_ttl");
}

TEST(RequestCheck, ALongMapKeyIsCutInThePath) {
  v1::StartAuthRequest request = GoodStart();
  (*request.mutable_extra_params())[std::string(1000, 'k')] = "";
  const std::string field =
      FieldOf(RequestCheck(v1::StartAuthRequest::descriptor()).Check(request)).value_or("");
  EXPECT_THAT(field, HasSubstr("kkk..."));
  EXPECT_LT(field.size(), 100u);
}

// Names of the text fields below `type` that have no upper bound.
void FindUnbounded(const Descriptor* type, std::vector<std::string>& found) {
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const v1::Bounds& bounds = field->options().GetExtension(v1::bounds);
    const bool is_text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING || field->is_map();
    if (is_text && bounds.max_len() == 0) found.push_back(field->full_name());
    if (field->is_repeated() && bounds.max_items() == 0) found.push_back(field->full_name());
    if (field->message_type() != nullptr && !field->is_map()) FindUnbounded(field->message_type(), found);
  }
}

TEST(RequestCheck, EveryTextAndCollectionOfEveryRequestIsBounded) {
  std::vector<std::string> unbounded;
  for (const FileDescriptor* file :
       {v1::StartAuthRequest::descriptor()->file(), v1::PutStaticSecretRequest::descriptor()->file()}) {
    const google::protobuf::ServiceDescriptor* service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i)
      FindUnbounded(service->method(i)->input_type(), unbounded);
  }
  EXPECT_THAT(unbounded, ::testing::IsEmpty());
}

}  // namespace
}  // namespace grantkeep::rpc
