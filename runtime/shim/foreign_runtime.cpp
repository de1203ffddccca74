// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/foreign_runtime.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>

#include "runtime/descriptor_passing.h"
#include "runtime/file.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/process_id.h"
#include "runtime/shim/children.h"
#include "runtime/shim/runtime_log.h"

namespace mete::runtime::shim {
namespace {

// An agent that finds a shim of an earlier one waits 30 s for it to have started or failed: this is less in sum.
constexpr auto kStartPatience = std::chrono::seconds(20);
constexpr auto kRemovePatience = std::chrono::seconds(5);

// Where the runtime hands over the terminal: a socket in the attempt's directory. The path of its name by this
// process's descriptor of the directory is short, as addresses of sockets must be.
struct ConsolePlace {
  UniqueFd directory;
  UniqueFd listener;
  std::string path;
};

constexpr const char* kConsole = "console";

Result<ConsolePlace> make_console(const std::string& directory) {
  ConsolePlace place;
  METE_TRY(place.directory, open_at(AT_FDCWD, directory, O_PATH | O_DIRECTORY));
  place.path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(place.directory.get()) + "/" + kConsole;
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", place.path.c_str());
  place.listener = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* const name = reinterpret_cast<const struct sockaddr*>(&address);
  if (!place.listener.valid() || ::bind(place.listener.get(), name, sizeof address) != 0 ||
      ::listen(place.listener.get(), 1) != 0)
    return fail_errno("listen for the terminal in " + directory);
  return place;
}

int milliseconds_until(std::chrono::steady_clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

bool has_ended(const UniqueFd& pidfd) {
  struct pollfd wait {
    pidfd.get(), POLLIN, 0
  };
  return ::poll(&wait, 1, 0) > 0;
}

// Takes the terminal from who has connected; invalid: it is not there yet.
UniqueFd receive_terminal(const UniqueFd& listener, UniqueFd& peer) {
  if (!peer.valid()) peer = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  UniqueFd terminal;
  char name[256];
  if (peer.valid()) (void)receive_with_descriptor(peer.get(), name, sizeof name, terminal);
  return terminal;
}

}  // namespace

Result<std::optional<ForeignRuntime>> ForeignRuntime::find(const AttemptFiles& files, std::string command) {
  const auto bytes = read_file(AT_FDCWD, files.foreign_plans());
  if (!bytes && bytes.error().code == ENOENT) return std::optional<ForeignRuntime>();
  if (!bytes) return tl::unexpected(bytes.error());
  METE_TRY(process::ForeignPlans plans, process::decode_foreign_plans(*bytes));
  // A descriptor of the shim's own, by a path that its children find, too.
  for (auto& op : plans.create.ops) {
    constexpr std::string_view kOwn = "/proc/self/";
    auto* const bind = std::get_if<process::BindMount>(&op);
    if (bind != nullptr && bind->source.starts_with(kOwn))
      bind->source = "/proc/" + std::to_string(::getpid()) + "/" + bind->source.substr(kOwn.size());
  }
  return std::optional<ForeignRuntime>(std::in_place, std::move(plans), files.directory(), std::move(command));
}

Error ForeignRuntime::failure(const char* what, const std::string& otherwise) const {
  const auto log = read_file(AT_FDCWD, plans_.log);
  std::string message = log ? last_error(*log) : std::string();
  const bool said = !message.empty();
  if (!said) message = otherwise;
  const int code = said ? code_of_runtime_error(message, command_) : 128;
  if (code != 128 && message.find(command_) == std::string::npos) message = command_ + ": " + message;
  return Error{code == 127   ? ENOENT
               : code == 126 ? EACCES
                             : 0,
               "runtime " + plans_.name + ", " + what + ": " + message};
}

// ENOENT and EACCES would say that the container's command is not there.
tl::unexpected<Error> ForeignRuntime::in_runtime(const Error& error) const {
  return fail("runtime " + plans_.name + ": " + error.what);
}

Status ForeignRuntime::await(const process::Launched& program, const char* what, Clock::time_point deadline,
                             const UniqueFd& socket, UniqueFd& terminal) {
  UniqueFd peer;
  while (!has_ended(program.pidfd)) {
    const int asked = terminal.valid() ? -1 : peer.valid() ? peer.get() : socket.get();
    struct pollfd waits[] = {{program.pidfd.get(), POLLIN, 0}, {asked, POLLIN, 0}};
    const int ready = ::poll(waits, 2, milliseconds_until(deadline));
    if (ready < 0 && errno != EINTR) return fail_errno("wait for the runtime " + plans_.name);
    if (ready == 0 && Clock::now() >= deadline) {
      // The program has a session of its own: what it has started there is ended with it.
      ::kill(-program.pid, SIGKILL);
      (void)process::send_signal(program.pidfd, SIGKILL);
      while (::waitpid(program.pid, nullptr, 0) < 0 && errno == EINTR) {
      }
      return tl::unexpected(failure(what, "found that it does not end, expected it to within seconds; it was killed"));
    }
    if (ready > 0 && waits[1].revents != 0) terminal = receive_terminal(socket, peer);
  }
  if (socket.valid() && !terminal.valid()) terminal = receive_terminal(socket, peer);
  int status = 0;
  while (::waitpid(program.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return {};
  const std::string how = WIFEXITED(status) ? "exit code " + std::to_string(WEXITSTATUS(status))
                                            : "signal " + std::to_string(WTERMSIG(status));
  return tl::unexpected(failure(what, "it ended with " + how + " and said nothing in " + plans_.log));
}

Status ForeignRuntime::run_program(const process::Plan& plan, const process::LaunchOptions& streams, const char* what,
                                   Clock::time_point deadline) {
  const auto program = process::launch(plan, streams);
  // ENOENT and EACCES would say that of the container's command.
  if (!program) return fail("runtime " + plans_.name + ", " + what + ": " + program.error().what);
  UniqueFd none;
  return await(*program, what, deadline, {}, none);
}

Status ForeignRuntime::create(const process::LaunchOptions& streams, const std::function<Status(UniqueFd)>& terminal,
                              Clock::time_point deadline) {
  if (!terminal) return run_program(plans_.create, streams, "create", deadline);
  METE_TRY(const ConsolePlace place, make_console(directory_));
  process::Plan plan = plans_.create;
  plan.args.insert(plan.args.end() - 1, {"--console-socket", place.path});
  const auto program = process::launch(plan, streams);
  if (!program) return fail("runtime " + plans_.name + ", create: " + program.error().what);
  UniqueFd taken;
  auto done = await(*program, "create", deadline, place.listener, taken);
  (void)::unlinkat(place.directory.get(), kConsole, 0);
  if (!done) return done;
  if (!taken.valid())
    return fail("runtime " + plans_.name + ", create: found no terminal at --console-socket, expected one");
  return terminal(std::move(taken));
}

// A pid file of a broken runtime must not make another process the container.
Result<process::Launched> ForeignRuntime::find_container() const {
  const auto read_pid = read_file(AT_FDCWD, plans_.pid_file, 64);
  if (!read_pid) return in_runtime(read_pid.error());
  const std::string& text = *read_pid;
  process::Launched container;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, container.pid);
  if (read.ec != std::errc() || !is_own_child(container.pid))
    return fail("runtime " + plans_.name + ": found \"" + text.substr(0, text.find('\n')) + "\" in " + plans_.pid_file +
                ", expected the pid of a process that it has made");
  METE_TRY(const process::ProcessId id, process::identify(container.pid));
  METE_TRY(container.pidfd, process::open_pidfd(id));
  return container;
}

Status ForeignRuntime::hold_cgroup(const cgroup::Group& group, const cgroup::KeptSettings& limits, pid_t pid) const {
  METE_TRY(const std::string text, read_file(AT_FDCWD, "/proc/" + std::to_string(pid) + "/cgroup"));
  const auto memberships = cgroup::parse_memberships(text);
  // A runtime that uses another path, or not all hierarchies, would run the container without its limits.
  const bool inside = std::all_of(memberships.begin(), memberships.end(), [&](const cgroup::Membership& each) {
    return (each.path + "/").starts_with(plans_.cgroup + "/");
  });
  if (!inside) METE_CHECK(group.attach(pid));
  METE_CHECK(limits.put_back());
  return plans_.device_rules.empty() ? Status() : cgroup::change_device_rules(group, plans_.device_rules, {});
}

Result<process::Launched> ForeignRuntime::run(const process::Plan& own, const process::LaunchOptions& streams,
                                              const std::function<Status(UniqueFd)>& terminal) {
  const auto deadline = Clock::now() + kStartPatience;
  const Subreaper adopting;
  METE_TRY(const UniqueFd null, open_at(AT_FDCWD, "/dev/null", O_RDWR));
  process::LaunchOptions nothing;
  nothing.stdin_fd = nothing.stdout_fd = nothing.stderr_fd = null.get();
  auto made = [&]() -> Result<process::Launched> {
    METE_TRY(const cgroup::Hierarchies hierarchies, cgroup::find_hierarchies());
    METE_TRY(const cgroup::Group group, cgroup::Group::at(hierarchies, plans_.cgroup));
    const auto limits = cgroup::KeptSettings::of(group);
    METE_CHECK(create(streams, terminal, deadline));
    METE_TRY(process::Launched container, find_container());
    if (const auto held = hold_cgroup(group, limits, container.pid); !held) return in_runtime(held.error());
    if (own.has_oom_score_adj) {
      const std::string file = "/proc/" + std::to_string(container.pid) + "/oom_score_adj";
      // As with mete's own containers.
      if (const auto set = write_control(AT_FDCWD, file, std::to_string(own.oom_score_adj)); !set)
        container.warnings.push_back("oom_score_adj " + std::to_string(own.oom_score_adj) +
                                     " was refused: " + set.error().what);
    }
    METE_CHECK(run_program(plans_.start, nothing, "start", deadline));
    return container;
  }();
  if (made) return made;
  end_children();
  remove();
  return made;
}

void ForeignRuntime::remove() {
  const Subreaper adopting;
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  process::LaunchOptions nothing;
  nothing.stdin_fd = nothing.stdout_fd = nothing.stderr_fd = null.get();
  (void)run_program(plans_.remove, nothing, "delete", Clock::now() + kRemovePatience);
  // What belonged to the runtime alone.
  end_children();
}

}  // namespace mete::runtime::shim
