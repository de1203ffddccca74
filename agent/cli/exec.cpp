// SPDX-License-Identifier: Apache-2.0
// `mete exec` runs the command itself, as a child of the command line: the agent is asked where, and is not in between.
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "agent/cli/output.h"
#include "runtime/file.h"
#include "runtime/process/enter.h"
#include "runtime/process/launcher.h"
#include "runtime/process/wire.h"
#include "runtime/shim/attempt_files.h"

namespace mete::agent::cli {
namespace {

namespace process = runtime::process;
using runtime::UniqueFd;

// The terminal as it was, whatever happens.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    raw_ = true;
    struct termios now = before_;
    ::cfmakeraw(&now);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &now);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (raw_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }

 private:
  struct termios before_ {};
  bool raw_ = false;
};

struct Terminal {
  UniqueFd master;
  UniqueFd slave;
};

// From the container's own devpts, so that the terminal has a name in there. Resolved inside its root: what the image
// has put at /dev leads nowhere else, and must be a devpts.
Result<Terminal> open_terminal(pid_t container) {
  METE_TRY(const UniqueFd root, runtime::open_at(AT_FDCWD, "/proc/" + std::to_string(container) + "/root", O_PATH | O_DIRECTORY));
  struct open_how how {};
  how.flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  Terminal terminal;
  terminal.master = UniqueFd(static_cast<int>(::syscall(SYS_openat2, root.get(), "/dev/pts/ptmx", &how, sizeof how)));
  struct statfs info {};
  if (!terminal.master.valid() || ::fstatfs(terminal.master.get(), &info) != 0) return fail_errno("open a terminal in the container");
  if (info.f_type != DEVPTS_SUPER_MAGIC) return fail("open a terminal in the container: found no devpts at /dev/pts");
  if (::unlockpt(terminal.master.get()) != 0) return fail_errno("open a terminal in the container");
  terminal.slave = UniqueFd(::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave.valid()) return fail_errno("open a terminal");
  return terminal;
}

void copy_window_size(int master) {
  struct winsize size {};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ::ioctl(master, TIOCSWINSZ, &size);
}

// Between our standard streams and the terminal, until the other side is closed.
void relay(int master) {
  const RawTerminal raw;
  char buffer[4096];
  bool input = true;
  while (true) {
    copy_window_size(master);
    pollfd waits[2] = {{input ? STDIN_FILENO : -1, POLLIN, 0}, {master, POLLIN, 0}};
    if (::poll(waits, 2, 1000) < 0 && errno != EINTR) return;
    if (waits[0].revents != 0) {
      const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
      if (got <= 0) {
        input = false;
      } else if (!runtime::write_all(master, {buffer, static_cast<std::size_t>(got)})) {
        return;
      }
    }
    if (waits[1].revents != 0) {
      const ssize_t got = ::read(master, buffer, sizeof buffer);
      if (got <= 0) return;
      (void)runtime::write_all(STDOUT_FILENO, {buffer, static_cast<std::size_t>(got)});
    }
  }
}

Result<int> run(const process::Plan& plan, pid_t container, const ExecOptions& options) {
  METE_TRY(const UniqueFd null, runtime::open_at(AT_FDCWD, "/dev/null", O_RDONLY));
  process::LaunchOptions launch{options.interactive ? STDIN_FILENO : null.get(), STDOUT_FILENO, STDERR_FILENO, -1};
  Terminal terminal;
  if (options.tty) {
    METE_TRY(terminal, open_terminal(container));
    launch = {terminal.slave.get(), terminal.slave.get(), terminal.slave.get(), -1};
    launch.controlling_terminal = true;
  }
  // A signal in the first moment must not end us alone: it waits until there is somebody to pass it on to.
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &ours, nullptr);
  METE_TRY(const process::Launched launched, process::launch(plan, launch));
  terminal.slave.reset();
  // Ctrl-C is for the command, which has its own session; we stay to report how it ended.
  if (options.tty) {
    ::sigprocmask(SIG_UNBLOCK, &ours, nullptr);
    relay(terminal.master.get());
  } else {
    for (const int signal : {SIGINT, SIGTERM}) {
      static pid_t child;
      child = launched.pid;
      std::signal(signal, [](int number) { ::kill(child, number); });
    }
  }
  ::sigprocmask(SIG_UNBLOCK, &ours, nullptr);
  int status = 0;
  while (::waitpid(launched.pid, &status, 0) < 0 && errno == EINTR) {
  }
  return runtime::shim::exit_status_of(status).code;
}

}  // namespace

int exec(const Common& common, const ExecOptions& options) {
  const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + pod_key(options.pod));
  if (fetched.code != kDone) return fetched.code;
  const auto container = find_container(fetched.value, options.container);
  if (!container) return kNotFound;
  if (!container->contains("pid")) return complain("container " + (*container)["name"].get<std::string>() + " is " + (*container)["state"].get<std::string>() + ", expected it running");
  const auto directory = (*container)["directory"].get<std::string>();
  const auto bytes = runtime::read_file(AT_FDCWD, directory + "/plan");
  if (!bytes) return complain(bytes.error().what);
  const auto launched_from = process::decode_plan(*bytes);
  if (!launched_from) return complain(launched_from.error().what);
  const process::ProcessId first{(*container)["pid"].get<pid_t>(), container->value("pidStartTime", std::uint64_t{0})};
  // Before and after its namespaces are looked at: another process of that number may be the host's.
  if (const auto there = process::open_pidfd(first); !there) return complain("the container has just ended: " + there.error().what);
  const auto plan = process::make_enter_plan(*launched_from, {first.pid, options.command, options.tty});
  if (!plan) return complain(plan.error().what);
  if (const auto there = process::open_pidfd(first); !there) return complain("the container has just ended: " + there.error().what);
  const auto code = run(*plan, (*container)["pid"].get<pid_t>(), options);
  if (code) return *code;
  const int failed = code.error().code == ENOENT ? 127 : code.error().code == EACCES ? 126 : kFailed;
  return complain(code.error().what, failed);
}

}  // namespace mete::agent::cli
