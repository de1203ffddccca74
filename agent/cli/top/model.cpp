// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/top/model.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>

namespace mete::agent::cli {
namespace {

constexpr std::size_t kHistory = 60;
constexpr double kPercent = 100;

std::optional<double> number(const Stats& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}
std::string text(const Stats& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// One cgroup in two answers.
struct Pair {
  const Stats* before;  // null: it was not there
  const Stats& now;
  double elapsed;

  // The increase; a counter that went back counts from zero.
  [[nodiscard]] std::optional<double> increase(const char* key) const {
    if (before == nullptr || elapsed <= 0) return std::nullopt;
    const auto old = number(*before, key);
    const auto fresh = number(now, key);
    if (!old || !fresh) return std::nullopt;
    return *fresh >= *old ? *fresh - *old : *fresh;
  }
  [[nodiscard]] std::optional<double> rate(const char* key, double factor = 1) const {
    const auto more = increase(key);
    return more ? std::optional(*more / elapsed * factor) : std::nullopt;
  }
  [[nodiscard]] std::optional<double> stalled(const char* subject) const {
    if (before == nullptr || !before->contains("pressure") || !now.contains("pressure")) return std::nullopt;
    const Stats& old = (*before)["pressure"];
    const Stats& fresh = now["pressure"];
    if (!old.contains(subject) || !fresh.contains(subject)) return std::nullopt;
    const auto share = Pair{&old[subject], fresh[subject], elapsed}.rate("some", kPercent);
    return share ? std::optional(std::min(*share, kPercent)) : std::nullopt;
  }
};

TopRow row_of(const Pair& pair) {
  const Stats& now = pair.now;
  TopRow row;
  row.path = text(now, "path");
  row.cgroup = static_cast<std::uint64_t>(number(now, "cgroup").value_or(0));
  row.kind = text(now, "kind");
  row.runtime = text(now, "runtime");
  row.namespace_ = text(now, "namespace");
  row.pod = text(now, "pod");
  row.container = text(now, "container");
  row.name = text(now, "name");
  row.image = text(now, "image");
  row.state = text(now, "state");
  row.cpu = pair.rate("cpuSeconds", kPercent);
  row.cpu_limit = number(now, "effectiveCpuCores");
  const auto periods = pair.increase("periods");
  const auto throttled = pair.increase("throttledPeriods");
  if (periods && throttled) row.throttled = *periods > 0 ? std::min(*throttled / *periods, 1.0) * kPercent : 0;
  row.memory = number(now, "workingSetBytes");
  row.memory_limit = number(now, "effectiveMemoryLimitBytes");
  row.pressure_cpu = pair.stalled("cpu");
  row.pressure_memory = pair.stalled("memory");
  row.pressure_io = pair.stalled("io");
  row.read = pair.rate("readBytes");
  row.write = pair.rate("writeBytes");
  row.receive = pair.rate("receiveBytes");
  row.transmit = pair.rate("transmitBytes");
  row.pids = number(now, "pids");
  row.ooms = number(now, "oomKills");
  row.restarts = number(now, "restarts");
  row.exit_code = number(now, "exitCode");
  return row;
}

std::optional<double> sum(std::optional<double> a, std::optional<double> b) {
  return a || b ? std::optional(a.value_or(0) + b.value_or(0)) : std::nullopt;
}

// Larger comes first; what is not known comes last.
double weight(const TopRow& row, TopSort sort) {
  switch (sort) {
    case TopSort::kCpu:
      return row.cpu.value_or(-1);
    case TopSort::kMemory:
      return row.memory.value_or(-1);
    case TopSort::kThrottled:
      return row.throttled.value_or(-1);
    case TopSort::kPressure:
      return std::max({row.pressure_cpu.value_or(-1), row.pressure_memory.value_or(-1), row.pressure_io.value_or(-1)});
    case TopSort::kIo:
      return sum(row.read, row.write).value_or(-1);
    case TopSort::kNetwork:
      return sum(row.receive, row.transmit).value_or(-1);
    case TopSort::kPids:
      return row.pids.value_or(-1);
    case TopSort::kOoms:
      return row.ooms.value_or(-1);
    case TopSort::kRestarts:
      return row.restarts.value_or(-1);
    case TopSort::kName:
      return 0;
  }
  return 0;
}

void sort_rows(std::vector<TopRow>& rows, const TopView& view) {
  std::stable_sort(rows.begin(), rows.end(), [&](const TopRow& a, const TopRow& b) {
    const double left = weight(a, view.sort);
    const double right = weight(b, view.sort);
    if (left != right) return view.reverse ? left < right : left > right;
    return view.reverse && view.sort == TopSort::kName ? a.title() > b.title() : a.title() < b.title();
  });
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool passes(const TopRow& row, const TopView& view) {
  if (!view.all && !row.is_container()) return false;
  if (view.filter.empty()) return true;
  const std::string wanted = lower(view.filter);
  return lower(row.title() + " " + row.path + " " + row.image).find(wanted) != std::string::npos;
}

std::string parent_of(const std::string& path) {
  if (path.size() <= 1) return {};
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<TopRow> tree_of(const TopPicture& picture, const TopView& view) {
  std::map<std::string, const TopRow*> all;
  for (const TopRow& row : picture.rows) all.emplace(row.path, &row);
  std::set<std::string> shown;
  for (const TopRow& row : picture.rows) {
    if (!passes(row, view)) continue;
    for (std::string path = row.path; !path.empty(); path = parent_of(path)) {
      if (all.contains(path)) shown.insert(path);
    }
  }
  std::map<std::string, std::vector<TopRow>> children;  // of the nearest ancestor that is shown; "" for roots
  for (const std::string& path : shown) {
    std::string parent = parent_of(path);
    while (!parent.empty() && !shown.contains(parent)) parent = parent_of(parent);
    children[parent].push_back(*all.at(path));
  }
  for (auto& [parent, rows] : children) sort_rows(rows, view);
  std::vector<TopRow> out;
  const std::function<void(const std::string&, int)> walk = [&](const std::string& parent, int depth) {
    for (TopRow& row : children[parent]) {
      row.depth = depth;
      row.folded = view.folded.contains(row.path) && children.contains(row.path);
      out.push_back(row);
      if (!row.folded && children.contains(row.path)) walk(row.path, depth + 1);
    }
  };
  walk("", 0);
  return out;
}

}  // namespace

std::optional<double> TopRow::memory_percent() const {
  if (!memory || !memory_limit || *memory_limit <= 0) return std::nullopt;
  return *memory / *memory_limit * kPercent;
}

std::string TopRow::title() const {
  if (runtime == "mete") return namespace_ + "/" + pod + (container.empty() ? "" : "/" + container);
  if (!pod.empty() && !container.empty()) return namespace_ + "/" + pod + "/" + container;
  if (!name.empty()) return name;
  return path;
}

TopPicture compare(const Stats* before, const Stats& now) {
  TopPicture picture;
  std::map<std::pair<std::string, std::uint64_t>, const Stats*> old;
  const auto key_of = [](const Stats& row) {
    return std::pair(text(row, "path"), static_cast<std::uint64_t>(number(row, "cgroup").value_or(0)));
  };
  if (before != nullptr) {
    picture.elapsed = number(now, "at").value_or(0) - number(*before, "at").value_or(0);
    for (const Stats& row : (*before)["cgroups"]) old.emplace(key_of(row), &row);
  }
  picture.cores = now.contains("machine") ? number(now["machine"], "cores").value_or(0) : 0;
  picture.memory_total = now.contains("machine") ? number(now["machine"], "memoryBytes") : std::nullopt;
  for (const Stats& row : now["cgroups"]) {
    const auto found = old.find(key_of(row));
    const Stats* const earlier = found == old.end() ? nullptr : found->second;
    // Each cgroup was read at its own moment.
    const double elapsed = earlier == nullptr ? 0 : number(row, "at").value_or(0) - number(*earlier, "at").value_or(0);
    picture.rows.push_back(row_of({earlier, row, elapsed}));
    const TopRow& added = picture.rows.back();
    ++picture.cgroups;
    if (added.kind == "container") ++picture.containers;
    if (added.kind == "container" && (added.state.empty() || added.state == "running")) ++picture.running;
    if (added.kind == "container") picture.ooms += added.ooms.value_or(0);
    if (added.kind != "root") continue;
    picture.memory = added.memory;
    if (added.cpu && picture.cores > 0) picture.cpu = *added.cpu / picture.cores;
  }
  return picture;
}

void TopHistory::add(TopPicture& picture) {
  std::map<std::string, std::deque<float>> next;
  for (TopRow& row : picture.rows) {
    auto& history = next[row.path];
    if (const auto old = cpu_.find(row.path); old != cpu_.end()) history = std::move(old->second);
    if (row.cpu) history.push_back(static_cast<float>(*row.cpu));
    if (history.size() > kHistory) history.pop_front();
    row.history.assign(history.begin(), history.end());
  }
  cpu_ = std::move(next);
}

const char* to_string(TopSort sort) {
  constexpr std::array<const char*, kTopSorts> kNames = {"CPU",     "memory", "throttled", "pressure", "IO",
                                                         "network", "pids",   "OOMs",      "restarts", "name"};
  return kNames.at(static_cast<std::size_t>(sort));
}

std::vector<TopRow> visible(const TopPicture& picture, const TopView& view) {
  if (view.tree) return tree_of(picture, view);
  std::vector<TopRow> rows;
  for (const TopRow& row : picture.rows) {
    if (passes(row, view)) rows.push_back(row);
  }
  sort_rows(rows, view);
  return rows;
}

}  // namespace mete::agent::cli
