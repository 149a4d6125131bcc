// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "grantkeep/config/v1/config.pb.h"
#include "provider/built_in.h"
#include "provider/overlay.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class CatalogueTest : public ProviderFixture {
 protected:
  absl::StatusOr<std::unique_ptr<Catalogue>> Read(std::string_view yaml) {
    config::v1::Config config;
    const absl::Status read = ReadYaml(yaml, "test.yaml", config);
    EXPECT_TRUE(read.ok()) << read;
    return Catalogue::Create(config.providers(), Dependencies());
  }
};

TEST_F(CatalogueTest, HasTheBuiltInRecords) {
  EXPECT_THAT(Catalogue::BuiltIn(),
              IsSupersetOf({Key("google"), Key("github"), Key("slack"), Key("slack-user"), Key("notion"),
                            Key("linear"), Key("discord")}));
}

TEST_F(CatalogueTest, EveryBuiltInRecordIsRightOnceTheClientIsAdded) {
  for (const auto& [name, built_in] : Catalogue::BuiltIn()) {
    config::v1::Provider record = built_in;
    EXPECT_EQ(record.id(), name);
    EXPECT_NE(record.display_name(), "") << name;
    if (record.kind() == config::v1::PROVIDER_KIND_OAUTH) {
      record.mutable_client()->set_client_id("client");
      if (record.client_authentication() != config::v1::CLIENT_AUTHENTICATION_NONE) {
        record.mutable_client()->add_client_secrets()->set_env("SECRET");
      }
    }
    const auto provider = Provider::Create(record, Dependencies());
    EXPECT_TRUE(provider.ok()) << name << ": " << provider.status();
  }
}

// A file that says anything unknown would end the process at its first use, in ReadBuiltIn.
TEST_F(CatalogueTest, FilesAreReadStrictly) {
  for (const EmbeddedFile& file : EmbeddedCatalogue()) {
    config::v1::Provider record;
    EXPECT_TRUE(ReadYaml(file.text, "file", record).ok()) << file.name;
    const absl::Status unknown =
        ReadYaml(std::string(file.text) + "\nclient_autentication: none\n", "file", record);
    EXPECT_THAT(MessageOf(unknown), HasSubstr("client_autentication")) << file.name;
    EXPECT_THAT(std::string(file.text), StartsWith("# SPDX-License-Identifier: Apache-2.0\n# ")) << file.name;
    EXPECT_FALSE(record.has_client()) << file.name;
  }
}

// Where an issuer is configured, `iss` on a callback is compared with it; where there is none, a
// callback that has one is refused. Which providers those are is decided here and not by omission.
TEST_F(CatalogueTest, ProvidersWithoutAnIssuerAreThese) {
  std::vector<std::string> without;
  for (const auto& [name, record] : Catalogue::BuiltIn()) {
    if (record.kind() == config::v1::PROVIDER_KIND_OAUTH && record.issuer().empty()) without.push_back(name);
  }
  EXPECT_THAT(without, ElementsAre("linear", "notion", "slack", "slack-user"));
}

// Both are Slack: what differs is whose tokens they are.
TEST_F(CatalogueTest, SlacksTwoRecordsDifferInTheTokensOnly) {
  config::v1::Provider user = Catalogue::BuiltIn().at("slack-user");
  const config::v1::Provider& bot = Catalogue::BuiltIn().at("slack");
  EXPECT_EQ(user.scope_parameter(), "user_scope");
  EXPECT_EQ(user.token_object(), "authed_user");
  user.clear_scope_parameter();
  user.clear_token_object();
  user.set_id(bot.id());
  user.set_display_name(bot.display_name());
  *user.mutable_unverified() = bot.unverified();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(user, bot));
}

