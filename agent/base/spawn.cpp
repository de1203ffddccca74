// SPDX-License-Identifier: Apache-2.0
#include "agent/base/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "agent/base/spare_descriptors.h"
#include "runtime/file.h"
#include "runtime/shim/attempt_files.h"

namespace mete::agent {
namespace {

constexpr int kLockFd = 3;
constexpr int kReadyFd = 4;
constexpr int kCgroupsFd = 5;
constexpr int kNetworkFd = 6;  // kShimNetwork
constexpr int kOutputFd = 3;   // of an exec
constexpr int kMostAttached = 16;

// posix_spawn's file actions with a destructor.
class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  void duplicate(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void open(int fd, const char* path, int flags) { ::posix_spawn_file_actions_addopen(&actions_, fd, path, flags, 0); }
  void close_from(int fd) { ::posix_spawn_file_actions_addclosefrom_np(&actions_, fd); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

// Moves a descriptor above the numbers that the shim gets, so that the duplications cannot overwrite each other.
Result<runtime::UniqueFd> raise_descriptor(int fd) {
  runtime::UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kNetworkFd + 1 + kMostAttached));
  if (!copy.valid()) return fail_errno("dup");
  return copy;
}

// The shim's own standard streams must not keep a pipe of the agent open after the agent's end.
void close_standard_streams(FileActions& actions) {
  actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  actions.open(STDOUT_FILENO, "/dev/null", O_WRONLY);
  actions.open(STDERR_FILENO, "/dev/null", O_WRONLY);
}

Result<pid_t> spawn(const std::string& shim, std::vector<std::string> args, const FileActions& actions,
                    char** environment = nullptr) {
  std::vector<char*> argv;
  argv.reserve(args.size() + 1);
  for (auto& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  char* nothing[] = {nullptr};
  const SpareDescriptors spare;  // the shim inherits the agent's full limit, without the reserve
  pid_t pid = 0;
  if (const int error = ::posix_spawn(&pid, shim.c_str(), actions.get(), nullptr, argv.data(),
                                      environment == nullptr ? &nothing[0] : environment);
      error != 0) {
    return fail_errno("start " + shim, error);
  }
  return pid;
}

}  // namespace

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{runtime::UniqueFd(ends[0]), runtime::UniqueFd(ends[1])};
}

Result<SpawnedShim> spawn_shim(ShimRequest request) {
  METE_TRY(Pipe ready, make_pipe());
  METE_TRY(Pipe cgroups, make_pipe());
  METE_TRY(const runtime::UniqueFd high_lock, raise_descriptor(request.lock.get()));
  METE_TRY(const runtime::UniqueFd high_ready, raise_descriptor(ready.write.get()));
  METE_TRY(const runtime::UniqueFd high_cgroups, raise_descriptor(cgroups.read.get()));
  std::vector<std::string> args = {"mete-shim",  request.mode,
                                   "--dir",      request.directory,
                                   "--lock-fd",  std::to_string(kLockFd),
                                   "--ready-fd", std::to_string(kReadyFd)};
  if (request.mode == "run") args.insert(args.end(), {"--cgroups-fd", std::to_string(kCgroupsFd)});
  args.insert(args.end(), request.more.begin(), request.more.end());
  FileActions actions;
  close_standard_streams(actions);
  actions.duplicate(high_lock.get(), kLockFd);
  actions.duplicate(high_ready.get(), kReadyFd);
  actions.duplicate(high_cgroups.get(), kCgroupsFd);
  int next = kNetworkFd;
  std::vector<runtime::UniqueFd> high;
  if (request.network >= 0) {
    METE_TRY(high.emplace_back(), raise_descriptor(request.network));
    actions.duplicate(high.back().get(), next++);
  }
  for (std::size_t i = 0; request.attached != nullptr && i < request.attached->size() && i < kMostAttached; ++i) {
    METE_TRY(high.emplace_back(), raise_descriptor((*request.attached)[i].get()));
    args.insert(args.end(), {"--attached-fd", std::to_string(next)});
    actions.duplicate(high.back().get(), next++);
  }
  // Asio's sockets are not close-on-exec: a shim that held one would keep the port taken after the agent's death.
  actions.close_from(next);
  SpawnedShim spawned;
  METE_TRY(spawned.pid, spawn(request.shim, std::move(args), actions));
  // The child is not reaped yet, so its pid cannot have been reused.
  spawned.pidfd = runtime::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, spawned.pid, 0)));
  if (!spawned.pidfd.valid()) {
    // Most likely no descriptor is left. Without a pidfd the shim would never be reaped.
    const int error = errno;
    const pid_t pid = spawned.pid;
    give_up(std::move(spawned));
    return fail_errno("open process " + std::to_string(pid), error);
  }
  spawned.ready = std::move(ready.read);
  spawned.cgroups = std::move(cgroups.write);
  return spawned;
}

