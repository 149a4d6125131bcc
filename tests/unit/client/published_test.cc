// SPDX-License-Identifier: Apache-2.0
#include "client/published.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace grantkeep::client {
namespace {

// Says how many of its kind there are, and that it is still one.
struct Counted {
  explicit Counted(int number_) : number(number_), same(number_) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    same = -1;
    --alive;
  }
  const int number;
  int same;
  static inline std::atomic<int> alive = 0;
};

TEST(Published, WhatNobodyReadsIsDestroyedWhenItIsReplaced) {
  {
    Published<Counted> published(std::make_unique<const Counted>(1));
    for (int i = 2; i < 100; ++i) {
      published.Replace(std::make_unique<const Counted>(i));
      EXPECT_EQ(Counted::alive, 1);
      EXPECT_EQ(published.With([](const Counted& counted) { return counted.number; }), i);
    }
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Published, WhatIsReadStaysUntilTheReaderIsDone) {
  Published<Counted> published(std::make_unique<const Counted>(1));
  published.With([&](const Counted& counted) {
    std::thread([&] {
      published.Replace(std::make_unique<const Counted>(2));
      published.Replace(std::make_unique<const Counted>(3));
    }).join();
    EXPECT_EQ(counted.same, 1);
    EXPECT_EQ(Counted::alive, 2);
    return 0;
  });
  published.Replace(std::make_unique<const Counted>(4));
  EXPECT_EQ(Counted::alive, 1);
}

TEST(Published, ReadersNeverSeeWhatWasDestroyedAndNeverGoBack) {
  Published<Counted> published(std::make_unique<const Counted>(0));
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers(4);
  for (std::thread& reader : readers) {
    reader = std::thread([&] {
      int newest = 0;
      while (!stop) {
        newest = published.With([&](const Counted& counted) {
          if (counted.same != counted.number || counted.number < newest) ++wrong;
          return counted.number;
        });
      }
    });
  }
  for (int i = 1; i < 200'000; ++i) published.Replace(std::make_unique<const Counted>(i));
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(Counted::alive, 5);
}

TEST(Published, ThreadsThatEndLeaveTheirPlaceToOthers) {
  Published<Counted> published(std::make_unique<const Counted>(1));
  const HazardSlot* first = nullptr;
  for (int i = 0; i < 100; ++i) {
    std::thread([&] {
      published.With([](const Counted& counted) { return counted.number; });
      if (first == nullptr) first = &HazardSlot::OfThisThread();
      EXPECT_EQ(&HazardSlot::OfThisThread(), first);
    }).join();
  }
}

}  // namespace
}  // namespace grantkeep::client
