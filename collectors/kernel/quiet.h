// SPDX-License-Identifier: Apache-2.0
// Which counters of a cgroup cannot have moved since they were read, so that a group in which nothing runs costs a few
// reads. By what is read each pass: nothing can change a group's CPU usage but its tasks, and they change nothing
// without it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/kernel/sample.h"

namespace mete::collectors {

// Everything moves; nothing runs, but there are tasks, which may be waiting; there are no tasks.
enum class Quiet : std::uint8_t { kNo, kWaiting, kEmpty };

class QuietWatch {
 public:
  // Pure. After the files of kEachPass were read into `sample`; `reclaims`: what parse_reclaims() made of
  // /proc/vmstat. A group is quiet when for two passes its CPU usage, its memory usage, the number of its tasks and
  // `reclaims` have stood still: one pass more than it seems to need, for what the kernel adds up a moment later.
  // Never when one of these numbers is not known, nor while pages wait to be written to disk.
  Quiet see(const Sample& sample, std::uint64_t reclaims);
  // As after open().
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

// From /proc/vmstat's text: a number that moves when the kernel takes memory of any cgroup, moves its pages between the
// lists of memory.stat or makes huge pages of them, which needs no task of that cgroup.
[[nodiscard]] std::uint64_t parse_reclaims(std::string_view vmstat);

}  // namespace mete::collectors
