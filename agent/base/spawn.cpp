// SPDX-License-Identifier: Apache-2.0
#include "agent/base/spawn.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "agent/base/spare_descriptors.h"
#include "agent/base/spawn_process.h"
#include "runtime/file.h"
#include "runtime/shim/attempt_files.h"

namespace mete::agent {
namespace {

constexpr int kLockFd = 3;  // then the others
constexpr int kReadyFd = 4;
constexpr int kStepsFd = 5;
constexpr int kFirstNamespaceFd = 6;  // kShimNetwork
constexpr int kOutputFd = 3;          // of an exec
constexpr int kMostAttached = 16;

char* no_environment[] = {nullptr};

ReadOnlyProgram& program_of(const std::string& shim) {
  static ReadOnlyProgram program(shim);
  if (program.path() != shim) program = ReadOnlyProgram(shim);
  return program;
}

// The shim inherits the agent's full limit of descriptors, without the reserve; and no environment.
Result<SpawnedProcess> spawn(const std::string& shim, std::vector<std::string> args,
                             const ChildDescriptors& descriptors) {
  const SpareDescriptors spare;
  return spawn_process(program_of(shim), std::move(args), no_environment, descriptors);
}

// Of a child that await_child() waits for.
Result<pid_t> pid_of(Result<SpawnedProcess> spawned) {
  if (!spawned) return tl::unexpected(std::move(spawned.error()));
  return spawned->pid;
}

}  // namespace

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{runtime::UniqueFd(ends[0]), runtime::UniqueFd(ends[1])};
}

ShimPaths shim_paths(bool network, bool pid, bool ipc) {
  int next = kFirstNamespaceFd;
  const auto path = [&next](bool is_given) {
    return is_given ? "/proc/self/fd/" + std::to_string(next++) : std::string();
  };
  ShimPaths paths;
  paths.network = path(network);
  paths.pid = path(pid);
  paths.ipc = path(ipc);
  return paths;
}

Result<SpawnedShim> spawn_shim(ShimRequest request) {
  METE_TRY(StartingShim starting, StartingShim::begin(std::move(request)));
  return starting.wait();
}

Result<StartingShim> StartingShim::begin(ShimRequest request) {
  METE_TRY(Pipe ready, make_pipe());
  METE_TRY(Pipe steps, make_pipe());
  std::vector<std::string> args = {"mete-shim",  request.mode,
                                   "--dir",      request.directory,
                                   "--lock-fd",  std::to_string(kLockFd),
                                   "--ready-fd", std::to_string(kReadyFd)};
  if (request.mode == "run")
    args.insert(args.end(), {"--plan-fd", std::to_string(kStepsFd), "--cgroups-fd", std::to_string(kStepsFd)});
  args.insert(args.end(), request.more.begin(), request.more.end());
  ChildDescriptors given{.more = {request.lock.get(), ready.write.get(), steps.read.get()}};
  for (const int space : {request.network, request.pid, request.ipc}) {
    if (space >= 0) given.more.push_back(space);
  }
  for (std::size_t i = 0; request.attached != nullptr && i < request.attached->size() && i < kMostAttached; ++i) {
    args.insert(args.end(), {"--attached-fd", std::to_string(kLockFd + static_cast<int>(given.more.size()))});
    given.more.push_back((*request.attached)[i].get());
  }
  auto spare = std::make_unique<SpareDescriptors>();
  METE_TRY(auto process, StartingProcess::begin(program_of(request.shim), std::move(args), no_environment, given));
  SpawnedShim shim;
  shim.ready = std::move(ready.read);
  shim.steps = std::move(steps.write);
  return StartingShim(std::move(spare), std::move(shim), std::move(process));
}

void SpawnedShim::tell() const {
  const char done = 1;
  (void)!::write(steps.get(), &done, 1);
}

void StartingShim::tell_of_plan() {
  process_.hurry();
  shim_.tell();
}

Result<SpawnedShim> StartingShim::wait() {
  METE_TRY(SpawnedProcess started, process_.wait());
  spare_.reset();
  shim_.pid = started.pid;
  shim_.pidfd = std::move(started.pidfd);
  return std::move(shim_);
}

Result<pid_t> spawn_exec(const std::string& shim, const ExecRequest& request) {
  std::vector<std::string> args = {"mete-shim",    "exec",
                                   "--dir",        request.attempt_directory,
                                   "--pid",        std::to_string(request.process.pid),
                                   "--start-time", std::to_string(request.process.start_time),
                                   "--timeout-ms", std::to_string(request.timeout.count())};
  ChildDescriptors given;
  if (request.output >= 0) {
    given.more.push_back(request.output);
    args.insert(args.end(), {"--output-fd", std::to_string(kOutputFd)});
  }
  args.emplace_back("--");
  args.insert(args.end(), request.command.begin(), request.command.end());
  return pid_of(spawn(shim, std::move(args), given));
}

Result<pid_t> spawn_exec_session(const std::string& shim, const ExecSessionRequest& request,
                                 const runtime::UniqueFd& socket) {
  std::vector<std::string> args = {"mete-shim",     "exec",
                                   "--dir",         request.attempt_directory,
                                   "--pid",         std::to_string(request.process.pid),
                                   "--start-time",  std::to_string(request.process.start_time),
                                   "--attached-fd", std::to_string(kOutputFd)};
  args.insert(args.end(), request.options.begin(), request.options.end());
  args.emplace_back("--");
  args.insert(args.end(), request.command.begin(), request.command.end());
  return pid_of(spawn(shim, std::move(args), {.more = {socket.get()}}));
}

Result<pid_t> spawn_self(std::vector<std::string> args, const StandardStreams& streams) {
  const SpareDescriptors spare;
  METE_TRY(const pid_t pid,
           pid_of(spawn_process("/proc/self/exe", std::move(args), environ,
                                {.input = streams.input, .output = streams.output, .errors = streams.errors})));
  // A child that has ended already has no rank: a failure changes nothing.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), 0);
  (void)runtime::write_control(AT_FDCWD, "/proc/" + std::to_string(pid) + "/oom_score_adj", "0");
  return pid;
}

Result<pid_t> spawn_watchdog(const std::string& shim, const std::string& directory) {
  return pid_of(spawn(shim, {"mete-shim", "watchdog", "--dir", directory}, {}));
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
