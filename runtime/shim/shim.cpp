// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/shim.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "runtime/file.h"
#include "runtime/process/launcher.h"
#include "runtime/process/wire.h"
#include "runtime/shim/attempt_files.h"
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

struct Stream {
  UniqueFd fd;
  RecordFormatter formatter;
};

class Shim {
 public:
  explicit Shim(const ShimOptions& options) : options_(options), files_(options.directory) {}

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
    return follow(*container);
  }

 private:
  Result<process::Launched> start() {
    // The agent reads the holder from a held lock: without a name it would take this shim for a blocked process.
    METE_CHECK(sign_lock(options_.lock_fd));
    METE_TRY(const std::string bytes, read_file(AT_FDCWD, files_.plan()));
    METE_TRY(const process::Plan plan, process::decode_plan(bytes));
    METE_TRY(LogWriter log, LogWriter::open(options_.log_path, options_.log_limits));
    log_.emplace(std::move(log));
    METE_TRY(Pipe out, make_pipe());
    METE_TRY(Pipe err, make_pipe());
    METE_TRY(const UniqueFd null, open_at(AT_FDCWD, "/dev/null", O_RDONLY));
    process::LaunchOptions launch;
    launch.stdin_fd = null.get();
    launch.stdout_fd = out.write.get();
    launch.stderr_fd = err.write.get();
    if (options_.cgroups_fd >= 0) launch.make_cgroups = [this] { return await_cgroups(); };
    METE_TRY(process::Launched container, process::launch(plan, launch));
    container.control.reset();
    streams_[0].fd = std::move(out.read);
    streams_[1].fd = std::move(err.read);
    Started started;
    started.at = now();
    started.warnings = container.warnings;
    const auto id = process::identify(container.pid);
    started.id = id ? *id : process::ProcessId{container.pid, 0};
    if (auto written = files_.write(started); !written) {
      // Without `started` no agent would ever learn the pid.
      ::kill(container.pid, SIGKILL);
      ::waitpid(container.pid, nullptr, 0);
      return tl::unexpected(std::move(written.error()));
    }
    return container;
  }

  // May be called twice: launch() may try a second time.
  Status await_cgroups() {
    if (cgroups_made_) return {};
    char byte = 0;
    ssize_t got = 0;
    do {
      got = ::read(options_.cgroups_fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    ::close(options_.cgroups_fd);
    cgroups_made_ = got == 1;
    given_up_ = !cgroups_made_;
    return cgroups_made_ ? Status() : fail("the agent ended or gave up before it made the cgroups");
  }

  void tell_ready() {
    const char done = 1;
    (void)!::write(options_.ready_fd, &done, 1);
    ::close(options_.ready_fd);
  }

  int follow(const process::Launched& container) {
    constexpr int kDrainMilliseconds = 100;
    bool running = true;
    ExitStatus status;
    Watchdog watchdog(options_.directory);
    const UniqueFd pressure(::open(files_.pressure().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    while (running || streams_[0].fd.valid() || streams_[1].fd.valid()) {
      pollfd waits[5] = {{streams_[0].fd.get(), POLLIN, 0},
                         {streams_[1].fd.get(), POLLIN, 0},
                         {running ? container.pidfd.get() : -1, POLLIN, 0},
                         {running ? watchdog.files_fd() : -1, POLLIN, 0},
                         {running ? watchdog.oom_fd() : -1, POLLIN, 0}};
      const int ready = ::poll(waits, 5, running ? watchdog.timeout() : kDrainMilliseconds);
      if (ready < 0) {
        // Memory is short for a moment at most. Leaving the loop would report an exit that has not happened.
        if (errno != EINTR) ::sleep(1);
        continue;
      }
      // The container has ended, but a process outside its PID namespace keeps the pipe open without writing.
      if (ready == 0 && !running) break;
      if (ready == 0) watchdog.check();
      if (waits[3].revents != 0) watchdog.reload_files();
      if (waits[4].revents != 0) watchdog.check_oom();
      for (std::size_t i = 0; i < 2; ++i) {
        if ((waits[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) copy(streams_[i]);
      }
      if (running && (waits[2].revents & POLLIN) != 0) {
        running = false;
        int wait_status = 0;
        while (::waitpid(container.pid, &wait_status, 0) < 0 && errno == EINTR) {
        }
        status = exit_status_of(wait_status);
        status.at = now();
      }
    }
    for (auto& stream : streams_) finish(stream);
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

  void copy(Stream& stream) {
    const ssize_t got = ::read(stream.fd.get(), buffer_, sizeof buffer_);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
      finish(stream);
      return;
    }
    records_.clear();
    stream.formatter.add({buffer_, static_cast<std::size_t>(got)}, timestamp(), records_);
    log_->write(records_);
  }

  void finish(Stream& stream) {
    records_.clear();
    stream.formatter.finish(timestamp(), records_);
    log_->write(records_);
    stream.fd.reset();
  }

  std::string_view timestamp() {
    timestamp_ = format_time(std::chrono::system_clock::now().time_since_epoch());
    return timestamp_.data();
  }

  const ShimOptions& options_;
  AttemptFiles files_;
  std::optional<LogWriter> log_;
  Stream streams_[2] = {{UniqueFd(), RecordFormatter("stdout")}, {UniqueFd(), RecordFormatter("stderr")}};
  std::string records_;
  bool cgroups_made_ = false;
  bool given_up_ = false;
  std::array<char, 31> timestamp_{};
  char buffer_[16 << 10];
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
    METE_TRY(const std::string bytes, read_file(AT_FDCWD, files.plan()));
    METE_TRY(const process::Plan plan, process::decode_plan(bytes));
    METE_TRY(const process::Launched sandbox, process::launch(plan, {}));
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
