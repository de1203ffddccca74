// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <variant>

namespace mete::runtime::oci {
namespace {

using Target = std::variant<bool Options::*, std::string Options::*, std::vector<std::string> Options::*>;

struct Flag {
  std::string_view name;
  char letter;                // '\0': none
  std::string_view commands;  // " create run "; empty: a global flag
  Target target;
};

const auto kFlags = std::to_array<Flag>({
    {"root", '\0', "", &Options::root},
    {"log", '\0', "", &Options::log},
    {"log-format", '\0', "", &Options::log_format},
    {"debug", '\0', "", &Options::debug},
    {"systemd-cgroup", '\0', "", &Options::systemd_cgroup},
    {"cgroup-manager", '\0', "", &Options::cgroup_manager},
    // Before the global one, whose value it has not.
    {"rootless", '\0', " spec ", &Options::rootless_spec},
    {"rootless", '\0', "", &Options::rootless},
    {"version", 'v', "", &Options::version},
    {"help", 'h', "", &Options::help},
    {"bundle", 'b', " create run spec ", &Options::bundle},
    {"config", 'f', " create run ", &Options::config},
    {"pid-file", '\0', " create run exec ", &Options::pid_file},
    {"console-socket", '\0', " create run exec ", &Options::console_socket},
    {"preserve-fds", '\0', " create run exec ", &Options::preserve_fds},
    {"no-pivot", '\0', " create run ", &Options::no_pivot},
    {"no-new-keyring", '\0', " create run ", &Options::no_new_keyring},
    {"no-subreaper", '\0', " run exec ", &Options::no_subreaper},
    {"detach", 'd', " run exec ", &Options::detach},
    {"keep", '\0', " run ", &Options::keep},
    {"force", 'f', " delete ", &Options::force},
    {"all", 'a', " kill ", &Options::all},
    {"format", 'f', " list ps ", &Options::format},
    {"quiet", 'q', " list ", &Options::quiet},
    {"process", 'p', " exec ", &Options::process},
    {"tty", 't', " exec ", &Options::tty},
    {"cwd", '\0', " exec ", &Options::cwd},
    {"env", 'e', " exec ", &Options::env},
    {"user", 'u', " exec ", &Options::user},
    {"cap", 'c', " exec ", &Options::capabilities},
    {"additional-gids", 'g', " exec ", &Options::additional_gids},
    {"no-new-privs", '\0', " exec ", &Options::no_new_privs},
    {"resources", 'r', " update ", &Options::resources},
    {"blkio-weight", '\0', " update ", &Options::blkio_weight},
    {"cpu-period", '\0', " update ", &Options::cpu_period},
    {"cpu-quota", '\0', " update ", &Options::cpu_quota},
    {"cpu-burst", '\0', " update ", &Options::cpu_burst},
    {"cpu-share", '\0', " update ", &Options::cpu_share},
    {"cpu-rt-period", '\0', " update ", &Options::cpu_rt_period},
    {"cpu-rt-runtime", '\0', " update ", &Options::cpu_rt_runtime},
    {"cpu-idle", '\0', " update ", &Options::cpu_idle},
    {"cpuset-cpus", '\0', " update ", &Options::cpuset_cpus},
    {"cpuset-mems", '\0', " update ", &Options::cpuset_mems},
    {"memory", '\0', " update ", &Options::memory},
    {"memory-reservation", '\0', " update ", &Options::memory_reservation},
    {"memory-swap", '\0', " update ", &Options::memory_swap},
    {"pids-limit", '\0', " update ", &Options::pids_limit},
    {"stats", '\0', " events ", &Options::stats},
    {"interval", '\0', " events ", &Options::interval},
});

struct Command {
  std::string_view name;
  std::size_t least;  // words
  std::size_t most;
  std::string_view words;
  std::string_view help;
};
constexpr std::size_t kAny = 1U << 20U;
constexpr auto kCommands = std::to_array<Command>({
    {"create", 1, 1, "ID", "make a container from a bundle; its command waits for start"},
    {"start", 1, 1, "ID", "let a created container execute its command"},
    {"run", 1, 1, "ID", "create, start, wait for the end, delete"},
    {"state", 1, 1, "ID", "print the container's state as JSON"},
    {"kill", 1, 2, "ID [SIGNAL]", "send a signal (TERM) to its first process, or to --all of it"},
    {"delete", 1, 1, "ID", "remove a stopped container; --force kills it first"},
    {"exec", 1, kAny, "ID [COMMAND ...]", "run a further process in a running container"},
    {"list", 0, 0, "", "print all containers below --root"},
    {"ps", 1, kAny, "ID", "print the container's processes"},
    {"pause", 1, 1, "ID", "freeze the container"},
    {"resume", 1, 1, "ID", "thaw the container"},
    {"update", 1, 1, "ID", "change limits: by flags, or --resources FILE (- for standard input)"},
    {"events", 1, 1, "ID", "print what the container uses, and its OOM kills, as JSON lines"},
    {"features", 0, 0, "", "print what this runtime can do as JSON"},
    {"spec", 0, 0, "", "write an example config.json into the bundle"},
});

const Command* find_command(std::string_view name) {
  const auto at =
      std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& each) { return each.name == name; });
  return at == kCommands.end() ? nullptr : &*at;
}

