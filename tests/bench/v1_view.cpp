// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/v1_view.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace mete::bench {
namespace {

bool mount_view(const runtime::cgroup::Hierarchies& hierarchies) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (::mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, "mode=755") != 0) return false;
  auto all = hierarchies.v1;
  for (const auto& [name, mount] : hierarchies.named) all["none,name=" + name] = mount;
  for (const auto& [options, mount] : all) {
    const std::string where = "/sys/fs/cgroup/" + options.substr(options.find('=') + 1);
    if (::mkdir(where.c_str(), 0755) != 0 || ::mount("cgroup", where.c_str(), "cgroup", 0, options.c_str()) != 0)
      return false;
  }
  return true;
}

}  // namespace

runtime::UniqueFd make_v1_view(const runtime::cgroup::Hierarchies& hierarchies) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return {};
  const pid_t holder = ::fork();
  if (holder == 0) {
    if (!mount_view(hierarchies)) ::_exit(1);
    (void)!::write(ready[1], "r", 1);
    ::pause();
    ::_exit(0);
  }
  ::close(ready[1]);
  char byte = 0;
  const bool made = ::read(ready[0], &byte, 1) == 1;
  ::close(ready[0]);
  runtime::UniqueFd view;
  if (made)
    view = runtime::UniqueFd(::open(("/proc/" + std::to_string(holder) + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  return view;
}

int run_command(std::vector<std::string> words, int view) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = ::vfork();  // NOLINT(bugprone-unsafe-functions): posix_spawn cannot enter a namespace
  if (pid == 0) {
    if (view >= 0 && ::setns(view, CLONE_NEWNS) != 0) ::_exit(98);
    ::execv(argv[0], argv.data());
    ::_exit(98);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

}  // namespace mete::bench
