// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/config/home.h"
#include "runtime/oci/config/rights.h"
#include "runtime/oci/console.h"
#include "runtime/oci/container.h"
#include "runtime/oci/control_lines.h"
#include "runtime/process/app_armor.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/plan/enter.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/terminal.h"

namespace mete::runtime::oci {
namespace {

Result<std::uint32_t> parse_number(std::string_view text, const std::string& flag) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // Numbers only: the client resolves names. The image's passwd could map a name to any number (CVE-2026-30892).
  if (error != std::errc() || end != text.data() + text.size() || number == ~0U) {
    return fail(flag + ": found \"" + std::string(text) + "\", expected a number");
  }
  return number;
}

void set_directory(process::Plan& plan, const std::string& directory) {
  for (auto& op : plan.ops) {
    if (auto* change = std::get_if<process::EnterDirectory>(&op)) change->path = directory;
  }
}

// exec --process FILE replaces everything but the seccomp filter, which stays the container's.
void apply_process(Config&& config, process::Plan& plan) {
  config.launch.identity.seccomp_filter = std::move(plan.identity.seccomp_filter);
  config.launch.identity.seccomp_flags = plan.identity.seccomp_flags;
  plan.identity = std::move(config.launch.identity);
  plan.args = std::move(config.launch.args);
  plan.env = std::move(config.launch.env);
  if (config.launch.oom_score_adj) {
    plan.has_oom_score_adj = true;
    plan.oom_score_adj = *config.launch.oom_score_adj;
  }
  set_directory(plan, config.launch.cwd);
}

Status apply_flags(const Options& options, process::Plan& plan) {
  for (const auto& each : options.env) {
    if (each.find('=') == std::string::npos || each.front() == '=')
      return fail("--env: found \"" + each + "\", expected NAME=value");
    const std::string name = each.substr(0, each.find('=') + 1);
    std::erase_if(plan.env, [&](const std::string& other) { return other.starts_with(name); });
    plan.env.push_back(each);
  }
  if (!options.user.empty()) {
    const auto colon = options.user.find(':');
    METE_TRY(plan.identity.uid, parse_number(std::string_view(options.user).substr(0, colon), "--user"));
    if (colon != std::string::npos) {
      METE_TRY(plan.identity.gid, parse_number(std::string_view(options.user).substr(colon + 1), "--user"));
    }
  }
  for (const auto& each : options.additional_gids) {
    METE_TRY(const std::uint32_t gid, parse_number(each, "--additional-gids"));
    plan.identity.additional_gids.push_back(gid);
  }
  for (const auto& name : options.capabilities) {
    const auto bit = process::capability_mask(name);
    if (!bit) return fail("--cap: found \"" + name + "\", expected a capability such as CAP_NET_ADMIN");
    auto& sets = plan.identity.capabilities;
    sets.bounding |= *bit;
    sets.effective |= *bit;
    sets.permitted |= *bit;
    // A user other than root would lose it at the exec if it were not ambient, which the kernel wants to be
    // inheritable. For root the inheritable set stays as it is (CVE-2022-29162).
    if (plan.identity.uid != 0) sets.inheritable |= *bit;
    sets.ambient |= *bit & sets.inheritable;
  }
  if (options.no_new_privs) plan.identity.no_new_privileges = true;
  if (!options.cwd.empty()) {
    if (options.cwd.front() != '/') return fail("--cwd: found \"" + options.cwd + "\", expected an absolute path");
    set_directory(plan, options.cwd);
  }
  return {};
}

Result<process::Plan> enter_plan(const Options& options, const Place& place, const State& state) {
  METE_TRY(const std::string bytes, read_file(AT_FDCWD, place.plan()));
  METE_TRY(const process::Plan container, process::decode_plan(bytes, process::matters_for_entering));
  process::EnterSpec spec;
  spec.pid = state.process.pid;
  spec.by_pidfd = true;
  spec.args = {options.words.begin() + 1, options.words.end()};
  std::optional<Config> given;
  if (!options.process.empty()) {
    METE_TRY(const std::string text, read_document(options.process));
    const bool in_user_namespace =
        (container.clone_flags & CLONE_NEWUSER) != 0 || !container.join_user_namespace.empty();
    METE_TRY(given, read_process(text, {.bundle = {},
                                        .cgroup_view = {},
                                        .capabilities = in_user_namespace ? ~0ULL : own_capabilities(),
                                        .apparmor = process::has_app_armor()}));
    spec.args = given->launch.args;
    spec.tuning = given->launch.tuning;
    spec.terminal = given->launch.terminal;
  }
  if (options.tty && !spec.terminal) spec.terminal = process::TerminalSpec{};
  METE_TRY(process::Plan plan, process::make_enter_plan(container, spec));
  if (given) apply_process(std::move(*given), plan);
  METE_CHECK(apply_flags(options, plan));
  if (!has_home(plan.env)) plan.env.push_back("HOME=" + home_in(passwd_of(spec.pid), plan.identity.uid));
  return plan;
}

bool opens_terminal(const process::Plan& plan) {
  return std::any_of(plan.ops.begin(), plan.ops.end(),
                     [](const auto& op) { return std::holds_alternative<process::OpenTerminal>(op); });
}

Status open_console(const Options& options, const process::Plan& plan, UniqueFd& console) {
  if (!options.console_socket.empty()) {
    if (!opens_terminal(plan))
      return fail(
          "--console-socket: found one, expected none without a terminal: cannot use console socket if mete-oci will "
          "not detach or allocate tty");
    METE_TRY(console, connect_to(options.console_socket, "--console-socket"));
    return {};
  }
  if (options.detach && opens_terminal(plan))
    return fail(
        "exec: found a terminal and --detach, expected --console-socket with them: cannot allocate tty if mete-oci "
        "will detach without setting console socket");
  return {};
}

// --cgroup: "PATH" in all hierarchies, or "cpu,memory:PATH" in those of these controllers.
Status choose_cgroup(const Options& options, const State& state, const cgroup::Hierarchies& machine,
                     process::Plan& plan) {
  if (options.sub_cgroup.empty()) return {};
  if (state.cgroup.empty()) return fail("--cgroup: found a container without a cgroup of its own, expected one");
  const auto colon = options.sub_cgroup.find(':');
  std::string path = options.sub_cgroup.substr(colon == std::string::npos ? 0 : colon + 1);
  while (path.starts_with('/')) path.erase(0, 1);
  while (path.ends_with('/')) path.pop_back();
  METE_TRY(const auto group, cgroup::Group::at(machine, state.cgroup));
  METE_TRY(const auto below, cgroup::Group::at(machine, state.cgroup + (path.empty() ? "" : "/" + path)));
  const auto own = process::join_of(group);
  auto join = process::join_of(below);
  if (colon != std::string::npos) {
    std::vector<std::string> chosen;  // directories
    for (std::string_view rest = std::string_view(options.sub_cgroup).substr(0, colon); !rest.empty();) {
      const std::string_view controller = cgroup::next_part(rest, ',');
      chosen.push_back(below.directory(controller));
      if (controller.empty() || chosen.back().empty())
        return fail("--cgroup: found the controller \"" + std::string(controller) + "\", expected one of this machine");
    }
    const auto is_chosen = [&](const std::string& directory) {
      return std::find(chosen.begin(), chosen.end(), directory) != chosen.end();
    };
    for (std::size_t i = 0; i < join.procs_files.size(); ++i) {
      if (!is_chosen(std::filesystem::path(join.procs_files[i]).parent_path()))
        join.procs_files[i] = own.procs_files[i];
    }
    if (!is_chosen(join.v2_directory)) join.v2_directory = own.v2_directory;
  }
  auto directories = join.procs_files;
  directories.push_back(join.v2_directory);
  for (const auto& each : directories) {
    if (!each.empty() && ::access(each.c_str(), F_OK) != 0)
      return fail_errno("--cgroup: found no cgroup \"" + path +
                        "\" below the container's, expected one that exists: " + each);
  }
  plan.cgroup = std::move(join);
  return {};
}

// A command that the kernel has killed ends as one that anybody has killed.
int with_reason(const Options& options, const RoomForOne& room, int code) {
  const std::string why = code == 128 + SIGKILL ? room.killed() : std::string();
  if (!why.empty()) report(options, "warning", "exec: " + why);
  return code;
}

Result<int> enter(const Options& options, const Place& place, const State& state, Life life,
                  const cgroup::Hierarchies& machine, const UniqueFd& first) {
  METE_TRY(process::Plan plan, enter_plan(options, place, state));
  METE_CHECK(choose_cgroup(options, state, machine, plan));
  for (const auto& op : options.debug ? plan.ops : std::vector<process::SetupOp>())
    report(options, "debug", process::describe(op));
  UniqueFd console;
  METE_CHECK(open_console(options, plan, console));
  if (!options.detach) hold_signals();
  process::LaunchOptions launch;
  launch.stdin_fd = STDIN_FILENO;
  launch.stdout_fd = STDOUT_FILENO;
  launch.stderr_fd = STDERR_FILENO;
  // A process that is frozen on its way in holds a launcher that shares its memory.
  launch.process = life == Life::paused ? -1 : first.get();
  METE_TRY(launch.preserved, preserved_fds(options));
  UniqueFd terminal;
  launch.terminal = [&](UniqueFd opened) -> Status {
    if (console.valid()) return send_terminal(console, opened);
    terminal = std::move(opened);
    process::prepare_foreground(terminal);
    return {};
  };
  if (!options.pidfd_socket.empty()) {
    launch.record = [&](pid_t pid) -> Status {
      METE_TRY(const auto id, process::identify(pid));
      METE_TRY(const UniqueFd pidfd, process::open_pidfd(id));
      return send_pidfd(options.pidfd_socket, pidfd);
    };
  }
  launch.listener = [&](UniqueFd listener, pid_t pid) {
    return send_listener(state.listener_path, process_state(state, to_string(life), pid), listener);
  };
  const RoomForOne room(machine, state.cgroup);
  auto entered = process::launch(plan, launch);
  if (!entered) room.explain(entered.error());
  METE_TRY(const process::Launched launched, std::move(entered));
  for (const auto& warning : launched.warnings) report(options, "warning", warning);
  if (!options.pid_file.empty()) {
    METE_CHECK(replace_file(options.pid_file, std::to_string(launched.pid), 0644, Durability::volatile_));
  }
  if (options.detach) return 0;
  give_back_image(launched.pidfd);
  return with_reason(options, room,
                     terminal.valid() ? follow_terminal(launched.pid, launched.pidfd, terminal)
                                      : follow(launched.pid, launched.pidfd.get()));
}

tl::unexpected<Error> not_running(const Place& place, Life life) {
  return fail("container not running: found \"" + place.id() + "\" " + to_string(life));
}

}  // namespace

