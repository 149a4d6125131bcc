// SPDX-License-Identifier: Apache-2.0
#include "telemetry/redact.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "grantkeep/storage/v1/records.pb.h"
#include "grantkeep/v1/auth.pb.h"
#include "grantkeep/v1/vault_admin.pb.h"

namespace grantkeep {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPlanted[] = "planted-5ecret-that-is-longer-than-a-small-string";
constexpr char kPublic[] = "public-text-that-is-longer-than-a-small-string";

bool IsSecret(const FieldDescriptor* field) { return field->options().GetExtension(v1::secret); }

std::vector<const Descriptor*> AllMessages() {
  std::vector<const Descriptor*> types;
  for (const FileDescriptor* file :
       {v1::Grant::descriptor()->file(), v1::RefreshRequest::descriptor()->file(),
        v1::PutStaticSecretRequest::descriptor()->file(), storage::v1::Grant::descriptor()->file()}) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      types.push_back(file->message_type(i));
      for (int n = 0; n < file->message_type(i)->nested_type_count(); ++n) {
        types.push_back(file->message_type(i)->nested_type(n));
      }
    }
  }
  return types;
}

// Fills every field, so that each text is kPlanted if it is marked and kPublic if not. Of a oneof
// the last member stays.
void Fill(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  const Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      const std::string text = IsSecret(field) ? kPlanted : kPublic;
      if (field->is_repeated()) {
        reflection.AddString(&message, field, text);
        reflection.AddString(&message, field, text);
      } else {
        reflection.SetString(&message, field, text);
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Fill(field->is_repeated() ? *reflection.AddMessage(&message, field)
                                : *reflection.MutableMessage(&message, field));
    }
  }
}

std::unique_ptr<Message> Filled(const Descriptor* type) {
  std::unique_ptr<Message> message(MessageFactory::generated_factory()->GetPrototype(type)->New());
  Fill(*message);
  return message;
}

TEST(SecretFields, AreMarkedWhereverTheirNameSaysSo) {
  const std::vector<std::string> not_secret = {
      "page_token", "next_page_token", "token_type", "token_endpoint", "wrapped_dek", "wrapped_kek",
  };
  for (const Descriptor* type : AllMessages()) {
    if (type->options().map_entry()) continue;
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
      const std::string& name = field->name();
      if (std::ranges::find(not_secret, name) != not_secret.end()) continue;
      const bool telling =
          std::ranges::any_of(std::array{"token", "secret", "binding", "verifier", "password",
                                         "authorization_url", "callback_url", "body"},
                              [&](const char* word) { return name.find(word) != std::string::npos; });
      const bool handle = name == "value" || name == "state";
      if (telling || handle) EXPECT_TRUE(IsSecret(field)) << field->full_name();
    }
  }
}

TEST(WipeSecrets, LeavesNoMarkedFieldOfAnyMessage) {
  for (const Descriptor* type : AllMessages()) {
    const std::unique_ptr<Message> message = Filled(type);
    WipeSecrets(*message);
    EXPECT_THAT(message->SerializeAsString(), Not(HasSubstr(kPlanted))) << type->full_name();
  }
}

TEST(WipeSecrets, LeavesAllOtherFieldsAlone) {
  for (const Descriptor* type : AllMessages()) {
    const std::unique_ptr<Message> message = Filled(type);
    const std::string before = message->SerializeAsString();
    WipeSecrets(*message);
    const std::string after = message->SerializeAsString();
    const auto count = [](std::string_view text) {
      size_t found = 0;
      for (size_t at = text.find(kPublic); at != text.npos; at = text.find(kPublic, at + 1)) ++found;
      return found;
    };
    EXPECT_EQ(count(after), count(before)) << type->full_name();
  }
}

TEST(WipeSecrets, OverwritesTheBytesInPlace) {
  v1::RefreshResponse response;
  response.set_access_token(kPlanted);
  const char* const storage = response.access_token().data();
  WipeSecrets(response);
  EXPECT_EQ(std::string(storage, std::strlen(kPlanted)), std::string(std::strlen(kPlanted), '\0'));
  EXPECT_TRUE(response.access_token().empty());
}

TEST(WipeSecrets, OverwritesWhatAShorterValueLeftBehind) {
  v1::RefreshResponse response;
  response.set_access_token(kPlanted);
  response.set_access_token("short");
  const char* const storage = response.access_token().data();
  WipeSecrets(response);
  EXPECT_EQ(std::string(storage, std::strlen(kPlanted)), std::string(std::strlen(kPlanted), '\0'));
}

TEST(WipeSecrets, ReachesEveryElementOfRepeatedSubmessages) {
  v1::CompleteAuthRequest request;
  for (int i = 0; i < 3; ++i) {
    auto& parameter = *request.mutable_callback_parameters()->add_parameters();
    parameter.set_name("code");
    parameter.set_value(kPlanted);
  }
  WipeSecrets(request);
  ASSERT_EQ(request.callback_parameters().parameters_size(), 3);
  for (const auto& parameter : request.callback_parameters().parameters()) {
    EXPECT_EQ(parameter.name(), "code");
    EXPECT_EQ(parameter.value(), "");
  }
}

