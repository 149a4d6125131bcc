// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_DEMO_NARRATOR_H_
#define GRANTKEEP_TESTS_DEMO_NARRATOR_H_

#include <chrono>
#include <string>
#include <string_view>

namespace grantkeep::demo {

// "181 ms", "1.3 ms", "87 us": three digits or fewer.
std::string Readable(std::chrono::nanoseconds duration);

// Tells the story on standard output, a line a step. Colours only on a terminal, and not when
// NO_COLOR is set.
class Narrator {
 public:
  Narrator();

  void Title(std::string_view text) const;
  // A step that went well: what was done, what that means, how long it took.
  void Step(std::string_view name, std::string_view meaning, std::string_view time) const;
  void Step(std::string_view name, std::string_view meaning, std::chrono::nanoseconds time) const {
    Step(name, meaning, Readable(time));
  }
  // Something to see, below its step.
  void Detail(std::string_view text) const;
  // A command that the reader can run, and what it does.
  void Command(std::string_view command, std::string_view meaning) const;
  void Line(std::string_view text) const;
  // To standard error.
  void Failure(std::string_view text) const;

 private:
  std::string Coloured(std::string_view code, std::string_view text) const;
  const bool colours_;
};

}  // namespace grantkeep::demo

#endif  // GRANTKEEP_TESTS_DEMO_NARRATOR_H_
