// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/children.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <string>

#include "runtime/file.h"

namespace mete::runtime::shim {

bool is_own_child(pid_t pid) {
  siginfo_t info{};
  return pid > 0 && ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

std::vector<pid_t> own_children() {
  const std::string self = std::to_string(::getpid());
  const auto text = read_file(AT_FDCWD, "/proc/" + self + "/task/" + self + "/children");
  std::vector<pid_t> children;
  if (!text) return children;
  const char* at = text->data();
  const char* const end = at + text->size();
  while (at != end) {
    pid_t pid = 0;
    const auto read = std::from_chars(at, end, pid);
    if (read.ec == std::errc()) children.push_back(pid);
    at = read.ec == std::errc() ? read.ptr : at + 1;
  }
  return children;
}

void end_children() {
  constexpr auto kPatience = std::chrono::seconds(2);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    const auto children = own_children();
    if (children.empty()) return;
    for (const pid_t pid : children) ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    ::usleep(1'000);
  }
}

Subreaper::Subreaper() {
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Subreaper::~Subreaper() {
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace mete::runtime::shim