TEST(WipeSecrets, ClearsAMemberOfAOneof) {
  v1::CompleteAuthRequest request;
  request.set_callback_url(kPlanted);
  WipeSecrets(request);
  EXPECT_EQ(request.callback_case(), v1::CompleteAuthRequest::CALLBACK_NOT_SET);
}

TEST(WipeSecrets, ClearsAFieldWithPresence) {
  storage::v1::StaticSecret secret;
  secret.set_value("");
  EXPECT_TRUE(secret.has_value());
  WipeSecrets(secret);
  EXPECT_FALSE(secret.has_value());
}

TEST(WipeSecrets, WorksOnManyThreadsFromTheirFirstMessageOn) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (const Descriptor* type : AllMessages()) {
        const std::unique_ptr<Message> message = Filled(type);
        WipeSecrets(*message);
        EXPECT_EQ(message->SerializeAsString().find(kPlanted), std::string::npos);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SafeDebugString, ShowsNoMarkedFieldOfAnyMessage) {
  for (const Descriptor* type : AllMessages()) {
    EXPECT_THAT(SafeDebugString(*Filled(type)), Not(HasSubstr("planted"))) << type->full_name();
  }
}

TEST(SafeDebugString, IsOneLineWithAllOtherFields) {
  v1::RefreshResponse response;
  response.set_access_token(kPlanted);
  response.set_token_type("Bearer");
  response.set_generation(7);
  response.add_scopes("a\nb");
  EXPECT_EQ(SafeDebugString(response),
            "access_token: \"[secret]\" token_type: \"Bearer\" generation: 7 scopes: \"a\\nb\"");
}

TEST(SafeDebugString, HidesFieldsThatItDoesNotKnow) {
  v1::GetGrantResponse older;  // has no such fields
  ASSERT_TRUE(older.ParseFromString("\xfa\x07\x06hidden"));
  EXPECT_FALSE(older.GetReflection()->GetUnknownFields(older).empty());
  EXPECT_EQ(SafeDebugString(older), "");
}

TEST(SafeDebugString, LeavesTheMessageAlone) {
  v1::RefreshResponse response;
  response.set_access_token(kPlanted);
  SafeDebugString(response);
  EXPECT_EQ(response.access_token(), kPlanted);
}

using WipedGrant = Wiped<storage::v1::Grant>;
static_assert(!std::is_copy_constructible_v<WipedGrant>);
static_assert(!std::is_copy_assignable_v<WipedGrant>);
static_assert(std::is_nothrow_move_constructible_v<WipedGrant>);

TEST(Wiped, IsEmptyAtFirstWhateverTheThreadHeldBefore) {
  for (int round = 0; round < 10; ++round) {
    std::vector<WipedGrant> grants(7);
    for (WipedGrant& grant : grants) {
      EXPECT_EQ(grant->ByteSizeLong(), 0u);
      Fill(*grant);
    }
  }
}

TEST(Wiped, OverwritesItsSecretsWhenItGoes) {
  // The thread keeps the cleared message, so its memory can be looked at.
  std::vector<const char*> places;
  {
    WipedGrant grant;
    grant->set_access_token(kPlanted);
    grant->set_refresh_token(kPlanted);
    places = {grant->access_token().data(), grant->refresh_token().data()};
  }
  for (const char* place : places) {
    EXPECT_EQ(std::string(place, std::strlen(kPlanted)), std::string(std::strlen(kPlanted), '\0'));
  }
}

TEST(Wiped, MovesAndClones) {
  WipedGrant grant;
  grant->set_access_token(kPlanted);
  const WipedGrant clone = grant.Clone();
  const WipedGrant moved = std::move(grant);
  EXPECT_EQ(clone->access_token(), kPlanted);
  EXPECT_EQ(moved->access_token(), kPlanted);
  grant = WipedGrant();
  EXPECT_EQ(grant->access_token(), "");
}

TEST(Wiped, TakesAMessageOver) {
  storage::v1::Grant plain;
  plain.set_access_token(kPlanted);
  const char* const storage = plain.access_token().data();
  const WipedGrant grant(std::move(plain));
  EXPECT_EQ(grant->access_token().data(), storage);
}

TEST(Wiped, MayEndOnAnotherThreadOrAfterTheThreadsSpares) {
  struct Late {
    WipedGrant* grant = nullptr;
    ~Late() { delete grant; }
  };
  std::thread([] {
    static thread_local Late late;  // constructed before the spares: destroyed after them
    late.grant = nullptr;
    late.grant = new WipedGrant;
    (*late.grant)->set_access_token(kPlanted);
  }).join();
  WipedGrant here;
  std::thread([&] { const WipedGrant there = std::move(here); }).join();
}

}  // namespace
}  // namespace grantkeep
