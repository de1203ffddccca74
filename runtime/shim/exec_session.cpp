// SPDX-License-Identifier: Apache-2.0
// `mete-shim exec` with streams: a command in a running container whose output and input one attacher has, in the words
// of attach_protocol.h. It outlives nothing: when the container ends, the command ends with it.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/file.h"
#include "runtime/process/launch/launcher.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/process_id.h"
#include "runtime/shim/attachments.h"
#include "runtime/shim/attempt_files.h"
#include "runtime/shim/shim.h"

namespace mete::runtime::shim {
namespace {

constexpr int kCannotRun = 126;

class Session {
 public:
  explicit Session(const ExecOptions& options) : options_(options) {}

  int run() {
    const UniqueFd tell(::fcntl(options_.attached_fd, F_DUPFD_CLOEXEC, 3));
    attachments_.take(UniqueFd(options_.attached_fd));
    const auto launched = start();
    if (!launched) {
      // As docker's engine: one line of output and an exit code.
      attachments_.show(attach::kOutput, launched.error().what + "\r\n");
      const int code = launched.error().code == ENOENT ? kCannotRun + 1 : kCannotRun;
      attachments_.end(code);
      return code;
    }
    const std::string started = attach::started_message(launched->pid);
    (void)::send(tell.get(), started.data(), started.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return follow(*launched);
  }

 private:
  Result<process::Launched> start() {
    METE_TRY(const std::string bytes, read_file(AT_FDCWD, AttemptFiles(options_.directory).plan()));
    METE_TRY(const process::Plan container, process::decode_plan(bytes));
    // Checked before and after the namespaces are read: the pid may have been reused by a process of the host.
    METE_TRY(const UniqueFd before, process::open_pidfd(options_.process));
    METE_TRY(const process::Plan plan,
             process::make_enter_plan(
                 container, {options_.process.pid, options_.command, {}, options_.terminal, options_.changes}));
    METE_TRY(const UniqueFd after, process::open_pidfd(options_.process));
    return options_.terminal ? with_terminal(plan) : with_pipes(plan);
  }

  Result<process::Launched> with_terminal(const process::Plan& plan) {
    METE_TRY(const UniqueFd null, open_at(AT_FDCWD, "/dev/null", O_RDWR));
    process::LaunchOptions launch;
    launch.stdin_fd = launch.stdout_fd = launch.stderr_fd = null.get();
    launch.terminal = [this](UniqueFd terminal) -> Status {
      attachments_.take_terminal(terminal.get(), options_.input);
      streams_[0] = std::move(terminal);
      return {};
    };
    return process::launch(plan, launch);
  }

  Result<process::Launched> with_pipes(const process::Plan& plan) {
    METE_TRY(const UniqueFd null, open_at(AT_FDCWD, "/dev/null", O_RDWR));
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    for (auto& pipe : pipes) {
      if (::pipe2(pipe, O_CLOEXEC) != 0) return fail_errno("pipe");
    }
    const UniqueFd in(pipes[0][0]);
    const UniqueFd out(pipes[1][1]);
    const UniqueFd errors(pipes[2][1]);
    UniqueFd input(pipes[0][1]);
    streams_[0] = UniqueFd(pipes[1][0]);
    streams_[1] = UniqueFd(pipes[2][0]);
    METE_TRY(process::Launched launched,
             process::launch(plan, {options_.input ? in.get() : null.get(), out.get(), errors.get(), -1}));
    if (options_.input) attachments_.take_input(std::move(input), true);
    return launched;
  }

  int follow(const process::Launched& launched) {
    constexpr int kDrainMilliseconds = 100;
    constexpr int kLookAgain = 1'000;
    bool running = true;
    int code = 0;
    std::vector<pollfd> waits;
    while (running || streams_[0].valid() || streams_[1].valid()) {
      const bool holding = attachments_.is_holding();
      waits = {{holding ? -1 : streams_[0].get(), POLLIN, 0},
               {holding ? -1 : streams_[1].get(), POLLIN, 0},
               {running ? launched.pidfd.get() : -1, POLLIN, 0}};
      const std::size_t attached = waits.size();
      attachments_.add_waits(waits);
      const int ready = ::poll(waits.data(), waits.size(), holding ? kLookAgain : running ? -1 : kDrainMilliseconds);
      if (ready < 0) continue;
      // It has ended, but a child of it keeps the pipe open without writing.
      if (ready == 0 && !running && !holding) break;
      for (std::size_t i = 0; i < 2; ++i) {
        if (waits[i].revents != 0 && !attachments_.is_holding()) copy(i);
      }
      attachments_.handle(&waits[attached]);
      if (!running || waits[2].revents == 0) continue;
      running = false;
      int status = 0;
      while (::waitpid(launched.pid, &status, 0) < 0 && errno == EINTR) {
      }
      code = exit_status_of(status).code;
    }
    attachments_.end(code);
    return code;
  }

  void copy(std::size_t stream) {
    const ssize_t got = ::read(streams_[stream].get(), buffer_, sizeof buffer_);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) return streams_[stream].reset();
    attachments_.show(stream == 0 ? attach::kOutput : attach::kErrors, {buffer_, static_cast<std::size_t>(got)});
  }

  const ExecOptions& options_;
  Attachments attachments_;
  UniqueFd streams_[2];
  char buffer_[attach::kLargestMessage - 1];
};

}  // namespace

int run_exec_session(const ExecOptions& options) {
  ::signal(SIGPIPE, SIG_IGN);
  // Containers do not inherit the agent's own priority.
  (void)::setpriority(PRIO_PROCESS, 0, 0);
  return Session(options).run();
}

}  // namespace mete::runtime::shim
