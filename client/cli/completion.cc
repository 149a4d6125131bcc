// SPDX-License-Identifier: Apache-2.0
#include "client/cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "provider/provider.h"

namespace grantkeep::cli {
namespace {

// Both shells run this. REPLY is what may stand at the cursor: words, or FILE.
constexpr char kCore[] = R"sh(
# $1: the word at the cursor; the others: those between the program and it.
__grantkeep_complete() {
  local cursor=$1 command='' option='' word
  shift
  for word in "$@"; do
    if [[ $word == '=' ]]; then
      continue
    elif [[ -n $option ]]; then
      option=''
    elif [[ $word == -* ]]; then
      __grantkeep_value "$command" "$word" && option=$word
    else
      __grantkeep_commands "$command"
      [[ " $REPLY " == *" $word "* ]] && command="${command:+$command }$word"
    fi
  done
  if [[ -n $option ]]; then
    __grantkeep_value "$command" "$option"
  elif [[ $cursor == -* ]]; then
    __grantkeep_options "$command"
  else
    __grantkeep_commands "$command"
    [[ -n $REPLY ]] || __grantkeep_argument "$command"
  fi
}
)sh";

constexpr char kBash[] = R"sh(
_grantkeep() {
  local cursor=${COMP_WORDS[COMP_CWORD]} REPLY=''
  [[ $cursor != '=' ]] || cursor=''
  __grantkeep_complete "$cursor" "${COMP_WORDS[@]:1:COMP_CWORD-1}"
  if [[ $REPLY == FILE ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cursor")
  else
    mapfile -t COMPREPLY < <(compgen -W "$REPLY" -- "$cursor")
  fi
}
complete -F _grantkeep grantkeep
)sh";

constexpr char kZsh[] = R"sh(
_grantkeep() {
  local cursor=${words[CURRENT]} REPLY=''
  local -a before=("${(@)words[2,CURRENT-1]}")
  if [[ $cursor == --*=* ]]; then
    before+=("${cursor%%=*}")
    cursor=${cursor#*=}
    compset -P '*='
  fi
  __grantkeep_complete "$cursor" "${before[@]}"
  if [[ $REPLY == FILE ]]; then
    _files
  else
    compadd -- ${=REPLY}
  fi
}
if [[ ${funcstack[1]} == _grantkeep ]]; then
  _grantkeep "$@"
elif (( ${+functions[compdef]} )); then
  compdef _grantkeep grantkeep
fi
)sh";

// The words for a type name of the command table; empty when only the user knows.
std::string WordsFor(std::string type) {
  if (type == "FILE") return type;
  std::vector<std::string> words;
  if (type.ends_with("PROVIDER")) {
    for (const auto& [name, record] : Catalogue::BuiltIn()) {
      const bool is_static = record.kind() == config::v1::PROVIDER_KIND_STATIC;
      if (type == "PROVIDER" || is_static == type.starts_with("STATIC")) words.push_back(name);
    }
  } else if (type == "-") {
    words.push_back(type);
  } else if (type.find('|') != std::string::npos) {
    std::ranges::replace(type, '|', ' ');
    words.push_back(type);
  }
  return fmt::format("{}", fmt::join(words, " "));
}

// Walks the tree and collects the arms of the four `case`s.
struct Arms {
  std::string commands;
  std::string options;
  std::string values;
  std::string arguments;

  void Add(const CLI::App& root, const CLI::App& command, const std::string& path) {
    std::vector<std::string> names;
    for (const CLI::App* below : command.get_subcommands(nullptr)) {
      names.push_back(below->get_name());
      Add(root, *below, path.empty() ? below->get_name() : path + " " + below->get_name());
    }
    AddCommands(path, names);
    // What help explains: to the shells, the commands again, below it.
    if (&command == &root) {
      names.emplace_back("exit-codes");
      AddCommands("help", names);
    } else if (!names.empty()) {
      AddCommands("help " + path, names);
    }
    std::vector<std::string> flags;
    AddOptions(command, path, flags);
    if (&command != &root) AddOptions(root, path, flags);
    options += fmt::format("    '{}') REPLY='{}' ;;\n", path, fmt::join(flags, " "));
  }

 private:
  void AddCommands(const std::string& path, const std::vector<std::string>& names) {
    if (!names.empty()) commands += fmt::format("    '{}') REPLY='{}' ;;\n", path, fmt::join(names, " "));
  }

  void AddOptions(const CLI::App& owner, const std::string& path, std::vector<std::string>& flags) {
    for (const CLI::Option* option : owner.get_options()) {
      const std::string words = WordsFor(option->get_type_name());
      if (option->get_positional()) {
        arguments += fmt::format("    '{}') REPLY='{}' ;;\n", path, words);
        continue;
      }
      for (const std::string& name : option->get_lnames()) {
        const std::string flag = "--" + name;
        // A command's own option hides the program's (secret get --version).
        if (std::ranges::find(flags, flag) != flags.end()) continue;
        flags.push_back(flag);
        if (option->get_items_expected_max() == 0) continue;
        values += fmt::format("    '{} {}') REPLY='{}' ;;\n", path, flag, words);
      }
    }
  }
};

std::string Function(std::string_view name, std::string_view comment, std::string_view subject,
                     std::string_view arms, std::string_view otherwise) {
  return fmt::format("\n# {}\n{}() {{\n  REPLY=''\n  case \"{}\" in\n{}{}  esac\n}}\n", comment, name,
                     subject, arms, otherwise);
}

}  // namespace

std::string CompletionScript(const CLI::App& root, const std::string& shell) {
  Arms arms;
  arms.Add(root, root, "");
  const bool zsh = shell == "zsh";
  return fmt::format("{}# Completion of grantkeep, written by: grantkeep completion {}\n",
                     zsh ? "#compdef grantkeep\n" : "", shell) +
         Function("__grantkeep_commands", "The commands below $1.", "$1", arms.commands, "") +
         Function("__grantkeep_options", "The options of $1.", "$1", arms.options, "") +
         Function("__grantkeep_value", "What option $2 of $1 takes; fails when it takes nothing.", "$1 $2",
                  arms.values, "    *) return 1 ;;\n") +
         Function("__grantkeep_argument", "What the argument of $1 may be.", "$1", arms.arguments, "") +
         kCore + (zsh ? kZsh : kBash);
}

}  // namespace grantkeep::cli
