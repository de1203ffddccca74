// SPDX-License-Identifier: Apache-2.0
// Makes a container: read, record, cgroups, launch. Undoes all steps when one fails.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "runtime/cgroup/abilities.h"
#include "runtime/file.h"
#include "runtime/oci/config/home.h"
#include "runtime/oci/config/rights.h"
#include "runtime/oci/console.h"
#include "runtime/oci/container.h"
#include "runtime/oci/control_lines.h"
#include "runtime/oci/hooks.h"
#include "runtime/oci/launch_checks.h"
#include "runtime/oci/net_devices.h"
#include "runtime/oci/notify.h"
#include "runtime/oci/systemd.h"
#include "runtime/oci/time_text.h"
#include "runtime/process/app_armor.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/terminal.h"

namespace mete::runtime::oci {
namespace {

class Maker {
 public:
  explicit Maker(const CreateRequest& request) : request_(request), place_(request.root, request.id) {}

  Result<Made> make() {
    METE_TRY(Config config, read());
    METE_CHECK(prepare(config));
    METE_TRY(const UniqueFd lock, place_.claim(request_.root));
    auto launched = build(config);
    if (!launched) {
      if (group_) explain_limit(*group_, config.resources.limits, launched.error());
      // Removes all that this call has made; a cgroup that existed before stays.
      std::optional<State> made = state_;
      if (!group_made_) made->cgroup.clear();
      (void)remove_container(place_, made);
      if (hooks_began_) (void)run_poststop(*made);
      return tl::unexpected<Error>(std::move(launched.error()));
    }
    for (auto& warning : launched->warnings) config.warnings.push_back(std::move(warning));
    return Made{std::move(state_), std::move(*launched), std::move(terminal_), gated_, std::move(config.warnings)};
  }

 private:
  Result<Config> read() {
    METE_CHECK(check_id(request_.id));
    // Checked early, before anything is read; the mkdir in claim() decides.
    char bundle[PATH_MAX];
    if (::realpath(request_.bundle.c_str(), bundle) == nullptr) return fail_errno("bundle " + request_.bundle);
    Surroundings surroundings;
    surroundings.bundle = bundle;
    surroundings.capabilities = own_capabilities();
    surroundings.apparmor = process::has_app_armor();
    surroundings.systemd = request_.systemd;
    auto found = hierarchies();
    if (found) {
      surroundings.cgroup_view = process::view_of(**found);
    } else if (request_.cgroups) {
      return tl::unexpected<Error>(std::move(found.error()));
    }
    METE_TRY(const std::string text,
             read_document(request_.config_file.empty() ? surroundings.bundle + "/config.json" : request_.config_file));
    METE_TRY(Config config, read_config(text, surroundings));
    METE_CHECK(check_rootfs(config.launch.rootfs));
    METE_CHECK(check_terminal(config.launch, request_.console.valid(), request_.takes_terminal));
    config.launch.env.insert(config.launch.env.end(), request_.more_env.begin(), request_.more_env.end());
    hooks_ = std::move(config.hooks);
    net_devices_ = std::move(config.net_devices);
    // start_container() runs the hooks before the command and opens the notify socket, which the command needs from its
    // start.
    gated_ = request_.with_gate || !hooks_.start_container.empty() || !hooks_.poststart.empty() ||
             std::getenv("NOTIFY_SOCKET") != nullptr;
    state_.hooks = {{}, {}, {}, hooks_.start_container, hooks_.poststart, hooks_.poststop};
    state_.version = config.version;
    state_.id = request_.id;
    state_.bundle = bundle;
    state_.rootfs = config.launch.rootfs;
    state_.created = time_text();
    state_.annotations = config.annotations;
    return config;
  }