Result<pid_t> spawn_exec(const std::string& shim, const ExecRequest& request) {
  std::vector<std::string> args = {"mete-shim",    "exec",
                                   "--dir",        request.attempt_directory,
                                   "--pid",        std::to_string(request.process.pid),
                                   "--start-time", std::to_string(request.process.start_time),
                                   "--timeout-ms", std::to_string(request.timeout.count())};
  FileActions actions;
  close_standard_streams(actions);
  runtime::UniqueFd high_output;
  if (request.output >= 0) {
    METE_TRY(high_output, raise_descriptor(request.output));
    actions.duplicate(high_output.get(), kOutputFd);
    args.insert(args.end(), {"--output-fd", std::to_string(kOutputFd)});
  }
  actions.close_from(request.output >= 0 ? kOutputFd + 1 : kOutputFd);
  args.emplace_back("--");
  args.insert(args.end(), request.command.begin(), request.command.end());
  return spawn(shim, std::move(args), actions);
}

Result<pid_t> spawn_exec_session(const std::string& shim, const ExecSessionRequest& request,
                                 const runtime::UniqueFd& socket) {
  std::vector<std::string> args = {"mete-shim",     "exec",
                                   "--dir",         request.attempt_directory,
                                   "--pid",         std::to_string(request.process.pid),
                                   "--start-time",  std::to_string(request.process.start_time),
                                   "--attached-fd", std::to_string(kOutputFd)};
  args.insert(args.end(), request.options.begin(), request.options.end());
  FileActions actions;
  close_standard_streams(actions);
  METE_TRY(const runtime::UniqueFd high, raise_descriptor(socket.get()));
  actions.duplicate(high.get(), kOutputFd);
  actions.close_from(kOutputFd + 1);
  args.emplace_back("--");
  args.insert(args.end(), request.command.begin(), request.command.end());
  return spawn(shim, std::move(args), actions);
}

Result<pid_t> spawn_self(std::vector<std::string> args, const StandardStreams& streams) {
  FileActions actions;
  close_standard_streams(actions);
  std::vector<runtime::UniqueFd> high;
  for (const auto& [from, to] : {std::pair(streams.input, STDIN_FILENO), std::pair(streams.output, STDOUT_FILENO),
                                 std::pair(streams.errors, STDERR_FILENO)}) {
    if (from < 0) continue;
    METE_TRY(runtime::UniqueFd raised, raise_descriptor(from));
    actions.duplicate(raised.get(), to);
    high.push_back(std::move(raised));
  }
  actions.close_from(STDERR_FILENO + 1);
  METE_TRY(const pid_t pid, spawn("/proc/self/exe", std::move(args), actions, environ));
  // A child that has ended already has no rank: a failure changes nothing.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), 0);
  (void)runtime::write_control(AT_FDCWD, "/proc/" + std::to_string(pid) + "/oom_score_adj", "0");
  return pid;
}

Result<pid_t> spawn_watchdog(const std::string& shim, const std::string& directory) {
  FileActions actions;
  close_standard_streams(actions);
  actions.close_from(STDERR_FILENO + 1);
  return spawn(shim, {"mete-shim", "watchdog", "--dir", directory}, actions);
}

Result<std::optional<runtime::process::ProcessId>> shim_of(const std::string& lock_file) {
  METE_TRY(const std::string text, runtime::read_file(AT_FDCWD, lock_file));
  return runtime::shim::parse_lock(text);
}

void give_up(SpawnedShim shim) {
  ::kill(shim.pid, SIGKILL);
  while (::waitpid(shim.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void reap(pid_t pid) {
  if (pid > 0) ::waitpid(pid, nullptr, WNOHANG);
}

}  // namespace mete::agent
