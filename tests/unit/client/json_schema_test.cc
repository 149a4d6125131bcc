// SPDX-License-Identifier: Apache-2.0
// The documents of --output json against docs/cli.md, which is the contract.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "client/cli/failure.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/client/command_run.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using google::protobuf::FieldDescriptor;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string Documentation() {
  std::ifstream file(GRANTKEEP_CLI_DOCUMENTATION);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The shape under "### heading".
boost::json::value ShapeOf(const std::string& heading) {
  const std::string text = Documentation();
  const size_t at = text.find("### " + heading + "\n");
  const size_t begin = text.find("```json\n", at) + 8;
  EXPECT_NE(at, std::string::npos) << heading;
  return boost::json::parse(text.substr(begin, text.find("```", begin) - begin));
}

// Everything set, in every message below too: optional members appear.
void Fill(google::protobuf::Message& message) {
  const auto& type = *message.GetDescriptor();
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const bool list = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        list ? reflection.AddString(&message, field, "x") : reflection.SetString(&message, field, "x");
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection.SetUInt64(&message, field, 7);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&message, field, 1'800'000'000);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection.SetUInt32(&message, field, 7);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, field, true);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(&message, field, 1);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Fill(list ? *reflection.AddMessage(&message, field) : *reflection.MutableMessage(&message, field));
        break;
      default:
        break;
    }
  }
}

enum class Members { kAll, kSome };

class Comparison {
 public:
  explicit Comparison(Members members) : members_(members) {}

  void Check(const boost::json::value& shape, const boost::json::value& value, const std::string& path) {
    if (shape.is_string()) return CheckScalar(shape.as_string(), value, path);
    if (shape.is_array()) {
      ASSERT_TRUE(value.is_array()) << path;
      for (const auto& element : value.as_array()) Check(shape.as_array()[0], element, path + "[]");
      return;
    }
    ASSERT_TRUE(value.is_object()) << path;
    CheckObject(shape.as_object(), value.as_object(), path);
  }

 private:
  void CheckObject(const boost::json::object& shape, const boost::json::object& value,
                   const std::string& path) {
    if (shape.contains("*")) {
      for (const auto& [name, element] : value) Check(shape.at("*"), element, path + ".*");
      return;
    }
    for (const auto& [name, element] : value) {
      const std::string key(name);
      const auto* expected = shape.if_contains(key);
      if (expected == nullptr) expected = shape.if_contains(key + "?");
      ASSERT_NE(expected, nullptr) << path << "." << key << " is not documented";
      Check(*expected, element, fmt::format("{}.{}", path, key));
    }
    for (const auto& [name, expected] : shape) {
      std::string key(name);
      const bool optional = key.ends_with('?');
      if (optional) key.pop_back();
      const bool wanted = !optional || members_ == Members::kAll;
      EXPECT_TRUE(!wanted || value.contains(key)) << path << "." << key << " is missing";
    }
  }

  static void CheckScalar(std::string_view type, const boost::json::value& value, const std::string& path) {
    if (type == "number") {
      EXPECT_TRUE(value.is_number()) << path;
    } else if (type == "boolean") {
      EXPECT_TRUE(value.is_bool()) << path;
    } else {
      ASSERT_TRUE(value.is_string()) << path;
      const std::string text(value.as_string());
      if (type == "uint64") EXPECT_THAT(text, MatchesRegex("[0-9]+")) << path;
      if (type == "time") EXPECT_THAT(text, MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9:.]+Z")) << path;
      if (type == "base64") EXPECT_THAT(text, MatchesRegex("[A-Za-z0-9+/]*=*")) << path;
    }
  }

  Members members_;
};

