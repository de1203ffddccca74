// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/flags.h"

#include <algorithm>
#include <array>

namespace mete::runtime::oci {
namespace {

const auto kFlags = std::to_array<Flag>({
    {"root", '\0', "", &Options::root, "DIR",
     "where the state of containers is kept; default: /run/mete-oci, or below $XDG_RUNTIME_DIR"},
    {"log", '\0', "", &Options::log, "FILE", "errors and warnings go there, too"},
    {"log-format", '\0', "", &Options::log_format, "text|json", "of what --log gets"},
    {"debug", '\0', "", &Options::debug, "", "also say what is done, step by step"},
    {"systemd-cgroup", '\0', "", &Options::systemd_cgroup, "", "systemd makes the cgroup, as a scope"},
    {"cgroup-manager", '\0', "", &Options::cgroup_manager, "cgroupfs|systemd|disabled", "who makes cgroups"},
    // Before the global one, whose value it has not.
    {"rootless", '\0', " spec ", &Options::rootless_spec, "", "for a user without root"},
    {"rootless", '\0', "", &Options::rootless, "auto|true|false", "whether cgroups may be out of reach"},
    {"version", 'v', "", &Options::version, "", "print the version and end"},
    {"help", 'h', "", &Options::help, "", "print help and end; after a command, the help of that command"},
    {"bundle", 'b', " create run spec ", &Options::bundle, "DIR",
     "folder of config.json and the root file system; default: ."},
    {"config", 'f', " create run ", &Options::config, "FILE", "config.json elsewhere"},
    {"pid-file", '\0', " create run exec ", &Options::pid_file, "FILE", "the pid of the process is written there"},
    {"console-socket", '\0', " create run exec ", &Options::console_socket, "SOCKET",
     "unix socket that takes the terminal"},
    {"pidfd-socket", '\0', " create run exec ", &Options::pidfd_socket, "SOCKET",
     "unix socket that takes a pidfd of the process"},
    {"preserve-fds", '\0', " create run exec ", &Options::preserve_fds, "N", "pass N descriptors from 3 on"},
    {"no-pivot", '\0', " create run ", &Options::no_pivot, "", "change the root without pivot_root"},
    {"no-new-keyring", '\0', " create run ", &Options::no_new_keyring, "", "keep the session keyring of the caller"},
    {"no-subreaper", '\0', " run exec ", &Options::no_subreaper, "", "do not wait for orphans of the process"},
    {"detach", 'd', " run exec ", &Options::detach, "", "return when the process runs"},
    {"keep", '\0', " run ", &Options::keep, "", "keep the container after its end"},
    {"force", 'f', " delete ", &Options::force, "", "kill the container first"},
    {"all", 'a', " kill ", &Options::all, "", "to every process in the container"},
    {"format", 'f', " list ps ", &Options::format, "table|json", "how it is printed"},
    {"quiet", 'q', " list ", &Options::quiet, "", "print ids only"},
    {"process", 'p', " exec ", &Options::process, "FILE", "the process as JSON, in place of flags"},
    {"tty", 't', " exec ", &Options::tty, "", "give the process a terminal"},
    {"cwd", '\0', " exec ", &Options::cwd, "DIR", "working directory"},
    {"env", 'e', " exec ", &Options::env, "NAME=VALUE", "a variable; may be given more than once"},
    {"user", 'u', " exec ", &Options::user, "UID[:GID]", "user and group of the process"},
    {"cap", 'c', " exec ", &Options::capabilities, "CAPABILITY", "add a capability; may be given more than once"},
    {"additional-gids", 'g', " exec ", &Options::additional_gids, "GID",
     "a supplementary group; may be given more than once"},
    {"cgroup", '\0', " exec ", &Options::sub_cgroup, "[CONTROLLERS:]PATH",
     "run in an existing cgroup below the container's"},
    {"ignore-paused", '\0', " exec ", &Options::ignore_paused, "",
     "also in a paused container: the command runs when that is resumed"},
    {"no-new-privs", '\0', " exec ", &Options::no_new_privs, "", "set no_new_privs"},
    {"resources", 'r', " update ", &Options::resources, "FILE", "linux.resources as JSON; - for standard input"},
    {"blkio-weight", '\0', " update ", &Options::blkio_weight, "N", "IO weight, 10 to 1000"},
    {"cpu-period", '\0', " update ", &Options::cpu_period, "US", "CPU period in microseconds"},
    {"cpu-quota", '\0', " update ", &Options::cpu_quota, "US", "CPU time in each period; -1: no limit"},
    {"cpu-burst", '\0', " update ", &Options::cpu_burst, "US", "what an idle period may save for later"},
    {"cpu-share", '\0', " update ", &Options::cpu_share, "N", "CPU shares, 2 to 262144"},
    {"cpu-rt-period", '\0', " update ", &Options::cpu_rt_period, "US", "realtime period"},
    {"cpu-rt-runtime", '\0', " update ", &Options::cpu_rt_runtime, "US", "realtime CPU time in each period"},
    {"cpu-idle", '\0', " update ", &Options::cpu_idle, "0|1", "run only when nobody else wants the CPU"},
    {"cpuset-cpus", '\0', " update ", &Options::cpuset_cpus, "LIST", "CPUs, as 0-3,8"},
    {"cpuset-mems", '\0', " update ", &Options::cpuset_mems, "LIST", "memory nodes"},
    {"memory", '\0', " update ", &Options::memory, "BYTES", "memory limit; -1: none"},
    {"memory-reservation", '\0', " update ", &Options::memory_reservation, "BYTES", "soft limit"},
    {"memory-swap", '\0', " update ", &Options::memory_swap, "BYTES", "memory and swap together; -1: no limit"},
    {"kernel-memory-tcp", '\0', " update ", &Options::kernel_memory_tcp, "BYTES",
     "buffers of TCP, counted by themselves (cgroup v1); -1: no limit"},
    {"pids-limit", '\0', " update ", &Options::pids_limit, "N", "most processes and threads; -1: no limit"},
    {"stats", '\0', " events ", &Options::stats, "", "print once and end"},
    {"interval", '\0', " events ", &Options::interval, "TIME", "between two lines, as 5s"},
});

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
    {"ps", 1, kAny, "ID [PS OPTIONS ...]", "print the container's processes"},
    {"pause", 1, 1, "ID", "freeze the container"},
    {"resume", 1, 1, "ID", "thaw the container"},
    {"update", 1, 1, "ID", "change limits: by flags, or --resources FILE (- for standard input)"},
    {"events", 1, 1, "ID", "print what the container uses, and its OOM kills, as JSON lines"},
    {"features", 0, 0, "", "print what this runtime can do as JSON"},
    {"spec", 0, 0, "", "write an example config.json into the bundle"},
});

