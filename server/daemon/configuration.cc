// SPDX-License-Identifier: Apache-2.0
#include "daemon/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "config/yaml.h"
#include "config/yaml_tree.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "provider/check.h"

namespace grantkeep {
namespace {

// More mistakes of form than these are only counted.
constexpr size_t kMaxMistakes = 50;

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

std::string_view PathOf(std::string_view problem) { return problem.substr(0, problem.find(": ")); }

std::string_view GroupOf(std::string_view path) {
  const size_t end = path.find_last_of(".[");
  return path.substr(0, end == std::string_view::npos ? 0 : end);
}

bool IsWithin(std::string_view path, std::string_view group) {
  return group.empty() || path == group ||
         (path.starts_with(group) && (path[group.size()] == '.' || path[group.size()] == '['));
}

class Checking {
 public:
  explicit Checking(const CommandLine& command_line) : command_line_(command_line) {}

  CheckedConfiguration Check() {
    if (!Read()) return std::move(checked_);
    for (std::string& problem : MakeSettings(command_line_, config_, checked_.settings)) {
      NoteMeaning(std::move(problem));
    }
    CheckHttp();
    CheckProviders();
    CheckWhatIsThere();
    return std::move(checked_);
  }

 private:
  // False when there is nothing to go on with.
  bool Read() {
    if (command_line_.config_file.empty()) return true;
    const absl::StatusOr<std::string> text = ReadYamlText(command_line_.config_file);
    if (!text.ok()) {
      checked_.wrong.emplace_back(MessageOf(text.status()));
      return false;
    }
    report_ = ReadWholeYaml(*text, config_);
    report_.lines.SetSource(command_line_.config_file);
    for (const YamlReport::Problem& problem : report_.problems) {
      if (checked_.wrong.size() == kMaxMistakes) {
        checked_.wrong.push_back(fmt::format("and {} more", report_.problems.size() - kMaxMistakes));
        break;
      }
      const std::string place = problem.line == 0
                                    ? command_line_.config_file
                                    : fmt::format("{}:{}", command_line_.config_file, problem.line);
      const std::string field = problem.path.empty() ? "" : problem.path + ": ";
      checked_.wrong.push_back(fmt::format("{}: {}{}", place, field, problem.what));
    }
    // Of a text that is not YAML nothing was read.
    const bool readable = !std::holds_alternative<YamlProblem>(ParseYamlTree(*text));
    checked_.more_may_follow = !readable;
    return readable;
  }

  // A field that could not be read, or whose name is misspelt, would be called missing.
  bool HangsOnForm(std::string_view path) const {
    return std::ranges::any_of(report_.problems, [&](const YamlReport::Problem& problem) {
      const bool unknown_key = !report_.lines.Has(problem.path);
      return IsWithin(path, problem.path) || IsWithin(problem.path, path) ||
             (unknown_key && !report_.lines.Has(path) && IsWithin(path, GroupOf(problem.path)));
    });
  }

  void NoteMeaning(const std::string& problem) {
    const std::string path(PathOf(problem));
    wrong_fields_.push_back(path);
    if (HangsOnForm(path)) {
      checked_.more_may_follow = true;
    } else {
      checked_.wrong.push_back(report_.lines.Located(problem));
    }
  }

  void CheckHttp() {
    Loop loop("check");
    const auto http = CreateHttpClient(loop.context(), checked_.settings.http);
    if (!http.ok()) NoteMeaning(fmt::format("http: {}", MessageOf(http.status())));
    loop.Stop();
  }

  void CheckProviders() {
    const CheckedProviders providers = CheckReadProviders(config_, report_, checked_.settings.dev);
    unusable_ = providers.unusable;
    checked_.more_may_follow = checked_.more_may_follow || !unusable_.empty();
    for (const ProviderProblem& problem : providers.problems) {
      if (problem.provider < 0) continue;  // of form: noted already
      const std::string& id = config_.providers(problem.provider).id();
      const std::string whose =
          id.empty() || problem.path.ends_with("].id") ? "" : fmt::format("provider '{}': ", id);
      std::string line = report_.lines.Located(fmt::format("{}: {}{}", problem.path, whose, problem.what));
      (problem.warning ? checked_.warnings : checked_.wrong).push_back(std::move(line));
    }
  }

  void CheckWhatIsThere() {
    const Prerequisites found = CheckPrerequisites(checked_.settings, unusable_);
    for (const YamlReport::Problem& problem : report_.problems) wrong_fields_.push_back(problem.path);
    for (const std::string& problem : found.missing) {
      // The fields of a group go together: a path and the flag that says what kind of file it is.
      const std::string_view group = GroupOf(PathOf(problem));
      const bool hangs = std::ranges::any_of(wrong_fields_, [&](const std::string& field) {
        return !field.empty() && (IsWithin(field, group) || IsWithin(group, field));
      });
      checked_.more_may_follow = checked_.more_may_follow || hangs;
      if (!hangs) checked_.found.missing.push_back(report_.lines.Located(problem));
    }
    for (const std::string& problem : found.secrets) {
      checked_.found.secrets.push_back(report_.lines.Located(problem));
    }
    for (const std::string& note : found.unchecked) {
      checked_.found.unchecked.push_back(report_.lines.Located(note));
    }
  }

  const CommandLine& command_line_;
  config::v1::Config config_;
  YamlReport report_;
  std::vector<std::string> wrong_fields_;
  std::set<int> unusable_;
  CheckedConfiguration checked_;
};

}  // namespace

CheckedConfiguration CheckConfiguration(const CommandLine& command_line) {
  return Checking(command_line).Check();
}

}  // namespace grantkeep
