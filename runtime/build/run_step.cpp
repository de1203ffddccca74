// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/run_step.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cgroup/kill.h"
#include "runtime/cgroup/statistics.h"
#include "runtime/file.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/launch/launcher.h"
#include "runtime/process/plan/defaults.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/seccomp.h"

namespace mete::runtime::build {
namespace {

constexpr const char* kHostName = "build";

Result<process::LaunchSpec> spec_of(const RunStep& step, const std::string& root, const cgroup::Group& group) {
  const bool own_network = step.network != RunNetwork::kHost;
  process::LaunchSpec spec;
  for (const auto kind : {process::NamespaceKind::mount, process::NamespaceKind::pid, process::NamespaceKind::ipc,
                          process::NamespaceKind::uts, process::NamespaceKind::cgroup})
    spec.namespaces.push_back({kind, ""});
  if (own_network) spec.namespaces.push_back({process::NamespaceKind::network, step.network_namespace});
  spec.cgroup = process::join_of(group);
  spec.rootfs = root;
  spec.root_attributes = MOUNT_ATTR_NODEV;
  spec.mounts = process::default_mounts(own_network);
  spec.mounts.insert(spec.mounts.end(), step.mounts.begin(), step.mounts.end());
  spec.cgroup_mounts = process::cgroup_mounts(process::view_of(group.hierarchies()));
  spec.devices = process::default_devices();
  spec.masked_paths = process::default_masked_paths();
  spec.read_only_paths = process::default_read_only_paths();
  spec.hostname = kHostName;
  spec.session_keyring = "_ses.build";
  spec.args = step.args;
  spec.env = step.env;
  spec.cwd = step.cwd;
  process::Identity& identity = spec.identity;
  identity.uid = step.uid;
  identity.gid = step.gid;
  identity.additional_gids = step.groups;
  METE_TRY(const std::uint64_t available, process::own_bounding_set());
  const std::uint64_t mask = process::default_capabilities() & available;
  identity.capabilities.bounding = mask;
  if (step.uid == 0) identity.capabilities.effective = identity.capabilities.permitted = mask;
  METE_TRY(identity.seccomp_filter, process::default_seccomp_filter(mask));
  return spec;
}

// Passes output on until all writers have closed the pipe, or the first process has ended and nothing more is there: a
// process of the container that has left its pid namespace's end behind does not hold up the build.
Status pass_output(int output, const UniqueFd& pidfd, const RunStep& step, const cgroup::Group& group,
                   const OnOutput& on_output) {
  std::string buffer(64U << 10U, '\0');
  bool ended = false;
  int stop = step.stop;
  while (true) {
    pollfd waits[3] = {{output, POLLIN, 0}, {ended ? -1 : pidfd.get(), POLLIN, 0}, {stop, POLLIN, 0}};
    const int ready = ::poll(&waits[0], 3, ended ? 0 : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail_errno("wait for the output of RUN");
    if (waits[2].revents != 0) {
      stop = -1;
      METE_CHECK(cgroup::kill_at_once(group));
    }
    if (waits[0].revents != 0) {
      const ssize_t got = ::read(output, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read the output of RUN");
      if (got == 0) return {};
      on_output({buffer.data(), static_cast<std::size_t>(got)});
      continue;
    }
    if (ended) return {};
    ended = waits[1].revents != 0;
  }
}

Result<int> wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("wait for RUN");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

RunUsage usage_of(const cgroup::Group& group) {
  const cgroup::Statistics statistics = cgroup::read_statistics(group);
  RunUsage usage{statistics.cpu.total, statistics.memory.peak, 0};
  usage.oom_kills = group.oom_kill_count().value_or(0);
  return usage;
}

Result<RunOutcome> run_in(const RunStep& step, const std::string& root, const cgroup::Group& group,
                          const OnOutput& on_output) {
  METE_TRY(const process::LaunchSpec spec, spec_of(step, root, group));
  METE_TRY(const process::Plan plan, process::make_plan(spec));
  METE_TRY(const UniqueFd null, open_at(AT_FDCWD, "/dev/null", O_RDWR));
  int ends[2];
  if (::pipe2(&ends[0], O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  process::LaunchOptions options;
  options.stdin_fd = null.get();
  options.stdout_fd = options.stderr_fd = write.get();
  METE_TRY(const process::Launched launched, process::launch(plan, options));
  write.reset();
  const Status passed = pass_output(read.get(), launched.pidfd, step, group, on_output);
  RunOutcome outcome;
  METE_TRY(outcome.code, wait_for(launched.pid));
  METE_CHECK(passed);
  outcome.usage = usage_of(group);
  return outcome;
}

}  // namespace

std::vector<MountPoint> default_mount_points() {
  return {{"/proc", false}, {"/dev", false}, {"/sys", false}};
}

Result<RunOutcome> carry_out_run(const RunStep& step, const std::string& root, const cgroup::Group& group,
                                 const OnOutput& on_output) {
  METE_TRY(const cgroup::Group own, group.child(step.name));
  METE_CHECK(own.create());
  auto outcome = run_in(step, root, own, on_output);
  METE_CHECK(end_group(own));
  return outcome;
}

}  // namespace mete::runtime::build
