// SPDX-License-Identifier: Apache-2.0
// Decides which counters of a cgroup cannot have changed since they were last read, so that a group in which nothing
// runs costs a few reads per pass. The decision rests on the files read in every pass: only a group's tasks can change
// its CPU usage, and they can change no other counter without using CPU time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/kernel/sample.h"

namespace mete::collectors {

// kNo: any counter may have changed. kWaiting: nothing runs, but the group has tasks, which may be waiting. kEmpty: the
// group has no tasks.
enum class Quiet : std::uint8_t { kNo, kWaiting, kEmpty };

class QuietWatch {
 public:
  // Called after the files of kEachPass were read into `sample`. `reclaims`: the result of parse_reclaims(). Does no
  // I/O.
  // A group is quiet when its CPU usage, its memory usage, the number of its tasks and `reclaims` have not changed for
  // two passes. One pass would seem enough, but the kernel adds some numbers up a moment later. A group is never quiet
  // when one of these numbers is unknown, or while pages wait to be written to disk.
  Quiet see(const Sample& sample, std::uint64_t reclaims);
  // Back to the state after construction.
  void forget() { still_ = 0; }

 private:
  struct Numbers {
    std::chrono::nanoseconds cpu{};
    Bytes memory;
    std::uint64_t tasks = 0;
    std::uint64_t reclaims = 0;
    bool operator==(const Numbers&) const = default;
  };
  std::optional<Numbers> last_;
  unsigned still_ = 0;  // passes without a change
};

// Counters that move only while a task of the group waits: pressure, throttling, IO.
struct WaitingNumbers {
  std::array<std::chrono::nanoseconds, 4> pressure{};
  std::chrono::nanoseconds throttled{};
  std::uint64_t operations = 0;
  bool operator==(const WaitingNumbers&) const = default;
};
[[nodiscard]] WaitingNumbers waiting_numbers(const Sample& sample);

// Sums counters of /proc/vmstat's text that move when the kernel reclaims memory of any cgroup, moves pages between the
// lists of memory.stat, or makes huge pages. All three can happen without a task of that cgroup running.
[[nodiscard]] std::uint64_t parse_reclaims(std::string_view vmstat);

}  // namespace mete::collectors
