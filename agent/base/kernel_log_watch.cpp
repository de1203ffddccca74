// SPDX-License-Identifier: Apache-2.0
#include "agent/base/kernel_log_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace mete::agent {

std::string scope_of(const KernelKill& kill, const std::string& cgroup, const std::string& pod) {
  if (!kill.of_cgroup) return "host";
  if (kill.oom_memcg.empty() || kill.oom_memcg == cgroup) return "container";
  if (kill.oom_memcg.starts_with(cgroup + "/")) return "nested";
  return kill.oom_memcg == pod ? "pod" : "ancestor";
}

Status KernelLog::open() {
  const int fd = ::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return fail_errno("open /dev/kmsg");
  ::lseek(fd, 0, SEEK_END);  // earlier events are in the counters already
  descriptor_.assign(fd);
  wait();
  return {};
}

void KernelLog::wait() {
  descriptor_.async_wait(Descriptor::wait_read, [this](ErrorCode error) {
    if (error) return;
    read();
    wait();
  });
}

void KernelLog::read() {
  char buffer[8192];  // one record a read; a longer one is an error that skips it
  while (true) {
    const ssize_t got = ::read(descriptor_.native_handle(), buffer, sizeof buffer);
    // EPIPE: records were overwritten; the next read continues after them
    if (got < 0 && (errno == EPIPE || errno == EINVAL)) continue;
    if (got <= 0) return;
    if (const auto message = collectors::kernel_message({buffer, static_cast<std::size_t>(got)})) note(*message);
  }
}

void KernelLog::note(std::string_view message) {
  if (auto choice = collectors::parse_oom_choice(message)) {
    choices_.push_back(std::move(*choice));
    if (choices_.size() > kKept) choices_.pop_front();
    return;
  }
  const auto killed = collectors::parse_oom_kill(message);
  if (!killed) return;
  KernelKill kill{killed->pid, killed->task, {}, {}, killed->anon_rss, killed->of_cgroup};
  const auto choice =
      std::find_if(choices_.rbegin(), choices_.rend(), [&](const auto& each) { return each.pid == kill.pid; });
  if (choice != choices_.rend()) {
    kill.task_memcg = choice->task_memcg;
    kill.oom_memcg = choice->oom_memcg;
    choices_.erase(std::next(choice).base());
  }
  kills_.push_back(kill);
  if (kills_.size() > kKept) kills_.pop_front();
  if (on_kill_) on_kill_(kill);
}

std::optional<KernelKill> KernelLog::take(const std::string& memcg, const std::vector<std::int32_t>& pids) {
  if (descriptor_.is_open()) read();
  const auto at = std::find_if(kills_.begin(), kills_.end(), [&](const KernelKill& kill) {
    if (!kill.task_memcg.empty()) return kill.task_memcg == memcg || kill.task_memcg.starts_with(memcg + "/");
    return std::find(pids.begin(), pids.end(), kill.pid) != pids.end();
  });
  if (at == kills_.end()) return std::nullopt;
  KernelKill kill = std::move(*at);
  kills_.erase(at);
  return kill;
}

void KernelLog::drop(const std::vector<std::int32_t>& pids) {
  std::erase_if(kills_, [&](const KernelKill& kill) {
    return kill.task_memcg.empty() && std::find(pids.begin(), pids.end(), kill.pid) != pids.end();
  });
}

}  // namespace mete::agent