Result<int> exec(const Options& options) {
  const Place place(options.root, options.words.front());
  METE_CHECK(check_id(place.id()));
  METE_TRY(const State state, place.load());
  // Opened before its state is read: then it is that of this process, and not of a later one with its pid.
  const UniqueFd first(static_cast<int>(::syscall(SYS_pidfd_open, state.process.pid, 0)));
  const auto noted = options.sub_cgroup.empty() ? cgroup::noted_hierarchies(state.cgroup_mounts) : std::nullopt;
  const cgroup::Hierarchies* machine = noted ? &*noted : nullptr;
  Result<Life> known = noted ? known_life(place, state, *noted) : fail("no noted hierarchies");
  // The cgroup may not be where its state says that the hierarchies are.
  if (!known) {
    METE_TRY(machine, hierarchies(state.cgroup_mounts));
    known = life_of(place, state, machine);
  }
  const Life life = *known;
  if (life == Life::paused && !options.ignore_paused)
    return fail("container \"" + place.id() + "\": found it paused, expected it running");
  if (life != Life::running && life != Life::created && life != Life::paused) return not_running(place, life);
  auto code = enter(options, place, state, life, *machine, first);
  // It may end while it is entered: what fails then has no other reason.
  if (!code && life_of(place, state, machine) == Life::stopped) return not_running(place, Life::stopped);
  return code;
}

}  // namespace mete::runtime::oci
