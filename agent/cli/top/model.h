// SPDX-License-Identifier: Apache-2.0
// The rows of `mete top` and `mete stats` as values. Two answers of /mete/v1/stats become rows with rates. Sorting,
// filtering and the tree are functions of rows and settings, and know no terminal.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/json.h"

namespace mete::agent::cli {

using Stats = nlohmann::json;  // an answer of /mete/v1/stats

// One cgroup. Empty: the kernel does not say, or there was no earlier answer to compare with.
struct TopRow {
  std::string path;
  std::uint64_t cgroup = 0;
  std::string kind, runtime, namespace_, pod, container, name, image, state;
  std::optional<double> cpu;                                         // percent of one core
  std::optional<double> throttled;                                   // percent of the periods
  std::optional<double> cpu_limit;                                   // cores, the tightest of all ancestors
  std::optional<double> memory;                                      // bytes, working set
  std::optional<double> memory_limit;                                // bytes, the tightest of all ancestors
  std::optional<double> pressure_cpu, pressure_memory, pressure_io;  // percent of the time some task was stalled
  std::optional<double> read, write, receive, transmit;              // bytes a second
  std::optional<double> pids, ooms, restarts, exit_code;
  std::vector<float> history;  // cpu, the oldest first
  int depth = 0;               // in the tree
  bool folded = false;         // its children are hidden

  [[nodiscard]] std::optional<double> memory_percent() const;
  // "default/web/main", "docker-name", "ssh.service", else the path.
  [[nodiscard]] std::string title() const;
  [[nodiscard]] bool is_container() const { return kind == "container" || kind == "pod"; }
};

struct TopPicture {
  double elapsed = 0;                               // seconds between the two answers; 0: there was one only
  std::optional<double> cpu, memory, memory_total;  // of the root: percent of all cores, bytes
  double cores = 0;
  std::size_t containers = 0, running = 0, cgroups = 0;
  double ooms = 0;
  std::vector<TopRow> rows;
};

// Keeps the values for sparklines from one answer to the next.
class TopHistory {
 public:
  void add(TopPicture& picture);  // also sets the history of each row

 private:
  std::map<std::string, std::deque<float>> cpu_;
};

// `before` null: no rates. A cgroup made again under its path counts from zero.
[[nodiscard]] TopPicture compare(const Stats* before, const Stats& now);

enum class TopSort { kCpu, kMemory, kThrottled, kPressure, kIo, kNetwork, kPids, kOoms, kRestarts, kName };
[[nodiscard]] const char* to_string(TopSort sort);
inline constexpr int kTopSorts = 10;

struct TopView {
  TopSort sort = TopSort::kCpu;
  bool reverse = false;
  bool tree = false;
  bool all = false;  // every cgroup, not containers alone
  std::string filter;
  std::set<std::string> folded;  // paths
};

// The rows to show, in order. In the tree, ancestors of rows that match the filter are shown too.
[[nodiscard]] std::vector<TopRow> visible(const TopPicture& picture, const TopView& view);

}  // namespace mete::agent::cli
