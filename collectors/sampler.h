// SPDX-License-Identifier: Apache-2.0
// Reads all counters of a cgroup through files that stay open: one pread a file, no allocation once warm.
//
//   Collection collection(hierarchies, {});              // one per agent
//   METE_TRY(CgroupSampler s, CgroupSampler::open(collection, group));
//   if (s.read() == CgroupSampler::Outcome::kGone) ...   // the cgroup was removed; s.sample() holds the last read
//   s.sample().memory.usage
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/process_walk.h"
#include "collectors/kernel/quiet.h"
#include "collectors/kernel/sample.h"
#include "collectors/open_files.h"
#include "collectors/reading.h"
#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

struct CollectionOptions {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string etc = "/etc";
  std::vector<std::string> with;                                     // collectors to switch on that are off by default
  std::vector<std::string> without;                                  // collectors to switch off that are on by default
  std::chrono::nanoseconds settings_for = std::chrono::seconds(10);  // how long settings are not read again
  // A quiet group whose tasks did not wait at the last look is looked at again after this time: what its parent's
  // counters tell may be about a sibling.
  std::chrono::nanoseconds waiting_for = std::chrono::seconds(10);
  // A group whose settings are watched (CgroupSampler::settings_are_watched) closes most files when quiet for so long.
  std::chrono::nanoseconds close_after = std::chrono::seconds(5);
  std::size_t open_files = 0;  // files that may stay open; 0: no limit
  // In a quiet group (see quiet.h) counters that cannot have changed are read only with the settings, and in a group
  // without tasks the settings are read a third as often. When true, the caller must call Collection::begin_pass().
  bool back_off = false;
  std::span<const Collector> collectors = builtin_collectors();

  [[nodiscard]] bool wants(const Collector& collector) const;
  [[nodiscard]] bool wants(std::string_view name) const;  // by name, in builtin_collectors()
};

// State shared by the samplers. Not thread-safe: one thread reads. The object must outlive its samplers and must not be
// moved.
class Collection {
 public:
  // Looks up once which files this machine can have.
  Collection(const runtime::cgroup::Hierarchies& hierarchies, CollectionOptions options);
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  // Called before each pass over the groups: reads the machine's counters that say whether any group may have changed.
  void begin_pass();
  [[nodiscard]] std::span<const CollectionCost> cost() const { return cost_; }
  [[nodiscard]] const CollectionOptions& options() const { return options_; }
  [[nodiscard]] std::size_t open_files() const { return budget_.open(); }

 private:
  friend class CgroupSampler;
  friend class ParentWatch;
  struct File {
    const SourceFile* source;
    std::uint16_t collector;  // index into cost_
    bool absent = false;      // this kernel does not have the file: it was missing in a group that exists
  };
  // A file of /proc/PID/net that some collector wants.
  struct NetFile {
    std::string_view name;  // "tcp6"
    Parser parse;
    std::uint16_t collector;
  };
  std::uint16_t cost_of(std::string_view collector);  // adds an entry when there is none

  CollectionOptions options_;
  std::vector<File> files_;
  std::vector<NetFile> net_files_;
  ProcessOptions processes_;
  bool count_processes_ = false;
  bool network_ = true;
  SourceFile procs_{};  // cgroup.procs of the hierarchy that has the processes
  runtime::UniqueFd proc_;
  std::vector<CollectionCost> cost_;  // one entry per collector
  std::uint16_t network_cost_ = 0, processes_cost_ = 0;
  DeviceNames devices_;
  FileBudget budget_;
  std::uint64_t reclaims_ = 0;  // see parse_reclaims()
  std::vector<char> large_;     // for text that does not fit the stack buffer
};

class CgroupSampler {
 public:
  enum class Outcome { kRead, kGone };

  // Opens the files. An error for which is_gone() is true: the cgroup does not exist.
  [[nodiscard]] static Result<CgroupSampler> open(Collection& collection, const runtime::cgroup::Group& group);

