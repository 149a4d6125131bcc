// SPDX-License-Identifier: Apache-2.0
// Bytes that no protobuf library would send, to every implemented method through a real socket.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <functional>
#include <string>

#include "tests/unit/rpc/hostile_fields.h"
#include "tests/unit/rpc/server_fixture.h"

namespace grantkeep {
namespace {

using namespace std::string_literals;
using ::testing::AnyOf;
using testing::GoodCall;
using testing::kGoodCalls;
using testing::kInvalid;
using testing::ServerFixture;

std::string Times(int count, const std::string& unit) {
  std::string all;
  for (int i = 0; i < count; ++i) all += unit;
  return all;
}

// Field 1000 holding `size` bytes.
std::string Unknown(size_t size) {
  std::string length;
  for (size_t rest = size; rest > 0 || length.empty(); rest >>= 7) {
    length += static_cast<char>((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  }
  return "\xc2\x3e" + length + std::string(size, 'x');
}

// What is put behind a good request.
struct Appendix {
  const char* name;
  std::string bytes;
  bool harmless;  // the call ends as it would without; else it is no message
};

const Appendix kAppendices[] = {
    {"an unknown number", "\xc0\x3e\x01", true},
    {"an unknown text", Unknown(3), true},
    {"an unknown empty text", Unknown(0), true},
    {"an unknown group", "\xc3\x3e\xc4\x3e", true},
    {"an unknown 64-bit value",
     "\xc1\x3e"
     "12345678",
     true},
    {"unknown fields without end", Times(5000, "\xc0\x3e\x01"), true},
    {"field 1 as a number", "\x08\x01", true},
    {"field 1 as a 32-bit value",
     "\x0d"
     "1234",
     true},
    {"field 1 as a group", "\x0b\x0c", true},
    {"field number 0", "\x02\x01x"s, false},
    {"a field number beyond 2^29", "\xf8\xff\xff\xff\xff\x01\x01", false},
    {"wire type 6", "\x0e", false},
    {"wire type 7", "\x0f", false},
    {"the end of a group that never began", "\xc4\x3e", false},
    {"a group that never ends", "\xc3\x3e", false},
    {"groups in groups", Times(200, "\xc3\x3e") + Times(200, "\xc4\x3e"), false},
    {"a number of eleven bytes", "\xc0\x3e" + std::string(10, '\xff') + "\x01", false},
    {"a text longer than the message",
     "\x0a\x7f"
     "acme",
     false},
    {"a text of 2^64-1 bytes", "\x0a" + std::string(9, '\xff') + "\x01", false},
    {"a text of 2^31 bytes", "\x0a\x80\x80\x80\x80\x08", false},
    {"half a tag", "\xc0", false},
    {"a tag without value", "\x0a", false},
    {"a text that is not UTF-8", "\x0a\x02\xff\xfe", false},
    {"a surrogate half", "\x0a\x03\xed\xa0\x80", false},
    {"an overlong NUL", "\x0a\x02\xc0\x80", false},
};

class HostileBytes : public ServerFixture, public ::testing::WithParamInterface<GoodCall> {
 protected:
  void SetUp() override {
    StartServer();
    rooms_.PutGrant("g", std::chrono::hours(1));
    v1::PutStaticSecretRequest put;
    put.set_tenant("t");
    put.set_name("bot");
    put.set_value("v");
    ASSERT_TRUE(CallAnd(*vault_, &v1::VaultAdmin::Stub::PutStaticSecret, put).first.ok());
  }

  // After everything the method still answers a good request.
  void TearDown() override {
    ExpectGood(Good());
    ServerFixture::TearDown();
  }

  static std::string Good() {
    std::string name(GetParam().method + 1);
    name[name.find('/')] = '.';
    const auto* type =
        google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name)->input_type();
    const std::unique_ptr<google::protobuf::Message> request(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(GetParam().request, request.get()));
    return request->SerializeAsString();
  }
  static bool IsHealth() { return Good().empty(); }
  // A required text.
  static std::string FirstField() {
    return std::string(GetParam().method).ends_with("/AdoptStore") ? "store_id" : "tenant";
  }

  void ExpectGood(const std::string& bytes) {
    const grpc::Status status = CallRaw(GetParam().method, bytes);
    EXPECT_EQ(status.error_code(), GetParam().end.code) << status.error_message();
  }
  void ExpectInvalid(const std::string& bytes, const std::string& field = "") {
    const grpc::Status status = CallRaw(GetParam().method, bytes);
    EXPECT_EQ(status.error_code(), kInvalid.code) << status.error_message();
    EXPECT_EQ(ReasonIn(status), kInvalid.reason) << status.error_message();
    EXPECT_EQ(FieldIn(status), field);
  }
};

TEST_P(HostileBytes, BehindAGoodRequestAreIgnoredOrRefused) {
  for (const Appendix& appendix : kAppendices) {
    SCOPED_TRACE(appendix.name);
    if (appendix.bytes.size() > 1024 && IsHealth()) continue;  // beyond its limit
    if (appendix.harmless) {
      ExpectGood(Good() + appendix.bytes);
    } else {
      ExpectInvalid(Good() + appendix.bytes);
    }
  }
}

TEST_P(HostileBytes, ThatAreCutOffAnywhereEndInARefusalOrInTheSmallerRequest) {
  const std::string whole = Good();
  for (size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    const grpc::Status status = CallRaw(GetParam().method, whole.substr(0, size));
    if (status.error_code() != GetParam().end.code) EXPECT_EQ(ReasonIn(status), kInvalid.reason);
  }
  if (!whole.empty()) ExpectInvalid(whole.substr(0, whole.size() - 1));
}

// The last one counts, as protobuf says: nothing before it may have been checked in its place.
TEST_P(HostileBytes, OfAFieldGivenTwiceCountTheLast) {
  if (IsHealth()) return;
  ExpectGood("\x0a\x01\x02" + Good());
  ExpectInvalid(Good() + "\x0a\x01\x02", FirstField());
  ExpectInvalid(Good() + "\x0a\x00"s, FirstField());
}

TEST_P(HostileBytes, OfTheWrongWireTypeAreAMissingField) {
  if (IsHealth()) return;
  ExpectInvalid("\x08\x01", FirstField());
}

TEST_P(HostileBytes, BeyondTheMethodsLimitAreRefusedUnread) {
  const std::string method = GetParam().method;
  const bool large = method.ends_with("/PutStaticSecret") || method.ends_with("/WatchGrants");
  const size_t limit = IsHealth() ? 1024 : large ? 128 * 1024 : 64 * 1024;
  const std::string good = Good();
  const size_t overhead = Unknown(limit - good.size() - 8).size() - (limit - good.size() - 8);
  const std::string largest = good + Unknown(limit - good.size() - overhead);
  ASSERT_EQ(largest.size(), limit);
  ExpectGood(largest);
  for (const std::string& bytes : {largest + "\xff", std::string(limit + 1, '\xff')}) {
    const grpc::Status status = CallRaw(GetParam().method, bytes);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(ReasonIn(status), "MESSAGE_TOO_LARGE");
  }
  // gRPC itself cuts these off, and knows no reasons.
  EXPECT_EQ(CallRaw(GetParam().method, std::string(160 * 1024 + 1, '\xff')).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

INSTANTIATE_TEST_SUITE_P(Methods, HostileBytes, ::testing::ValuesIn(kGoodCalls), [](const auto& info) {
  const std::string method = info.param.method;
  return method.substr(method.rfind('/') + 1);
});

class HostileMetadata : public ServerFixture {
 protected:
  void SetUp() override {
    StartServer();
    rooms_.PutGrant("g", std::chrono::hours(1));
  }
  grpc::Status RefreshWith(const std::function<void(grpc::ClientContext&)>& prepare) {
    return RefreshWith(*auth_, prepare);
  }
  grpc::Status RefreshWith(v1::AuthService::Stub& stub,
                           const std::function<void(grpc::ClientContext&)>& prepare) {
    auto call = Start(stub, &v1::AuthService::Stub::Refresh, RefreshOf("g"), prepare);
    RunUntilReady(call);
    return call.get().first;
  }
};

TEST_F(HostileMetadata, AFloodIsRefusedAndOtherConnectionsGoOn) {
  grpc::ChannelArguments own_connection;
  own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto flooded = v1::AuthService::NewStub(
      grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), own_connection));
  for (const int entries : {1, 1000}) {
    const grpc::Status status = RefreshWith(*flooded, [&](grpc::ClientContext& context) {
      context.set_wait_for_ready(true);
      for (int i = 0; i < entries; ++i) {
        context.AddMetadata("x-flood-" + std::to_string(i),
                            std::string(static_cast<size_t>(64'000 / entries), 'x'));
      }
    });
    // gRPC refuses the call and closes the connection. When the client is still sending, it sees the end of
    // the connection before the refusal.
    EXPECT_THAT(status.error_code(),
                AnyOf(grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::UNAVAILABLE))
        << status.error_message();
    EXPECT_TRUE(RefreshWith([](grpc::ClientContext&) {}).ok());
  }
}

TEST_F(HostileMetadata, OfAnyKindIsNobodysBusiness) {
  const auto status = RefreshWith([](grpc::ClientContext& context) {
    context.AddMetadata("authorization", "Bearer forged");
    context.AddMetadata("x-forwarded-for", "127.0.0.1");
    context.AddMetadata("x-request-id", "forged");
    context.AddMetadata("anything-bin", std::string("\0\xff\n", 3));
    for (int i = 0; i < 50; ++i) context.AddMetadata("same", "value");
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(HostileMetadata, ADeadlineOfCenturiesOrOfThePastIsADeadline) {
  EXPECT_TRUE(RefreshWith([](grpc::ClientContext& context) {
                context.set_deadline(std::chrono::system_clock::now() + std::chrono::hours(24 * 365 * 200));
              }).ok());
  EXPECT_EQ(RefreshWith([](grpc::ClientContext& context) {
              context.set_deadline(std::chrono::system_clock::now() - std::chrono::hours(24 * 365));
            }).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

}  // namespace
}  // namespace grantkeep
