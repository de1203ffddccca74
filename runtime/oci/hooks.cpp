// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/hooks.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>

#include "runtime/fd.h"
#include "runtime/file.h"
#include "runtime/oci/config/home.h"
#include "runtime/process/launch/intermediate.h"
#include "runtime/process/launch/launcher.h"
#include "runtime/process/plan/enter.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::oci {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// A hook's standard input and output are files in memory: they cannot fill up like a pipe, so nothing has to serve them
// while the hook runs.
struct Streams {
  UniqueFd input;
  UniqueFd output;
};

Result<Streams> open_streams(const std::string& state) {
  Streams streams{UniqueFd(::memfd_create("state", MFD_CLOEXEC)), UniqueFd(::memfd_create("output", MFD_CLOEXEC))};
  if (!streams.input.valid() || !streams.output.valid()) return fail_errno("memfd_create");
  METE_CHECK(write_all(streams.input.get(), state));
  if (::lseek(streams.input.get(), 0, SEEK_SET) != 0) return fail_errno("lseek");
  return streams;
}

// The last lines of a hook's output.
std::string written_to(const UniqueFd& output) {
  char text[2048];
  const off_t size = ::lseek(output.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(sizeof text));
  const ssize_t got = ::pread(output.get(), text, sizeof text, from);
  std::string shown(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!shown.empty() && (shown.back() == '\n' || shown.back() == ' ')) shown.pop_back();
  return shown.empty() ? "" : ": " + shown;
}

struct Running {
  pid_t pid = 0;
  UniqueFd pidfd;
};

