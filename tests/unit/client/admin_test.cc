// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <thread>

#include "tests/unit/client/command_run.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kStore(32, 'a');

class AdoptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    service_.get_server_status = [this](const v1::GetServerStatusRequest&,
                                        v1::GetServerStatusResponse& response) {
      *response.mutable_store() = store_;
      return grpc::Status::OK;
    };
    service_.adopt_store = [this](const v1::AdoptStoreRequest& request, v1::AdoptStoreResponse& response) {
      adopted_.push_back(request);
      response.set_store_id(std::string(32, 'b'));
      response.set_epoch(4);
      return grpc::Status::OK;
    };
    store_.set_kind("sqlite");
    store_.set_id(kStore);
    store_.set_epoch(3);
    store_.set_available(true);
    store_.set_adoption_problem("the store is another");
  }
  std::vector<std::string> Arguments(std::vector<std::string> more) const {
    more.insert(more.begin(), {"admin", "adopt", "--address", service_.address()});
    return more;
  }
  CommandResult Adopt(std::vector<std::string> more) const { return RunCommand(Arguments(std::move(more))); }
  // The exit code, and what a person saw who answered so.
  std::pair<int, std::string> Answering(const std::string& keys, std::vector<std::string> more) const {
    Terminal terminal;
    const MemoryFile out;
    int code = -1;
    std::thread command([&] {
      code = cli::RunCommandLine(Arguments(std::move(more)),
                                 {.in = terminal.fd(), .out = out.fd(), .err = terminal.fd()});
    });
    std::string screen = terminal.ScreenUntil("[yes/no] ");
    terminal.Type(keys);
    command.join();
    return {code, screen + terminal.Rest()};
  }

  v1::StoreStatus store_;
  std::vector<v1::AdoptStoreRequest> adopted_;
  FakeService service_;
};

TEST_F(AdoptTest, TheStoreThatWasShownIsAdopted) {
  const CommandResult result = Adopt({"--as", "restore"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("sqlite store " + kStore + ", epoch 3"), HasSubstr("the store is another")));
  EXPECT_EQ(result.out, "the store is adopted: it is " + std::string(32, 'b') + " in epoch 4 now\n");
  ASSERT_EQ(adopted_.size(), 1u);
  EXPECT_EQ(adopted_[0].adoption(), v1::STORE_ADOPTION_RESTORE);
  EXPECT_EQ(adopted_[0].store_id(), kStore);
  EXPECT_EQ(Adopt({"--as", "clone", "--store-id", kStore}).code, 0);
  EXPECT_EQ(adopted_[1].adoption(), v1::STORE_ADOPTION_CLONE);
}

TEST_F(AdoptTest, OnATerminalNothingIsDoneWithoutAYes) {
  const auto [code, screen] = Answering("y\n", {"--as", "clone"});
  EXPECT_EQ(code, 6);
  EXPECT_THAT(screen,
              AllOf(HasSubstr(kStore), HasSubstr("Adopt it as a clone?"), HasSubstr("not confirmed")));
  EXPECT_TRUE(adopted_.empty());
  EXPECT_EQ(Answering("yes\n", {"--as", "clone"}).first, 0);
  EXPECT_EQ(adopted_.size(), 1u);
}

TEST_F(AdoptTest, WithYesNobodyIsAsked) {
  Terminal terminal;
  const MemoryFile out;
  EXPECT_EQ(cli::RunCommandLine(Arguments({"--as", "clone", "--yes"}),
                                {.in = terminal.fd(), .out = out.fd(), .err = out.fd()}),
            0);
  EXPECT_EQ(adopted_.size(), 1u);
}

TEST_F(AdoptTest, WhatNeedsNoAdoptionIsLeftAsItIs) {
  store_.set_adopted(true);
  store_.clear_adoption_problem();
  const CommandResult in_use = Adopt({"--as", "restore", "--output", "json"});
  EXPECT_EQ(in_use.code, 6);
  EXPECT_EQ(boost::json::parse(in_use.err).at("error").at("reason"), "STORE_ALREADY_ADOPTED");
  store_.set_adopted(false);
  store_.set_problem("no answer in time");
  const CommandResult silent = Adopt({"--as", "restore"});
  EXPECT_EQ(silent.code, 5);
  EXPECT_THAT(silent.err, HasSubstr("no answer in time"));
  EXPECT_TRUE(adopted_.empty());
}

TEST_F(AdoptTest, AnotherStoreThanTheOneThatIsMeantIsNotAdopted) {
  const CommandResult result = Adopt({"--as", "restore", "--store-id", std::string(32, 'c')});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("--store-id"), HasSubstr(kStore)));
  EXPECT_EQ(Adopt({"--as", "restore", "--store-id", "short"}).code, 2);
  EXPECT_EQ(Adopt({}).code, 2) << "what it is has to be said";
  EXPECT_EQ(Adopt({"--as", "backup"}).code, 2);
  EXPECT_TRUE(adopted_.empty());
}

}  // namespace
}  // namespace grantkeep::testing
