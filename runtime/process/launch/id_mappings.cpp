// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/id_mappings.h"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "runtime/file.h"

namespace mete::runtime::process {
namespace {

std::string text_of(const std::vector<IdMapping>& mappings) {
  std::string lines;
  for (const auto& each : mappings) {
    lines += std::to_string(each.inside) + " " + std::to_string(each.outside) + " " + std::to_string(each.count) + "\n";
  }
  return lines;
}

Status ask_helper(const char* program, pid_t pid, const std::vector<IdMapping>& mappings) {
  std::vector<std::string> words = {program, std::to_string(pid)};
  for (const auto& each : mappings) {
    for (const std::uint32_t number : {each.inside, each.outside, each.count}) words.push_back(std::to_string(number));
  }
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t helper = 0;
  if (const int error = ::posix_spawnp(&helper, program, nullptr, nullptr, argv.data(), environ); error != 0) {
    return fail_errno(std::string(program) + " (it maps more than one's own id; Debian's uidmap has it)", error);
  }
  int status = 0;
  while (::waitpid(helper, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(std::string(program) + " refused the mappings \"" + text_of(mappings) +
              "\", expected them to be allowed in /etc/subuid and /etc/subgid");
}

bool is_own_id_alone(const std::vector<IdMapping>& mappings, std::uint32_t own) {
  return mappings.size() == 1 && mappings.front().count == 1 && mappings.front().outside == own;
}

Status write_one(pid_t pid, const char* file, const char* helper, const std::vector<IdMapping>& mappings) {
  auto written = write_control(AT_FDCWD, "/proc/" + std::to_string(pid) + "/" + file, text_of(mappings));
  if (written || written.error().code != EPERM) return written;
  return ask_helper(helper, pid, mappings);
}

}  // namespace

Status write_id_mappings(pid_t pid, const std::vector<IdMapping>& uids, const std::vector<IdMapping>& gids) {
  METE_CHECK(write_one(pid, "uid_map", "newuidmap", uids));
  if (::geteuid() != 0 && is_own_id_alone(gids, ::getegid())) {
    // The kernel lets an unprivileged process map its own group only where setgroups is denied.
    METE_CHECK(write_control(AT_FDCWD, "/proc/" + std::to_string(pid) + "/setgroups", "deny"));
  }
  return write_one(pid, "gid_map", "newgidmap", gids);
}

Result<UniqueFd> open_id_map(const IdMap& map) {
  int words[2];
  if (::pipe2(words, O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd read_end(words[0]);
  UniqueFd write_end(words[1]);
  const pid_t holder = ::fork();
  if (holder < 0) return fail_errno("fork");
  if (holder == 0) {
    const char made = ::unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    (void)!::write(words[1], &made, 1);
    ::close(words[1]);
    ::pause();
    ::_exit(0);
  }
  write_end.reset();
  char made = 0;
  const auto open = [&]() -> Result<UniqueFd> {
    if (::read(read_end.get(), &made, 1) != 1 || made != 'y')
      return fail("cannot make a user namespace for an id-mapped mount");
    METE_CHECK(write_id_mappings(holder, map.uids, map.gids));
    return open_at(AT_FDCWD, "/proc/" + std::to_string(holder) + "/ns/user", O_RDONLY);
  };
  auto result = open();
  ::kill(holder, SIGKILL);
  while (::waitpid(holder, nullptr, 0) < 0 && errno == EINTR) {
  }
  return result;
}

void give_pipes(const std::array<int, 3>& fds, std::uint32_t owner) {
  for (const int fd : fds) {
    struct stat info {};
    if (::fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode)) (void)!::fchown(fd, owner, static_cast<gid_t>(-1));
  }
}

}  // namespace mete::runtime::process
