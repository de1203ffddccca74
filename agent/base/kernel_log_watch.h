// SPDX-License-Identifier: Apache-2.0
// Follows /dev/kmsg for OOM kills and keeps the recent ones until a container claims them.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "collectors/kernel/kernel_log.h"
#include "config/base/result.h"

namespace mete::agent {

struct KernelKill {
  std::int32_t pid = 0;
  std::string task;
  std::string task_memcg;  // empty: the kernel did not log it (rate limit)
  std::string oom_memcg;
  Bytes anon_rss;
  bool of_cgroup = true;
};

// The owner of the limit: "container" (of `cgroup`), "nested" (of a group below), "pod" (of `pod`, which may be empty),
// "ancestor" or "host".
[[nodiscard]] std::string scope_of(const KernelKill& kill, const std::string& cgroup, const std::string& pod);

class KernelLog {
 public:
  explicit KernelLog(asio::io_context& loop) : descriptor_(loop) {}
  // Fails where /dev/kmsg cannot be read. Kills are still counted then, but their pid is a guess.
  [[nodiscard]] Status open();
  // `callback` is called for each kill that the kernel logs.
  void on_kill(std::function<void(const KernelKill&)> callback) { on_kill_ = std::move(callback); }
  // Removes and returns the oldest kill of a process in `memcg` (or below), or of one of `pids`.
  [[nodiscard]] std::optional<KernelKill> take(const std::string& memcg, const std::vector<std::int32_t>& pids);
  // Forgets kills of these that the kernel logged without a cgroup: it names the first victim of a group alone.
  void drop(const std::vector<std::int32_t>& pids);

 private:
  static constexpr std::size_t kKept = 256;
  void wait();
  void read();
  void note(std::string_view message);

  Descriptor descriptor_;
  std::function<void(const KernelKill&)> on_kill_;
  std::deque<collectors::OomChoice> choices_;
  std::deque<KernelKill> kills_;
};

}  // namespace mete::agent
