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
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/reading.h"
#include "collectors/sample.h"
#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

struct CollectionOptions {
  std::string proc = "/proc";
  bool per_cpu = false;          // cpuacct.usage_percpu
  bool processes = false;        // count the lines of cgroup.procs
  std::chrono::nanoseconds settings_for = std::chrono::seconds(10);  // so long limits and the like are not read again
  std::span<const Collector> collectors = builtin_collectors();
};

// What the samplers share. Not thread-safe: one thread reads. Must outlive its samplers and not be moved.
class Collection {
 public:
  // Looks up, once, which files this machine can have.
  Collection(const runtime::cgroup::Hierarchies& hierarchies, CollectionOptions options);
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  [[nodiscard]] std::span<const CollectionCost> cost() const { return cost_; }
  [[nodiscard]] const CollectionOptions& options() const { return options_; }

 private:
  friend class CgroupSampler;
  struct File {
    const SourceFile* source;
    std::uint16_t collector;  // index into cost_
    bool absent = false;      // this kernel does not have it: seen missing in a group that exists
  };
  CollectionOptions options_;
  std::vector<File> files_;
  std::vector<CollectionCost> cost_;  // one a collector, "network" last
  DeviceNames devices_;
  std::vector<char> large_;  // for what does not fit the stack buffer
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

  // Limits were just written: read them in the next pass.
  void refresh_settings() { settings_at_.reset(); }
  // From now on the network counters of this process's network namespace are read too. The open file keeps the
  // namespace alive, so that counters can be read after exit: destroy the sampler (or pass 0) to let it go.
  [[nodiscard]] Status watch_network(pid_t pid);
  [[nodiscard]] std::size_t open_files() const;

 private:
  CgroupSampler(Collection& collection, const runtime::cgroup::Group& group)
      : collection_(&collection), group_(group) {}
  struct Open {
    std::uint16_t file;  // index into Collection::files_
    runtime::UniqueFd fd;
  };
  enum class FileRead { kDone, kFailed, kGone };
  [[nodiscard]] std::string directory_of(const SourceFile& source) const;
  void open_files_of(const std::vector<std::string>& v2_controllers);
  FileRead read_file(const Collection::File& file, int fd);
  FileRead read_text(int fd, bool whole, Parser parse);
  Outcome read_counters();
  void read_settings();
  void read_network();

  Collection* collection_;
  runtime::cgroup::Group group_;
  std::vector<Open> open_;
  std::vector<std::uint16_t> settings_;  // opened when they are read
  runtime::UniqueFd network_;
  std::optional<std::chrono::steady_clock::time_point> settings_at_;
  Sample sample_;
};

}  // namespace mete::collectors