// A record written as YAML, as an operator would: only scalars, lists, maps and groups.
void WriteYaml(const google::protobuf::Message& message, const std::string& indent, std::string& out) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const auto& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  const auto quoted = [](std::string_view text) { return fmt::format("'{}'", text); };
  for (const auto* field : fields) {
    out += indent + field->name() + ":";
    if (field->is_map()) {
      out += '\n';
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        const auto& entry = reflection.GetRepeatedMessage(message, field, i);
        const auto& type = *entry.GetDescriptor();
        out += fmt::format("{}  {}: {}\n", indent,
                           quoted(entry.GetReflection()->GetString(entry, type.map_key())),
                           quoted(entry.GetReflection()->GetString(entry, type.map_value())));
      }
    } else if (field->is_repeated()) {
      out += '\n';
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        out += fmt::format("{}  - {}\n", indent, quoted(reflection.GetRepeatedString(message, field, i)));
      }
    } else if (field->message_type() == google::protobuf::Duration::descriptor()) {
      google::protobuf::Duration duration;
      duration.CopyFrom(reflection.GetMessage(message, field));
      EXPECT_EQ(duration.nanos(), 0);
      out += fmt::format(" {}s\n", duration.seconds());
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      out += '\n';
      WriteYaml(reflection.GetMessage(message, field), indent + "  ", out);
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_ENUM) {
      // Every value's name in YAML is its name less the type's prefix, which no value's name repeats.
      std::string prefix;
      for (const char c : field->enum_type()->name()) {
        if (std::isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
        prefix += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      }
      std::string name = reflection.GetEnum(message, field)->name().substr(prefix.size() + 1);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      out += " " + name + "\n";
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_BOOL) {
      out += reflection.GetBool(message, field) ? " true\n" : " false\n";
    } else {
      out += " " + quoted(reflection.GetString(message, field)) + "\n";
    }
  }
}

TEST_F(CatalogueTest, EveryBuiltInRecordGoesThroughTheWalkerUnchanged) {
  for (const auto& [name, built_in] : Catalogue::BuiltIn()) {
    std::string yaml;
    WriteYaml(built_in, "", yaml);
    const config::v1::Provider again = Record(yaml);
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(built_in, again)) << name << "\n" << yaml;
  }
}

TEST_F(CatalogueTest, ABuiltInRecordNeedsNoMoreThanAClient) {
  const auto catalogue = Read(
      "providers:\n"
      "- catalogue: google\n"
      "  client: {client_id: abc, client_secrets: [{env: SECRET}]}\n"
      "  redirect_uris: [http://127.0.0.1/callback]\n"
      "- catalogue: discord\n"
      "- id: work\n"
      "  issuer: https://id.example\n"
      "  client: {client_id: abc}\n");
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  Provider* const google = (*catalogue)->Find(ProviderId("google"));
  ASSERT_NE(google, nullptr);
  EXPECT_TRUE(google->AllowsRedirectUri("http://127.0.0.1:4711/callback"));
  const auto metadata = loop_.Run(google->Metadata({}, In(seconds(1))));
  ASSERT_TRUE(metadata.ok());
  AuthorizationRequest request;
  request.state = "s";
  request.scopes = {"openid", "email"};
  EXPECT_EQ(google->AuthorizationUrl(*metadata, request),
            "https://accounts.google.com/o/oauth2/v2/"
            "auth?response_type=code&client_id=abc&scope=openid+email&state=s"
            "&access_type=offline&prompt=consent");
  EXPECT_TRUE((*catalogue)->Find(ProviderId("discord"))->is_static());
  EXPECT_NE((*catalogue)->Find(ProviderId("work")), nullptr);
  EXPECT_EQ((*catalogue)->Find(ProviderId("github")), nullptr) << "only what is configured exists";
  EXPECT_EQ((*catalogue)->All().size(), 3u);
}

TEST_F(CatalogueTest, AStaticProviderHasNoEndpoints) {
  const auto catalogue = Read("providers: [{catalogue: discord, id: bot}]");
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  Provider* const bot = (*catalogue)->Find(ProviderId("bot"));
  EXPECT_EQ(bot->record().static_credential().header_name(), "Authorization");
  EXPECT_EQ(bot->record().static_credential().value_prefix(), "Bot ");
  EXPECT_FALSE(bot->AllowsRedirectUri("https://app.example/callback"));
  const auto metadata = loop_.Run(bot->Metadata({}, In(seconds(1))));
  EXPECT_TRUE(HasReason(metadata.status(), Reason::kProviderIsStatic));
}

