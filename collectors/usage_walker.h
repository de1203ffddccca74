// SPDX-License-Identifier: Apache-2.0
// Measures the space that a directory tree takes: a container's writable layer. The number comes from the project quota
// where the file system keeps one, else from a walk in small steps: a tree of millions of files costs a bounded share
// of a core, however long a whole round takes.
//
//   METE_TRY(UsageWalker walker, UsageWalker::open("/var/lib/.../diff"));
//   if (walker.due() <= now) walker.step(now);     // at most 2 ms or 2,000 entries
//   walker.usage()                                 // of the last complete round; null before the first
//
// The walk follows no links, stays on its file system, and counts an inode with several links once. An entry that is
// removed during the walk is no error. Space means allocated blocks (st_blocks), as in `du`.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "collectors/reading.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::collectors {

struct UsageWalkOptions {
  std::size_t entries = 2'000;                                    // per step
  std::chrono::microseconds time = std::chrono::milliseconds(2);  // per step
  double duty = 0.01;                                             // share of wall time that steps may take
  std::chrono::seconds every{60};  // a new round begins this long after the last one began, at the earliest
};

class UsageWalker {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] static Result<UsageWalker> open(const std::string& directory, UsageWalkOptions options = {});

  // Makes one step. True: the step completed a round. Before due() the call does nothing.
  bool step(Clock::time_point now);
  // When the next step may be made: after the pause of the duty cycle, or at the next round.
  [[nodiscard]] Clock::time_point due() const { return due_; }
  // Null before the first complete round.
  [[nodiscard]] const std::shared_ptr<const FilesystemUsage>& usage() const { return usage_; }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }  // entries read so far, over all rounds

 private:
  struct Level {
    runtime::UniqueFd directory;
    std::string buffer;  // entries read and not yet looked at
    std::size_t at = 0, end = 0;
  };
  UsageWalker(std::string path, UsageWalkOptions options) : path_(std::move(path)), options_(options) {}
  [[nodiscard]] Status open_root();
  void begin_round();
  bool walk(Clock::time_point end);
  // Counts the entry `name` of the deepest level; opens it when it is a directory.
  void count_entry(const char* name);
  [[nodiscard]] bool read_quota(FilesystemUsage& usage) const;
  void finish();

  std::string path_;
  UsageWalkOptions options_;
  runtime::UniqueFd root_;    // open during a round only
  std::uint64_t inode_ = 0;   // of the root: another directory under its path is not measured
  std::uint64_t device_ = 0;  // st_dev: other file systems are left out
  std::string device_name_;
  std::optional<std::uint32_t> project_;
  std::vector<Level> levels_;  // from the root to the current directory
  bool walking_ = false;
  std::uint64_t bytes_ = 0;
  std::unordered_set<std::uint64_t> linked_;  // inodes of this round with more than one link
  std::uint64_t entries_ = 0;
  Clock::time_point due_{}, round_began_{};
  std::shared_ptr<const FilesystemUsage> usage_;
};

// The device of a file system in the text of /proc/self/mountinfo: "/dev/vda1"; empty when it is not listed.
[[nodiscard]] std::string device_of_mount(std::string_view mountinfo, std::uint32_t major, std::uint32_t minor);

}  // namespace mete::collectors