class JsonSchemaTest : public ::testing::Test {
 protected:
  JsonSchemaTest() {
    Answer(service_.refresh);
    Answer(service_.get_grant);
    Answer(service_.revoke_grant);
    Answer(service_.get_static_secret);
    Answer(service_.put_static_secret);
    Answer(service_.delete_static_secret);
    Answer(service_.list_static_secrets);
    Answer(service_.list_grants);
    Answer(service_.get_server_status);
    Answer(service_.adopt_store);
    service_.watch_grants = [this](grpc::ServerContext&, const v1::WatchGrantsRequest&,
                                   grpc::ServerWriter<v1::WatchGrantsResponse>& writer) {
      v1::WatchGrantsResponse response;
      if (members_ == Members::kAll) Fill(response);
      writer.Write(response);
      return grpc::Status::OK;
    };
  }
  template <typename Request, typename Response>
  void Answer(FakeService::Handler<Request, Response>& handler) {
    handler = [this](const Request&, Response& response) {
      if (members_ == Members::kAll) Fill(response);
      // There is one page.
      if (const auto* page = Response::descriptor()->FindFieldByName("next_page_token")) {
        response.GetReflection()->ClearField(&response, page);
      }
      return grpc::Status::OK;
    };
  }
  boost::json::value Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--output", "json", "--address", service_.address()});
    const CommandResult result = RunCommand(arguments, "value");
    EXPECT_TRUE(result.out.ends_with('\n'));
    return boost::json::parse(result.out);
  }
  void Compare(const std::string& heading, const boost::json::value& document, Members members) {
    Comparison(members).Check(ShapeOf(heading), document, heading);
  }

  Members members_ = Members::kAll;
  TempDir dir_;
  FakeService service_;
};

TEST_F(JsonSchemaTest, EveryCommandsDocumentIsAsDocumented) {
  struct Case {
    const char* heading;
    std::vector<std::string> arguments;
  };
  const std::vector<Case> cases = {
      {"login", {"grants", "show", "g"}},
      {"token", {"token", "g"}},
      {"grants list", {"grants", "list"}},
      {"grants watch", {"grants", "watch", "g"}},
      {"grants revoke", {"grants", "revoke", "g"}},
      {"secret put", {"secret", "put", "s"}},
      {"secret get", {"secret", "get", "s"}},
      {"secret list", {"secret", "list"}},
      {"secret delete", {"secret", "delete", "s"}},
      {"providers list", {"providers", "list"}},
      {"providers list --server", {"providers", "list", "--server"}},
  };
  for (const Case& c : cases) {
    for (const Members members : {Members::kAll, Members::kSome}) {
      members_ = members;
      Compare(c.heading, Run(c.arguments), members);
    }
  }
}

TEST_F(JsonSchemaTest, TheAdoptionsDocumentIsAsDocumented) {
  service_.get_server_status = [](const v1::GetServerStatusRequest&, v1::GetServerStatusResponse& response) {
    response.mutable_store()->set_adoption_problem("another store");
    return grpc::Status::OK;
  };
  for (const Members members : {Members::kAll, Members::kSome}) {
    members_ = members;
    Compare("admin adopt", Run({"admin", "adopt", "--as", "restore"}), members);
  }
}

TEST_F(JsonSchemaTest, TheCommandsThatNeedNoServiceAreAsDocumented) {
  for (const char* name : {"google", "github", "discord"}) {
    Compare("providers show", Run({"providers", "show", name}), Members::kSome);
  }
  const std::string file = (dir_ / "c.yaml").string();
  std::ofstream(file) << "providers: [{id: a, bogus: 1}]";
  Compare("providers check", Run({"providers", "check", file}), Members::kAll);
  Compare("doctor", Run({"doctor"}), Members::kAll);
  Compare("version", Run({"version"}), Members::kAll);
}

TEST_F(JsonSchemaTest, ErrorsAreAsDocumented) {
  service_.refresh = [](const v1::RefreshRequest&, v1::RefreshResponse&) {
    return StatusWithReason(grpc::StatusCode::NOT_FOUND, "no", "GRANT_NOT_FOUND");
  };
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"token", "g"}, {"token", "--bogus"}, {"token", "g", "--timeout", "0s"}}) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"--output", "json", "--address", service_.address()});
    const CommandResult result = RunCommand(all);
    EXPECT_EQ(result.out, "");
    Compare("error", boost::json::parse(result.err), Members::kSome);
  }
  CallError throttled;
  throttled.retry_after = std::chrono::seconds(3);
  Compare("error", boost::json::parse(cli::ErrorJson(throttled, "")), Members::kAll);
}

TEST(ExitCodeDocumentation, HasEveryCodeOfTheHelp) {
  std::istringstream help(cli::kExitCodeHelp);
  const std::string text = Documentation();
  int codes = 0;
  for (std::string line; std::getline(help, line);) {
    if (!line.starts_with("  ")) continue;
    EXPECT_THAT(text, HasSubstr("\n| " + line.substr(2, 1) + " | "));
    ++codes;
  }
  EXPECT_EQ(codes, 8);
}

}  // namespace
}  // namespace grantkeep::testing