TEST_F(CatalogueTest, MistakesAreNamedByTheirPlace) {
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"providers: [{catalogue: gogle}]", "providers[0]: catalogue: names no built-in provider"},
      {"providers: [{catalogue: discord}, {catalogue: google}]",
       "providers[1]: client.client_id: is missing"},
      {"providers: [{catalogue: discord}, {catalogue: discord}]",
       "providers[1]: id: 'discord' is given twice"},
      {"providers: [{issuer: https://a.example, client: {client_id: x}}]",
       "providers[0]: id: must be 1 to 128"},
  };
  for (const auto& [yaml, message] : mistakes) {
    const auto catalogue = Read(yaml);
    EXPECT_THAT(MessageOf(catalogue.status()), HasSubstr(message)) << yaml;
    EXPECT_TRUE(HasReason(catalogue.status(), Reason::kInvalidField));
  }
}

// RFC 9207 section 4.
TEST_F(CatalogueTest, AnIssuerBelongsToOneServer) {
  static constexpr char kTwo[] =
      "providers:\n"
      "- {{id: a, issuer: https://as.example, client: {{client_id: x}}, authorization_endpoint: "
      "https://as.example/a,\n"
      "    token_endpoint: https://as.example/t}}\n"
      "- {{id: b, issuer: https://as.example, client: {{client_id: y}}, {}}}\n";
  EXPECT_TRUE(Read(fmt::format(kTwo,
                               "authorization_endpoint: https://as.example/a, token_endpoint: "
                               "https://as.example/t"))
                  .ok());
  for (const char* other :
       {"authorization_endpoint: https://as.example/a, token_endpoint: https://evil.example/t",
        "authorization_endpoint: https://as.example/b, token_endpoint: https://as.example/t", ""}) {
    EXPECT_EQ(MessageOf(Read(fmt::format(kTwo, other)).status()),
              "providers: 'a' and 'b' have the same issuer but different endpoints")
        << other;
  }
}

TEST(Overlay, ReplacesListsMergesMapsAndKeepsTheRest) {
  const config::v1::Provider base = Record(
      "token_endpoint: https://a.example\n"
      "authorization_parameters: {a: \"1\", b: \"2\"}\n"
      "default_scopes: [x, y]\n"
      "optional_authorization_parameters: [p]\n"
      "request_timeout: 1500ms\n"
      "rotation: strict\n"
      "client: {client_id: base, client_secrets: [{env: BASE}]}\n");
  const config::v1::Provider above = Record(
      "id: mine\n"
      "authorization_parameters: {b: \"3\", c: \"4\"}\n"
      "default_scopes: [z]\n"
      "request_timeout: 2s\n"
      "rotation: none\n"
      "client: {client_secrets: [{file: /a}, {file: /b}]}\n");
  const config::v1::Provider merged = Overlay(base, above);
  EXPECT_EQ(merged.id(), "mine");
  EXPECT_EQ(merged.token_endpoint(), "https://a.example");
  EXPECT_THAT(merged.authorization_parameters(),
              UnorderedElementsAre(Pair("a", "1"), Pair("b", "3"), Pair("c", "4")));
  EXPECT_THAT(merged.default_scopes(), ElementsAre("z"));
  EXPECT_THAT(merged.optional_authorization_parameters(), ElementsAre("p"));
  EXPECT_EQ(merged.request_timeout().seconds(), 2);
  EXPECT_EQ(merged.request_timeout().nanos(), 0);
  EXPECT_EQ(merged.rotation(), config::v1::ROTATION_NONE);
  EXPECT_EQ(merged.client().client_id(), "base");
  ASSERT_EQ(merged.client().client_secrets_size(), 2);
  EXPECT_EQ(merged.client().client_secrets(0).file(), "/a");
}

// A record with rotation grace would otherwise be one whose rotation cannot be changed.
TEST(Overlay, AnotherRotationTakesTheGraceAway) {
  const config::v1::Provider base = Record("rotation: grace\nrotation_grace: 30s\n");
  EXPECT_FALSE(Overlay(base, Record("rotation: strict")).has_rotation_grace());
  EXPECT_EQ(Overlay(base, Record("rotation: grace\nrotation_grace: 5s\n")).rotation_grace().seconds(), 5);
  EXPECT_EQ(Overlay(base, Record("rotation_grace: 5s")).rotation_grace().seconds(), 5);
  EXPECT_EQ(Overlay(base, Record("id: a")).rotation_grace().seconds(), 30);
}

}  // namespace
}  // namespace grantkeep::testing