  Status prepare(Config& config) {
    auto& launch = config.launch;
    if (config.seccomp) {
      METE_TRY(launch.identity.seccomp_filter, compile_seccomp(*config.seccomp));
      launch.identity.seccomp_flags = config.seccomp->flags;
      state_.listener_path = config.seccomp->listener_path;
      state_.listener_metadata = config.seccomp->listener_metadata;
    }
    launch.move_root = request_.move_root;
    if (request_.new_keyring) launch.session_keyring = "_ses." + request_.id;
    if (!request_.cgroups) {
      if (config.resources.limits_something())
        return fail("config.json: linux.resources: found limits, expected none with --cgroup-manager=disabled");
      return {};
    }
    state_.cgroup = config.cgroups_path.empty() ? "/" + request_.id : config.cgroups_path;
    if (request_.systemd) {
      METE_TRY(unit_, parse_systemd_path(config.cgroups_path, request_.id));
      state_.cgroup = unit_->path();
      state_.unit = unit_->name;
    }
    METE_TRY(const auto* found, hierarchies());
    state_.cgroup_mounts = found->mounts;
    METE_CHECK(complete_limits(config.resources, *found));
    auto group = cgroup::Group::at(*found, state_.cgroup);
    if (!group) return fail_in("config.json: linux.cgroupsPath", group.error());
    if (state_.cgroup == "/") return fail("config.json: linux.cgroupsPath: found the root, expected a group below it");
    group_ = std::move(*group);
    // Reports errors of the plan before anything is made; the plan that is launched is made when its cgroups are known.
    METE_TRY(const auto plan, process::make_plan(launch));
    (void)plan;
    return {};
  }

  // In the host's cgroup namespace a fresh cgroup mount would show all groups of the machine, and a container with a
  // user namespace may not make one. Such a container gets a bind of its own group instead, as with runc. So does one
  // whose own cgroup namespace would show that group anyway: a bind is cheaper.
  void show_own_groups(process::LaunchSpec& launch) const {
    const bool shared_view = !has_own_view(launch);
    if (!shared_view && (request_.rootless || !may_bind(launch))) return;
    process::bind_own_group(group_->hierarchies(), state_.cgroup, launch.cgroup_mounts);
    // In a user namespace what the machine's mount has is locked.
    for (auto& mount : launch.cgroup_mounts) mount.cleared = shared_view ? 0 : mount.cleared;
  }

  Status enter_unit(pid_t pid, const Config& config) {
    group_made_ = true;
    METE_CHECK(start_unit(*unit_, pid, config.resources.limits, cgroup::units_take_memory_max(group_->hierarchies())));
    // Makes what systemd does not: controllers that it was not asked for, and v1 hierarchies that it does not manage.
    METE_CHECK(fill_group(config));
    return group_->attach(pid);
  }

  // Without root, making a cgroup is often refused. The container then runs without one, unless limits are set.
  Status make_group_or_do_without(Config& config) {
    auto made = make_group(config);
    const bool refused =
        !made && (made.error().code == EACCES || made.error().code == EPERM || made.error().code == EROFS);
    if (!refused || !request_.rootless) return made;
    if (config.resources.limits_something())
      return fail("linux.resources: found limits, expected none: the caller may not make cgroups (" +
                  made.error().what + ")");
    config.warnings.push_back("the container runs without limits: the caller may not make cgroups (" +
                              made.error().what + ")");
    if (group_made_) (void)group_->remove();
    group_.reset();
    group_made_ = false;
    state_.cgroup.clear();
    return place_.save(state_);
  }

  Status make_group(const Config& config) {
    if (!group_) return {};
    METE_CHECK(claim_group());
    // On v1 the group is made while the child mounts, because both take equally long and most machines have two
    // processors. It is made first when the child mounts the groups themselves, or when a refusal must be tolerated.
    const bool later = !request_.rootless && has_own_view(config.launch) && !group_->hierarchies().v1.empty();
    if (!later) return fill_group(config);
    make_group_later_ = true;
    return group_->create_unified();
  }

  // Refuses a group with processes: they would be killed with the container.
  Status claim_group() {
    group_made_ = !group_->exists();
    if (group_made_) return {};
    METE_TRY(const bool frozen, group_->frozen());
    if (frozen) return fail("cgroup " + state_.cgroup + ": found it frozen, expected it to run");
    METE_TRY(const bool populated, group_->populated());
    if (populated)
      return fail("cgroup " + state_.cgroup + ": found processes in it, expected a group of the container's own");
    return {};
  }

