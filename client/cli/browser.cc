// SPDX-License-Identifier: Apache-2.0
#include "client/cli/browser.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace grantkeep::cli {
namespace {

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t at = std::min(text.find(separator), text.size());
    if (at > 0) parts.emplace_back(text.substr(0, at));
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return parts;
}

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool Start(std::vector<std::string> command) {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  // A process group of its own, so that Ctrl-C here does not reach the browser.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &files, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error == 0;
}

}  // namespace

bool IsBrowsable(std::string_view url) {
  if (!std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7f; })) return false;
  return url.starts_with("https://") || url.starts_with("http://127.0.0.1:") ||
         url.starts_with("http://[::1]:") || url.starts_with("http://localhost:");
}

std::vector<std::vector<std::string>> BrowserCommands(std::string_view browser, bool display,
                                                      const std::string& url) {
  std::vector<std::vector<std::string>> commands;
  for (const std::string& entry : Split(browser, ':')) {
    std::vector<std::string> words = Split(entry, ' ');
    if (words.empty()) continue;
    bool replaced = false;
    for (std::string& word : words) {
      if (const size_t at = word.find("%s"); at != std::string::npos) {
        word.replace(at, 2, url);
        replaced = true;
      }
    }
    if (!replaced) words.push_back(url);
    commands.push_back(std::move(words));
  }
  if (commands.empty() && display) commands.push_back({"xdg-open", url});
  return commands;
}

absl::Status OpenBrowser(const std::string& url) {
  const char* browser = std::getenv("BROWSER");
  const bool display = IsSet("DISPLAY") || IsSet("WAYLAND_DISPLAY");
  for (const auto& command : BrowserCommands(browser == nullptr ? "" : browser, display, url)) {
    if (Start(command)) return absl::OkStatus();
  }
  return absl::NotFoundError("no browser to open");
}

}  // namespace grantkeep::cli