bool fits(const Flag& flag, const std::string& command) {
  return flag.commands.empty() || flag.commands.find(" " + command + " ") != std::string_view::npos;
}

class Parser {
 public:
  Parser(int argc, const char* const* argv, Options& options) : argc_(argc), argv_(argv), options_(options) {}

  Status parse() {
    bool flags_end = false;
    while (at_ < argc_) {
      const std::string word = argv_[at_++];
      if (flags_end || word.size() < 2 || word.front() != '-') {
        METE_CHECK(take_word(word));
        // What follows the id of exec is the command's.
        flags_end = flags_end || (options_.command == "exec" && !options_.words.empty());
      } else if (word == "--") {
        flags_end = true;
      } else {
        METE_CHECK(take_flag(word));
      }
    }
    return check_words();
  }

 private:
  Status take_word(const std::string& word) {
    if (options_.command.empty()) {
      if (find_command(word) == nullptr)
        return fail("found the command \"" + word + "\", expected one of those that --help lists");
      options_.command = word;
    } else {
      options_.words.push_back(word);
    }
    return {};
  }

  const Flag* find_flag(std::string_view name) const {
    const bool is_long = name.starts_with("--");
    const std::string_view bare = name.substr(is_long ? 2 : 1);
    for (const auto& flag : kFlags) {
      // runc's library takes -name for --name as well.
      const bool named = flag.name == bare || (!is_long && bare.size() == 1 && flag.letter == bare.front());
      if (named && fits(flag, options_.command)) return &flag;
    }
    return nullptr;
  }

  Status take_flag(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const Flag* flag = find_flag(name);
    if (flag == nullptr) {
      return fail("found the flag " + name + (options_.command.empty() ? "" : " after " + options_.command) +
                  ", expected one that --help lists");
    }
    if (const auto* target = std::get_if<bool Options::*>(&flag->target)) {
      options_.*(*target) = equals == std::string::npos || word.substr(equals + 1) == "true";
      return {};
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (at_ < argc_) {
      value = argv_[at_++];
    } else {
      return fail("found " + name + " at the end, expected its value after it");
    }
    if (const auto* target = std::get_if<std::string Options::*>(&flag->target)) {
      options_.*(*target) = std::move(value);
    } else {
      (options_.*std::get<std::vector<std::string> Options::*>(flag->target)).push_back(std::move(value));
    }
    return {};
  }

  Status check_words() const {
    if (options_.version || options_.help) return {};
    if (options_.command.empty()) return fail("found no command, expected one of those that --help lists");
    const Command& command = *find_command(options_.command);
    if (options_.words.size() >= command.least && options_.words.size() <= command.most) return {};
    return fail(options_.command + ": found " + std::to_string(options_.words.size()) + " words after it, expected: " +
                options_.command + (command.words.empty() ? "" : " ") + std::string(command.words));
  }

  int argc_;
  const char* const* argv_;
  Options& options_;
  int at_ = 1;
};

}  // namespace

Status parse_options(int argc, const char* const* argv, Options& options) {
  return Parser(argc, argv, options).parse();
}

Result<int> preserved_fds(const Options& options) {
  const auto& text = options.preserve_fds;
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  constexpr int kMost = 1024;
  if (error == std::errc() && end == text.data() + text.size() && count >= 0 && count <= kMost) return count;
  return fail("--preserve-fds: found \"" + text + "\", expected a number of descriptors, at most 1024");
}

std::string help_text() {
  std::string text =
      "usage: mete-oci [global flags] COMMAND [flags] [ID] [...]\n\n"
      "An OCI runtime: makes containers from bundles (a config.json and a root file system).\n\ncommands:\n";
  for (const auto& command : kCommands) {
    std::string line =
        "  " + std::string(command.name) + (command.words.empty() ? "" : " ") + std::string(command.words);
    line.resize(std::max<std::size_t>(line.size() + 1, 26), ' ');
    line += command.help;
    std::string flags;
    for (const auto& flag : kFlags) {
      if (!flag.commands.empty() && fits(flag, std::string(command.name))) flags += " --" + std::string(flag.name);
    }
    text += line + "\n" + (flags.empty() ? "" : std::string(26, ' ') + flags.substr(1) + "\n");
  }
  text += "\nglobal flags:";
  for (const auto& flag : kFlags) {
    if (flag.commands.empty()) text += " --" + std::string(flag.name);
  }
  return text +
         "\n\nexamples:\n"
         "  mete-oci spec && mete-oci run demo\n"
         "  mete-oci create --bundle /srv/web web && mete-oci start web\n"
         "  mete-oci kill web KILL && mete-oci delete web\n";
}

}  // namespace mete::runtime::oci