Status await(const Running& running, const Hook& hook, const std::string& name, const UniqueFd& output) {
  const int milliseconds =
      hook.timeout ? static_cast<int>(std::min<long>(hook.timeout->count() * 1000, 86'400'000)) : -1;
  pollfd wait{running.pidfd.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&wait, 1, milliseconds);
  } while (ready < 0 && errno == EINTR);
  const bool late = ready == 0;
  if (late) (void)process::send_signal(running.pidfd, SIGKILL);
  int status = 0;
  while (::waitpid(running.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (late)
    return fail(name + ": found it running after " + std::to_string(hook.timeout->count()) + " s, its timeout; killed");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                              : "status " + std::to_string(WEXITSTATUS(status));
  return fail(name + ": ended with " + how + written_to(output));
}

// Flags for setns(2) of the namespaces in which the process differs from this one.
int foreign_namespaces(pid_t pid) {
  constexpr std::pair<const char*, int> kKinds[] = {
      {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},  {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC},
      {"uts", CLONE_NEWUTS},   {"pid", CLONE_NEWPID}, {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}};
  int flags = 0;
  for (const auto& [name, flag] : kKinds) {
    struct stat theirs {};
    struct stat ours {};
    const bool known = ::stat(("/proc/" + std::to_string(pid) + "/ns/" + name).c_str(), &theirs) == 0 &&
                       ::stat((std::string("/proc/self/ns/") + name).c_str(), &ours) == 0;
    if (known && theirs.st_ino != ours.st_ino) flags |= flag;
  }
  return flags;
}

[[noreturn]] void become_hook(const Hook& hook, char* const* args, char* const* env, const Streams& streams,
                              const HookPlace& place) {
  const auto give_up = [&](const char* tried) {
    const int error = errno;
    (void)::dprintf(streams.output.get(), "%s: %s", tried, strerrordesc_np(error));
    ::_exit(127);
  };
  if (::chdir(place.bundle.c_str()) != 0) give_up("change directory to the bundle");
  ::dup2(streams.input.get(), STDIN_FILENO);
  ::dup2(streams.output.get(), STDOUT_FILENO);
  ::dup2(streams.output.get(), STDERR_FILENO);
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(hook.path.c_str(), args, env);
  give_up(hook.path.c_str());
  ::_exit(127);
}

std::vector<std::string> words_of(const Hook& hook) {
  return hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
}

// Clones into the namespaces of the process `inside`. The intermediate process is there because a PID namespace counts
// only for what is cloned after it was joined.
Result<process::Cloned> clone_inside(const struct clone_args& args, pid_t inside, const std::function<void()>& hook) {
  const int flags = foreign_namespaces(inside);
  const UniqueFd target(static_cast<int>(::syscall(SYS_pidfd_open, inside, 0)));
  if (!target.valid()) return fail_errno("the container's first process is gone");
  const auto join = [&]() -> process::JoinFailure {
    // Processes of a shared PID namespace see the hook before it executes its program.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (flags != 0 && ::setns(target.get(), flags) != 0) return {"join the container's namespaces", "", errno};
    const bool foreign_user = (flags & CLONE_NEWUSER) != 0;
    if (foreign_user && (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0))
      return {"become root of the user namespace", "", errno};
    return {};
  };
  return process::clone_through_intermediate(args, join, hook);
}

Status run_one(const Hook& hook, const std::string& name, const std::string& state, const HookPlace& place) {
  METE_TRY(const Streams streams, open_streams(state));
  auto words = words_of(hook);
  auto variables = hook.env.value_or(std::vector<std::string>());
  const auto args = pointers(words);
  const auto own_env = pointers(variables);
  char* const* const env = hook.env ? own_env.data() : environ;
  const auto become = [&] { become_hook(hook, args.data(), env, streams, place); };
  int pidfd = -1;
  struct clone_args clone {};
  clone.flags = CLONE_PIDFD;
  clone.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  clone.exit_signal = SIGCHLD;
  if (place.inside != 0) {
    auto cloned = clone_inside(clone, place.inside, become);
    if (!cloned) return fail_in(name, cloned.error());
    return await({cloned->pid, std::move(cloned->pidfd)}, hook, name, streams.output);
  }
  const long pid = ::syscall(SYS_clone3, &clone, sizeof clone);
  if (pid < 0) return fail_errno(name + ": clone3");
  if (pid == 0) become();
  return await({static_cast<pid_t>(pid), UniqueFd(pidfd)}, hook, name, streams.output);
}

Status run_in_container(const Hook& hook, const std::string& name, const std::string& state,
                        const process::Plan& container, pid_t pid) {
  METE_TRY(const Streams streams, open_streams(state));
  METE_TRY(process::Plan plan, process::make_enter_plan(container, {pid, words_of(hook), {}, {}}));
  if (hook.env) {
    plan.env = *hook.env;
  } else if (!has_home(plan.env)) {
    plan.env.push_back("HOME=" + home_in(passwd_of(pid), plan.identity.uid));
  }
  plan.file = hook.path;
  process::LaunchOptions options;
  options.stdin_fd = streams.input.get();
  options.stdout_fd = streams.output.get();
  options.stderr_fd = streams.output.get();
  auto launched = process::launch(plan, options);
  if (!launched) return fail_in(name, launched.error());
  return await({launched->pid, std::move(launched->pidfd)}, hook, name, streams.output);
}

std::string name_of(const char* point, std::size_t index, const Hook& hook) {
  return "hooks." + std::string(point) + "[" + std::to_string(index) + "] " + hook.path;
}

}  // namespace

Status run_hooks(const std::vector<Hook>& hooks, const char* point, const std::string& state, const HookPlace& place) {
  for (std::size_t i = 0; i < hooks.size(); ++i)
    METE_CHECK(run_one(hooks[i], name_of(point, i, hooks[i]), state, place));
  return {};
}

Status run_start_hooks(const std::vector<Hook>& hooks, const std::string& state, const std::string& plan_bytes,
                       pid_t container) {
  if (hooks.empty()) return {};
  METE_TRY(const process::Plan plan, process::decode_plan(plan_bytes));
  for (std::size_t i = 0; i < hooks.size(); ++i) {
    METE_CHECK(run_in_container(hooks[i], name_of("startContainer", i, hooks[i]), state, plan, container));
  }
  return {};
}

}  // namespace mete::runtime::oci
