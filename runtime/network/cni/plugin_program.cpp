// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/cni/plugin_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/network/cni/json_fields.h"

namespace mete::runtime::network::cni {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostConfiguration = std::size_t{1} << 20U;
// Where a plugin finds iptables and others, whatever the agent was started with.
constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Result<std::string> find_program(const std::vector<std::string>& folders, const std::string& type) {
  std::string all;
  for (const auto& folder : folders) {
    const std::string path = folder + "/" + type;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0) return path;
    all += (all.empty() ? "" : ", ") + folder;
  }
  return fail("found no program " + type + " in " + all);
}

// A file in memory rather than a pipe: a plugin that does not read cannot make us wait.
Result<UniqueFd> input_of(const std::string& text) {
  UniqueFd file(::memfd_create("cni", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("make its input");
  METE_CHECK(write_all(file.get(), text));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("make its input");
  return file;
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  (void)::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return pipe;
}

struct Child {
  pid_t pid = 0;
  UniqueFd pidfd;
  UniqueFd output;
  UniqueFd errors;
};

// Above the numbers that they get in the child.
UniqueFd raised(const UniqueFd& file) {
  return UniqueFd(::fcntl(file.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

Result<Child> start(const std::string& program, const PluginCall& call) {
  METE_TRY(const UniqueFd input, input_of(call.input));
  METE_TRY(Pipe output, make_pipe());
  METE_TRY(Pipe errors, make_pipe());
  const std::array<UniqueFd, 3> streams = {raised(input), raised(output.write), raised(errors.write)};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 3; ++i)
    ::posix_spawn_file_actions_adddup2(&actions, streams[static_cast<std::size_t>(i)].get(), i);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  // A group of its own, with what it starts; the agent's threads block signals, a program must not.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> words = call.environment;
  words.push_back(std::string("PATH=") + kPath);
  std::vector<char*> environment;
  for (auto& each : words) environment.push_back(each.data());
  environment.push_back(nullptr);
  std::string name = program;
  std::array<char*, 2> arguments = {name.data(), nullptr};
  Child child;
  const int error =
      ::posix_spawn(&child.pid, program.c_str(), &actions, &attributes, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno("start " + program, error);
  child.pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  child.output = std::move(output.read);
  child.errors = std::move(errors.read);
  return child;
}

// False: too much. A closed stream is closed here, too.
bool take(UniqueFd& stream, std::string& taken, std::size_t most) {
  std::array<char, 16384> buffer;
  while (stream.valid()) {
    const ssize_t got = ::read(stream.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return true;
    if (got == 0) stream.reset();
    taken.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (taken.size() > most) return false;
  }
  return true;
}

// Until it has ended. The error says why it was not waited for.
Status attend(Child& child, const ProgramLimits& limits, PluginAnswer& answer) {
  const auto end = Clock::now() + limits.timeout;
  if (!child.pidfd.valid()) return fail("found no descriptor free for it");
  for (;;) {
    std::array<pollfd, 4> watched = {{{child.pidfd.get(), POLLIN, 0},
                                      {child.output.get(), POLLIN, 0},
                                      {child.errors.get(), POLLIN, 0},
                                      {limits.stop, POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0)
      return fail("found it running after " +
                  std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limits.timeout).count()) +
                  " s, so it was killed");
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return fail_errno("wait for it");
    if (ready <= 0) continue;
    const bool fits =
        take(child.output, answer.output, limits.most_output) && take(child.errors, answer.errors, limits.most_output);
    if (!fits)
      return fail("found more than " + std::to_string(limits.most_output) + " bytes of output, so it was killed");
    if (watched[0].revents != 0) return {};
    if (watched[3].revents != 0) return fail("it was killed, as the agent ends");
  }
}

}  // namespace

Result<PluginAnswer> run_program(const PluginCall& call, const ProgramLimits& limits) {
  METE_TRY(const auto program, find_program(limits.folders, call.type));
  METE_TRY(Child child, start(program, call));
  PluginAnswer answer;
  const auto attended = attend(child, limits, answer);
  // Not reaped yet: the number of its group is nobody else's.
  if (!attended) ::kill(-child.pid, SIGKILL);
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!attended) return tl::unexpected(attended.error());
  // What was written before its end and not read yet.
  (void)take(child.output, answer.output, limits.most_output);
  (void)take(child.errors, answer.errors, limits.most_output);
  if (WIFSIGNALED(status)) return fail("it was ended by signal " + std::to_string(WTERMSIG(status)));
  answer.code = WEXITSTATUS(status);
  return answer;
}

Result<std::string> find_list(const std::vector<std::string>& folders, const std::string& name) {
  std::string found;
  std::string shown;
  for (const auto& folder : folders) {
    std::vector<std::string> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      const auto ending = entry.path().extension();
      if (ending == ".conflist" || ending == ".conf" || ending == ".json") files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      auto text = read_file(AT_FDCWD, file, kMostConfiguration);
      const auto list = text ? parse_list(*text, file) : tl::unexpected(text.error());
      if (list && list->name == name) return text;
      found += list ? "" : "; " + list.error().what;
    }
    shown += (shown.empty() ? "" : ", ") + folder;
  }
  return fail("network configuration " + name + ": found none of that name in " + shown + found);
}

}  // namespace mete::runtime::network::cni