// "  -b, --bundle DIR": as wide as the longest.
constexpr std::size_t kHelpColumn = 36;

std::string flag_lines(const std::string& heading, std::string_view command) {
  std::string lines;
  for (const auto& flag : kFlags) {
    const bool own = command.empty() ? flag.commands.empty() : !flag.commands.empty() && fits(flag, command);
    if (!own) continue;
    std::string line = flag.letter == '\0' ? "      --" : std::string("  -") + flag.letter + ", --";
    line.append(flag.name);
    if (!flag.value.empty()) line.append(" ").append(flag.value);
    line.resize(std::max(line.size() + 1, kHelpColumn), ' ');
    lines += line.append(flag.help) + "\n";
  }
  return lines.empty() ? lines : "\n" + heading + ":\n" + lines;
}

std::string with_words(const Command& command) {
  return std::string(command.name) + (command.words.empty() ? "" : " ") + std::string(command.words);
}

std::string help_of_all() {
  std::string text =
      "usage: mete-oci [global flags] COMMAND [flags] [ID] [...]\n\n"
      "An OCI runtime: makes containers from bundles (a config.json and a root file system).\n\ncommands:\n";
  for (const auto& command : kCommands) {
    std::string line = "  " + with_words(command);
    line.resize(std::max(line.size() + 1, kHelpColumn), ' ');
    text += line.append(command.help) + "\n";
  }
  return text + "\nmete-oci COMMAND --help lists the flags of a command.\n" + flag_lines("global flags", {}) +
         "\nexamples:\n"
         "  mete-oci spec && mete-oci run demo\n"
         "  mete-oci create --bundle /srv/web web && mete-oci start web\n"
         "  mete-oci kill web KILL && mete-oci delete web\n";
}

}  // namespace

std::span<const Flag> all_flags() {
  return kFlags;
}

std::span<const Command> all_commands() {
  return kCommands;
}

bool fits(const Flag& flag, std::string_view command) {
  return flag.commands.empty() || flag.commands.find(" " + std::string(command) + " ") != std::string_view::npos;
}

const Command* find_command(std::string_view name) {
  const auto at =
      std::find_if(kCommands.begin(), kCommands.end(), [&](const Command& each) { return each.name == name; });
  return at == kCommands.end() ? nullptr : &*at;
}

std::string help_text(std::string_view name) {
  const Command* const command = find_command(name);
  if (command == nullptr) return help_of_all();
  return "usage: mete-oci [global flags] " + std::string(command->name) +
         (flag_lines("", name).empty() ? "" : " [flags]") + (command->words.empty() ? "" : " ") +
         std::string(command->words) + "\n\n" + std::string(command->help) + "\n" + flag_lines("flags", name);
}

}  // namespace mete::runtime::oci
