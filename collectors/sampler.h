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
#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

struct CollectionOptions {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string etc = "/etc";
  std::vector<std::string> with;                                     // collectors that are off by default and wanted
  std::vector<std::string> without;                                  // those that are on and not wanted
  std::chrono::nanoseconds settings_for = std::chrono::seconds(10);  // so long limits and the like are not read again
  std::size_t open_files = 0;                                        // how many may stay open; 0: no limit
  // In a quiet group (see quiet.h) counters that cannot have moved are read with the settings only, and the settings of
  // a group without tasks three times as seldom. Whoever sets it calls Collection::begin_pass().
  bool back_off = false;
  std::span<const Collector> collectors = builtin_collectors();

  [[nodiscard]] bool wants(const Collector& collector) const;
  [[nodiscard]] bool wants(std::string_view name) const;  // of builtin_collectors()
};

// What the samplers share. Not thread-safe: one thread reads. Must outlive its samplers and not be moved.
class Collection {
 public:
  // Looks up, once, which files this machine can have.
  Collection(const runtime::cgroup::Hierarchies& hierarchies, CollectionOptions options);
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  // Before the groups are read, each time: what of the machine may have changed in all of them.
  void begin_pass();
  [[nodiscard]] std::span<const CollectionCost> cost() const { return cost_; }
  [[nodiscard]] const CollectionOptions& options() const { return options_; }
  [[nodiscard]] std::size_t open_files() const { return budget_.open(); }

 private:
  friend class CgroupSampler;
  struct File {
    const SourceFile* source;
    std::uint16_t collector;  // index into cost_
    bool absent = false;      // this kernel does not have it: seen missing in a group that exists
  };
  // A file of /proc/PID/net that some collector wants.
  struct NetFile {
    std::string_view name;  // "tcp6"
    Parser parse;
    std::uint16_t collector;
  };
  std::uint16_t cost_of(std::string_view collector);  // made when there is none

  CollectionOptions options_;
  std::vector<File> files_;
  std::vector<NetFile> net_files_;
  ProcessOptions processes_;
  bool count_processes_ = false;
  bool network_ = true;
  SourceFile procs_{};  // cgroup.procs, of the hierarchy that knows the processes
  runtime::UniqueFd proc_;
  std::vector<CollectionCost> cost_;  // one a collector
  std::uint16_t network_cost_ = 0, processes_cost_ = 0;
  DeviceNames devices_;
  FileBudget budget_;
  std::uint64_t reclaims_ = 0;  // see parse_reclaims()
  std::vector<char> large_;     // for what does not fit the stack buffer
};

class CgroupSampler {
 public:
  enum class Outcome { kRead, kGone };

  // Opens the files. is_gone() when there is no such cgroup.
  [[nodiscard]] static Result<CgroupSampler> open(Collection& collection, const runtime::cgroup::Group& group);

  // One pass. A file that fails is counted in cost() and its fields keep their last value; kGone when the cgroup has
  // been removed: the sample then holds what was read before.
  Outcome read();
  [[nodiscard]] const Sample& sample() const { return sample_; }

  // Files of a sampler that may not keep them open (CollectionOptions::open_files) are opened for each read.

  // Limits were just written: read them in the next pass.
  void refresh_settings() { settings_at_.reset(); }
  // From now on the network counters of this process's network namespace are read too. The open file keeps the
  // namespace alive, so that counters can be read after exit: destroy the sampler (or pass 0) to let it go. States of
  // sockets (collectors tcp, udp, advtcp) are read as long as the process lives.
  [[nodiscard]] Status watch_network(pid_t pid);
  [[nodiscard]] std::size_t open_files() const;

 private:
  CgroupSampler(Collection& collection, const runtime::cgroup::Group& group)
      : collection_(&collection), group_(group), files_(collection.budget_.make()) {}
  enum class FileRead { kDone, kFailed, kGone };
  // The descriptors of a process's network namespace; counted as open files while they are there.
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
  Outcome read_counters(bool all);
  void read_settings();
  void read_network();
  void read_processes();

  Collection* collection_;
  runtime::cgroup::Group group_;
  std::uint64_t id_ = 0;  // of the group: one made again under its path has another
  FileBudget::Set files_;
  std::vector<std::uint16_t> settings_;  // opened when they are read
  Network network_;
  std::unique_ptr<ProcessWalk> walk_;  // null: no collector asks for it
  std::optional<std::chrono::steady_clock::time_point> settings_at_;
  QuietWatch quiet_;
  Quiet quiet_now_ = Quiet::kNo;
  bool partly_open_ = false;  // a quiet group's files of each pass alone
  Sample sample_;
};

}  // namespace mete::collectors