  Status fill_group(const Config& config) {
    METE_CHECK(group_->create());
    METE_CHECK(set_up_resources(*group_, config.resources, group_made_));
    return cgroup::apply_device_rules(*group_, config.resources.device_rules);
  }

  Result<process::Launched> build(Config& config) {
    METE_CHECK(place_.write_new("state.json", to_text(state_)));
    METE_CHECK(offer_notify_socket(place_, config.launch));
    // systemd makes the group around the process, so the process must exist first.
    if (!unit_) METE_CHECK(make_group_or_do_without(config));
    if (group_) {
      config.launch.cgroup = process::join_of(*group_);
      show_own_groups(config.launch);
    }
    METE_TRY(process::Plan plan, process::make_plan(config.launch));
    METE_CHECK(place_.write_new("plan", process::encode(plan)));
    for (const auto& op : request_.tell_step ? plan.ops : std::vector<process::SetupOp>())
      request_.tell_step(process::describe(op));
    // Not in the recorded plan: who enters the container later may be another user.
    if (!has_home(plan.env)) plan.env.push_back("HOME=" + home_in(passwd_of(config.launch), plan.identity.uid));
    process::LaunchOptions options;
    options.stdin_fd = STDIN_FILENO;
    options.stdout_fd = STDOUT_FILENO;
    options.stderr_fd = STDERR_FILENO;
    options.preserved = request_.preserved_fds;
    UniqueFd gate;
    if (gated_) {
      if (::mkfifo(place_.gate().c_str(), 0600) != 0) return fail_errno("mkfifo " + place_.gate());
      METE_TRY(gate, open_at(AT_FDCWD, place_.gate(), O_RDWR));
      options.start_gate = gate.get();
    }
    if (unit_) plan.cgroup = {};
    if (make_group_later_) options.make_cgroups = [this, &config] { return fill_group(config); };
    options.record = [this, &config](pid_t pid) -> Status {
      METE_TRY(state_.process, process::identify(pid));
      METE_CHECK(place_.save(state_));
      if (!request_.pidfd_socket.empty()) {
        METE_TRY(const UniqueFd pidfd, process::open_pidfd(state_.process));
        METE_CHECK(send_pidfd(request_.pidfd_socket, pidfd));
      }
      return unit_ ? enter_unit(pid, config) : Status();
    };
    options.terminal = [this](UniqueFd terminal) -> Status {
      if (request_.console.valid()) return send_terminal(request_.console, terminal);
      terminal_ = std::move(terminal);
      process::prepare_foreground(terminal_);
      return {};
    };
    options.listener = [this](UniqueFd listener, pid_t pid) {
      return send_listener(state_.listener_path, process_state(state_, "creating", pid), listener);
    };
    options.hooks = [this](pid_t pid) { return run_create_hooks(pid); };
    return process::launch(plan, options);
  }

  Status run_create_hooks(pid_t pid) {
    METE_CHECK(move_net_devices(net_devices_, pid));
    hooks_began_ = true;
    const std::string state = spec_state(state_, "creating", pid);
    METE_CHECK(run_hooks(hooks_.prestart, "prestart", state, {state_.bundle}));
    METE_CHECK(run_hooks(hooks_.create_runtime, "createRuntime", state, {state_.bundle}));
    return run_hooks(hooks_.create_container, "createContainer", state, {state_.bundle, pid});
  }

  const CreateRequest& request_;
  Place place_;
  State state_;
  std::optional<cgroup::Group> group_;
  bool group_made_ = false;
  bool make_group_later_ = false;
  std::optional<SystemdUnit> unit_;
  Hooks hooks_;
  std::vector<NetDevice> net_devices_;
  UniqueFd terminal_;
  bool gated_ = false;
  bool hooks_began_ = false;
};

}  // namespace

Result<Made> make_container(const CreateRequest& request) {
  return Maker(request).make();
}

}  // namespace mete::runtime::oci