  // Makes one pass. A file that cannot be read is counted in cost(), and its fields keep their last value. kGone: the
  // cgroup has been removed; the sample then holds the last values read. Files that may not stay open
  // (CollectionOptions::open_files) are opened for each read. `may_have_waited` false: the caller knows that no task in
  // this group has waited for CPU, memory or IO since the last pass (see ParentWatch).
  Outcome read(bool may_have_waited = true);
  [[nodiscard]] const Sample& sample() const { return sample_; }

  // Reads the settings again in the next pass: the caller has just written limits.
  void refresh_settings() { settings_at_.reset(); }
  // The caller is told of every write to a setting, and calls refresh_settings() then. So the settings of a quiet group
  // are read seldom, and a group that stays quiet keeps only the files open that are read in each pass.
  void settings_are_watched(bool watched) { settings_watched_ = watched; }
  // Also reads the network counters of this process's network namespace from now on. The open file keeps the namespace
  // alive, so that the counters can be read after the process exits; the destructor, or pid 0, closes it. Socket states
  // (collectors tcp, udp, advtcp) are read as long as the process lives.
  [[nodiscard]] Status watch_network(pid_t pid);
  [[nodiscard]] std::size_t open_files() const;

 private:
  CgroupSampler(Collection& collection, const runtime::cgroup::Group& group)
      : collection_(&collection), group_(group), files_(collection.budget_.make()) {}
  enum class FileRead { kDone, kFailed, kGone };
  // The descriptors of a process's network namespace. They count as open files while the object holds them.
  class Network {
   public:
    Network() = default;
    Network(FileBudget& budget, runtime::UniqueFd dev, runtime::UniqueFd directory);
    Network(Network&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          dev(std::move(other.dev)),
          directory(std::move(other.directory)) {}
    Network& operator=(Network&& other) noexcept;
    ~Network();
    [[nodiscard]] std::size_t open() const { return (dev.valid() ? 1U : 0U) + (directory.valid() ? 1U : 0U); }

   private:
    FileBudget* budget_ = nullptr;

   public:
    runtime::UniqueFd dev;
    runtime::UniqueFd directory;  // /proc/PID/net
  };

  [[nodiscard]] static Result<std::uint64_t> id_of(const runtime::cgroup::Group& group);
  [[nodiscard]] bool has_same_processes() const;
  void choose_files(const std::vector<std::string>& v2_controllers);
  void open_files(When to);
  Outcome open_files_again(When to);
  template <class Parse>
  FileRead read_text(int fd, bool whole, Parse parse);
  FileRead read_file(const Collection::File& file, int fd);
  Outcome read_files(When from, When to);
  Outcome read_counters(bool all, bool may_have_waited);
  Outcome open_up_to(When to);
  Outcome read_waiting();
  [[nodiscard]] bool wants_waiting(bool may_have_waited) const;
  void close_long_quiet();
  [[nodiscard]] std::chrono::nanoseconds settings_period() const;
  void read_settings();
  [[nodiscard]] Result<std::uint64_t> network_namespace_of(pid_t pid) const;
  [[nodiscard]] Status open_network();
  void open_network_again();
  void read_network();
  void read_processes();

  Collection* collection_;
  runtime::cgroup::Group group_;
  std::uint64_t id_ = 0;  // the group's; a group made again under its path has another
  FileBudget::Set files_;
  std::vector<std::uint16_t> settings_;  // opened for each read
  pid_t network_pid_ = 0;                // 0: no network is watched
  std::uint64_t network_id_ = 0;         // inode of its network namespace; 0: not known
  Network network_;                      // closed while the namespace has nothing but loopback
  std::unique_ptr<ProcessWalk> walk_;    // null: no collector needs it
  std::optional<std::chrono::steady_clock::time_point> settings_at_;
  QuietWatch quiet_;
  Quiet quiet_now_ = Quiet::kNo;
  When open_to_ = When::kRunning;  // those read less often are closed: the group is quiet
  bool settings_watched_ = false;  // see settings_are_watched()
  std::optional<std::chrono::steady_clock::time_point> quiet_since_;
  std::chrono::steady_clock::time_point waiting_at_{};  // when the kWaiting files were read
  bool has_waited_ = true;                              // that read differed from the one before
  Sample sample_;
};

}  // namespace mete::collectors
