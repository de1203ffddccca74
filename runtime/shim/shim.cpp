// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/shim.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <vector>

#include "runtime/file.h"
#include "runtime/process/launch/launcher.h"
#include "runtime/process/launch/own_image.h"
#include "runtime/shim/attachments.h"
#include "runtime/shim/attempt_files.h"
#include "runtime/shim/foreign_runtime.h"
#include "runtime/shim/output.h"
#include "runtime/shim/shim_plan.h"
#include "runtime/shim/watchdog.h"

namespace mete::runtime::shim {
namespace {

TimePoint now() {
  return std::chrono::system_clock::now();
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// A missing or non-executable command gives a shell's exit codes; other errors give docker's 128.
int code_of(const Error& error) {
  if (error.code == ENOENT) return 127;
  if (error.code == EACCES) return 126;
  return 128;
}

// Patience with an attacher ends by itself, and is looked at.
int timeout_of(int milliseconds, bool holding) {
  constexpr int kLookAgain = 1'000;
  return holding && (milliseconds < 0 || milliseconds > kLookAgain) ? kLookAgain : milliseconds;
}

bool opens_terminal(const process::Plan& plan) {
  return std::any_of(plan.ops.begin(), plan.ops.end(),
                     [](const auto& op) { return std::holds_alternative<process::OpenTerminal>(op); });
}

class Shim {
 public:
  explicit Shim(const ShimOptions& options) : options_(options), files_(options.directory), output_(attachments_) {}

  int run() {
    auto container = start();
    if (!container && given_up_) return 1;
    if (!container) {
      ExitStatus status;
      status.code = code_of(container.error());
      status.start_error = container.error().what;
      status.at = now();
      const bool written = write(status).has_value();
      tell_ready();
      return written ? 0 : 1;
    }
    tell_ready();
    const int code = follow(*container);
    if (foreign_) foreign_->remove();
    return code;
  }

 private:
  Result<process::Launched> start() {
    // The agent reads the holder from a held lock: without a name it would take this shim for a blocked process.
    METE_CHECK(sign_lock(options_.lock_fd));
    if (options_.plan_fd >= 0) METE_CHECK(await(options_.plan_fd, "it wrote the plan"));
    METE_TRY(const ShimPlan read, read_shim_plan(files_));
    const process::Plan& plan = read.plan;
    METE_TRY(foreign_, ForeignRuntime::find(files_, plan.args.empty() ? "" : plan.args.front()));
    METE_CHECK(output_.open(options_.log_path, options_.log_limits));
    METE_CHECK(attachments_.listen(files_.attach()));
    for (const int fd : options_.attached_fds) attachments_.take(UniqueFd(fd));
    METE_TRY(process::Launched container, opens_terminal(plan) ? launch_with_terminal(plan) : launch_with_pipes(plan));
    container.control.reset();
    Started started;
    started.at = now();
    started.warnings = container.warnings;
    const auto id = process::identify(container.pid);
    started.id = id ? *id : process::ProcessId{container.pid, 0};
    if (auto written = files_.write(started); !written) {
      // Without `started` no agent would ever learn the pid.
      ::kill(container.pid, SIGKILL);
      ::waitpid(container.pid, nullptr, 0);
      if (foreign_) foreign_->remove();
      return tl::unexpected(std::move(written.error()));
    }
    return container;
  }

  Result<process::Launched> launch(const process::Plan& plan, process::LaunchOptions options) {
    METE_TRY(const UniqueFd null, open_at(AT_FDCWD, "/dev/null", O_RDWR));
    for (int* fd : {&options.stdin_fd, &options.stdout_fd, &options.stderr_fd}) {
      if (*fd < 0) *fd = null.get();
    }
    if (foreign_) {
      METE_CHECK(options_.cgroups_fd >= 0 ? await_cgroups() : Status());
      return foreign_->run(plan, options, options.terminal);
    }
    if (options_.cgroups_fd >= 0) options.make_cgroups = [this] { return await_cgroups(); };
    return process::launch(plan, options);
  }

  Result<process::Launched> launch_with_pipes(const process::Plan& plan) {
    METE_TRY(Pipe out, make_pipe());
    METE_TRY(Pipe err, make_pipe());
    Pipe in;
    if (options_.input != Input::none) {
      METE_TRY(in, make_pipe());
    }
    process::LaunchOptions options;
    options.stdin_fd = in.read.get();
    options.stdout_fd = out.write.get();
    options.stderr_fd = err.write.get();
    METE_TRY(process::Launched container, launch(plan, std::move(options)));
    output_.take(0, std::move(out.read));
    output_.take(1, std::move(err.read));
    if (in.write.valid()) attachments_.take_input(std::move(in.write), options_.input == Input::once);
    return container;
  }

  Result<process::Launched> launch_with_terminal(const process::Plan& plan) {
    process::LaunchOptions options;
    // May be called twice, as below.
    options.terminal = [this](UniqueFd terminal) -> Status {
      attachments_.take_terminal(terminal.get(), options_.input != Input::none);
      output_.take(0, std::move(terminal));
      return {};
    };
    return launch(plan, std::move(options));
  }

  // May be called twice: process::launch() may try a second time.
  Status await_cgroups() {
    if (cgroups_made_) return {};
    const Status made = await(options_.cgroups_fd, "it made the cgroups");
    ::close(options_.cgroups_fd);
    cgroups_made_ = made.has_value();
    return made;
  }

  // The agent's next byte. `what` ends the sentence of the error.
  Status await(int fd, const std::string& what) {
    char byte = 0;
    ssize_t got = 0;
    do {
      got = ::read(fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    given_up_ = got != 1;
    return given_up_ ? fail("the agent ended or gave up before " + what) : Status();
  }

  void tell_ready() {
    const char done = 1;
    (void)!::write(options_.ready_fd, &done, 1);
    ::close(options_.ready_fd);
    process::release_own_image();
  }

  int follow(const process::Launched& container) {
    constexpr int kDrainMilliseconds = 100;
    bool running = true;
    ExitStatus status;
    Watchdog watchdog(options_.directory);
    const UniqueFd pressure(::open(files_.pressure().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    std::vector<pollfd> waits;
    while (running || output_.is_open()) {
      const bool holding = attachments_.is_holding();
      waits = {{holding ? -1 : output_.fd(0), POLLIN, 0},
               {holding ? -1 : output_.fd(1), POLLIN, 0},
               {running ? container.pidfd.get() : -1, POLLIN, 0},
               {running ? watchdog.files_fd() : -1, POLLIN, 0},
               {running ? watchdog.oom_fd() : -1, POLLIN, 0}};
      const std::size_t attached = waits.size();
      attachments_.add_waits(waits);
      const int ready =
          ::poll(waits.data(), waits.size(), timeout_of(running ? watchdog.timeout() : kDrainMilliseconds, holding));
      if (ready < 0) {
        // Memory is short for a moment at most. Leaving the loop would report an exit that has not happened.
        if (errno != EINTR) ::sleep(1);
        continue;
      }
      // The container has ended, but a process outside its PID namespace keeps the pipe open without writing.
      if (ready == 0 && !running && !holding) break;
      if (ready == 0) watchdog.check();
      if (waits[3].revents != 0) watchdog.reload_files();
      if (waits[4].revents != 0) watchdog.check_oom();
      for (std::size_t i = 0; i < Output::kStreams; ++i) {
        if ((waits[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !attachments_.is_holding()) output_.copy(i);
      }
      attachments_.handle(&waits[attached]);
      if (running && (waits[2].revents & POLLIN) != 0) {
        running = false;
        int wait_status = 0;
        while (::waitpid(container.pid, &wait_status, 0) < 0 && errno == EINTR) {
        }
        status = exit_status_of(wait_status);
        status.at = now();
      }
    }
    output_.finish();
    attachments_.end(status.code);
    // A full disk must not lose the exit status: the write is repeated until it succeeds. A removed folder ends the
    // loop.
    while (true) {
      const auto written = write(status);
      if (written) return 0;
      if (!may_pass(written.error().code)) return 1;
      ::sleep(1);
    }
  }

  static bool may_pass(int error) { return error == ENOSPC || error == EDQUOT || error == EROFS; }

  Status write(const ExitStatus& status) {
    auto written = files_.write(status);
    if (written || !may_pass(written.error().code)) return written;
    // The first error explains more than the second.
    return files_.write_in_place(status, options_.lock_fd) ? Status() : written;
  }

  const ShimOptions& options_;
  AttemptFiles files_;
  Attachments attachments_;
  Output output_;
  std::optional<ForeignRuntime> foreign_;
  bool cgroups_made_ = false;
  bool given_up_ = false;
};

void detach() {
  ::setsid();
  // Containers do not inherit the agent's own priority.
  (void)::setpriority(PRIO_PROCESS, 0, 0);
  (void)!::chdir("/");
  ::signal(SIGPIPE, SIG_IGN);
  // Signals of the terminal and of the agent's group must not end the shim: it ends when its container does.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
}

}  // namespace

int run_shim(const ShimOptions& options) {
  detach();
  return Shim(options).run();
}

int run_sandbox(const ShimOptions& options) {
  detach();
  const AttemptFiles files(options.directory);
  const auto start = [&]() -> Status {
    METE_CHECK(sign_lock(options.lock_fd));
    METE_TRY(const ShimPlan read, read_shim_plan(files));
    METE_TRY(const process::Launched sandbox, process::launch(read.plan, {}));
    const auto written = [&]() -> Status {
      METE_TRY(const process::ProcessId id, process::identify(sandbox.pid));
      return files.write(Started{id, now(), sandbox.warnings});
    }();
    // Without `started` no agent would ever learn the pid.
    if (!written) (void)process::send_signal(sandbox.pidfd, SIGKILL);
    return written;
  };
  const auto done = start();
  ExitStatus failure;
  if (!done) {
    failure.code = code_of(done.error());
    failure.start_error = done.error().what;
    failure.at = now();
    if (!files.write(failure)) return 1;
  }
  const char byte = 1;
  (void)!::write(options.ready_fd, &byte, 1);
  return 0;
}

}  // namespace mete::runtime::shim
