// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/idle_cpu.h"

#include <algorithm>
#include <thread>

#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::agent {

std::optional<CpuTimes> parse_cpu_times(std::string_view text) {
  std::string_view line = collectors::next_line(text);
  if (collectors::next_word(line) != "cpu") return std::nullopt;
  // user nice system idle iowait irq softirq steal
  constexpr int kFields = 8;
  constexpr int kIdle = 3;
  constexpr int kIoWait = 4;
  CpuTimes times;
  for (int i = 0; i < kFields; ++i) {
    const auto ticks = collectors::parse_u64(collectors::next_word(line));
    if (!ticks) return std::nullopt;
    times.all += *ticks;
    if (i == kIdle || i == kIoWait) times.idle += *ticks;
  }
  return times;
}

unsigned IdleCpu::cpus() {
  return std::max(1U, std::thread::hardware_concurrency());
}

std::optional<double> IdleCpu::cores() {
  constexpr auto kFresh = std::chrono::milliseconds(900);
  constexpr auto kStale = std::chrono::seconds(3);
  const auto now = std::chrono::steady_clock::now();
  if (now - read_at_ >= kFresh) {
    const auto text = runtime::read_file(AT_FDCWD, "/proc/stat", 4U << 20U);
    const auto times = text ? parse_cpu_times(*text) : std::nullopt;
    if (!times) return std::nullopt;
    const bool usable = now - read_at_ < kStale && times->all > last_.all && times->idle >= last_.idle;
    share_.reset();
    if (usable) share_ = static_cast<double>(times->idle - last_.idle) / static_cast<double>(times->all - last_.all);
    last_ = *times;
    read_at_ = now;
  }
  if (!share_) return std::nullopt;
  return std::max(0.0, *share_ * cpus() - static_cast<double>(reserved_.count()) / 1000);
}

}  // namespace mete::agent
