// SPDX-License-Identifier: Apache-2.0
// `mete stats`: what containers use now, once or again and again.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>

#include "agent/cli/images/image_commands.h"
#include "agent/cli/output/docker_text.h"
#include "agent/cli/output/row_format.h"
#include "agent/cli/output/table.h"
#include "agent/cli/pods/stats_requests.h"
#include "agent/cli/top/view.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

Json row_json(const TopRow& row) {
  Json value = {{"path", row.path},    {"kind", row.kind},   {"runtime", row.runtime},
                {"name", row.title()}, {"image", row.image}, {"state", row.state}};
  const auto add = [&](const char* key, std::optional<double> number) {
    if (number) value[key] = *number;
  };
  add("cpuPercent", row.cpu);
  add("throttledPercent", row.throttled);
  add("effectiveCpuCores", row.cpu_limit);
  add("workingSetBytes", row.memory);
  add("effectiveMemoryLimitBytes", row.memory_limit);
  add("memoryPercent", row.memory_percent());
  add("cpuPressurePercent", row.pressure_cpu);
  add("memoryPressurePercent", row.pressure_memory);
  add("ioPressurePercent", row.pressure_io);
  add("readBytesPerSecond", row.read);
  add("writeBytesPerSecond", row.write);
  add("receiveBytesPerSecond", row.receive);
  add("transmitBytesPerSecond", row.transmit);
  add("pids", row.pids);
  add("oomKills", row.ooms);
  add("restarts", row.restarts);
  add("lastExitCode", row.exit_code);
  return value;
}

}  // namespace

Json stats_json(const std::vector<TopRow>& rows) {
  Json list = Json::array();
  for (const TopRow& row : rows) list.push_back(row_json(row));
  return {{"cgroups", std::move(list)}};
}

std::optional<Stats> ask_stats(const Common& common, std::string& problem) {
  const auto answer = Client(common.socket).request("GET", "/mete/v1/stats");
  if (!answer || answer->status != 200) {
    problem = answer ? "the agent answered " + std::to_string(answer->status) : answer.error().what;
    return std::nullopt;
  }
  Stats stats = Stats::parse(answer->body, nullptr, false);
  if (stats.is_object() && stats.contains("cgroups") && stats["cgroups"].is_array()) return stats;
  problem = "the agent's answer was not understood";
  return std::nullopt;
}

namespace {

bool named(const TopRow& row, const std::vector<std::string>& names) {
  return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           const std::string pod = row.namespace_ + "/" + row.pod;
           return name == row.title() || name == row.name || name == row.path || name == row.container ||
                  name == row.pod || name == pod;
         });
}

// "1.5MiB"
std::string memory_text(std::optional<double> bytes) {
  return bytes ? bytes_text(static_cast<std::int64_t>(*bytes)) + (*bytes < 1024 ? "" : "B") : "--";
}

std::string percent_text(std::optional<double> percent) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%", percent.value_or(0));
  return percent ? text : "--";
}

// The two sums of a cgroup since its beginning, as docker shows them.
std::string sums_text(const Stats& stats, const TopRow& row, const char* first, const char* second) {
  for (const Stats& each : stats["cgroups"]) {
    if (each.value("path", "") != row.path || !each.contains(first) || !each.contains(second)) continue;
    return docker_size(each[first].get<std::int64_t>()) + " / " + docker_size(each[second].get<std::int64_t>());
  }
  return "--";
}

// The fields that docker's --format knows.
Result<std::string> formatted(const Stats& stats, const std::vector<TopRow>& rows, const std::string& format) {
  Json list = Json::array();
  for (const TopRow& row : rows) {
    const std::string id = row.container.empty() ? row.title() : row.namespace_ + "/" + row.pod;
    list.push_back({{"Container", id},
                    {"ID", id},
                    {"Name", row.title()},
                    {"CPUPerc", percent_text(row.cpu)},
                    {"MemUsage", memory_text(row.memory) + " / " + memory_text(row.memory_limit)},
                    {"MemPerc", percent_text(row.memory_percent())},
                    {"NetIO", sums_text(stats, row, "receiveBytes", "transmitBytes")},
                    {"BlockIO", sums_text(stats, row, "readBytes", "writeBytes")},
                    {"PIDs", row.pids ? std::to_string(static_cast<std::int64_t>(*row.pids)) : "--"}});
  }
  const std::vector<Column> columns = {{"Container", "CONTAINER ID", false},
                                       {"ID", "CONTAINER ID"},
                                       {"Name", "NAME"},
                                       {"CPUPerc", "CPU %"},
                                       {"MemUsage", "MEM USAGE / LIMIT"},
                                       {"MemPerc", "MEM %"},
                                       {"NetIO", "NET I/O"},
                                       {"BlockIO", "BLOCK I/O"},
                                       {"PIDs", "PIDS"}};
  return format_rows(list, columns, format);
}

struct StatsOptions {
  std::vector<std::string> names;
  std::string format;
  bool all = false;
  bool stream = false;
  bool no_stream = false;
};

// As the output is asked for. The error: the format is none.
Result<std::string> text_of(const Common& common, const StatsOptions& options, const Stats& stats,
                            const std::vector<TopRow>& rows) {
  if (!options.format.empty()) return formatted(stats, rows, options.format);
  const auto structured = structured_text(common, stats_json(rows));
  return structured ? *structured : plain_table(rows, false);
}

// In place of what was there, line by line, so that nothing flickers.
std::string on_screen(const std::string& text, bool first) {
  std::string out = first ? "\x1b[2J\x1b[H" : "\x1b[H";
  for (const char c : text) out.append(c == '\n' ? "\x1b[K" : "").append(1, c);
  return out + "\x1b[J";
}

int stats(const Common& common, const StatsOptions& options) {
  const auto& names = options.names;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const bool goes_on = options.stream || (terminal && !options.no_stream && !structured_text(common, {}));
  std::string problem;
  auto before = ask_stats(common, problem);
  if (!before) return complain(problem, kNoAgent);
  for (bool first = true;; first = false) {
    std::this_thread::sleep_for(first ? kFirstStats : kFollowingStats);
    auto now = ask_stats(common, problem);
    if (!now) return complain(problem, kNoAgent);
    TopView view;
    view.all = options.all || !names.empty();
    auto rows = visible(compare(&*before, *now), view);
    std::erase_if(rows, [&](const TopRow& row) { return !named(row, names); });
    if (first && rows.empty() && !names.empty())
      return complain("no container or cgroup is called " + names.front(), kNotFound);
    const auto text = text_of(common, options, *now, rows);
    if (!text) return complain(text.error().what, kUsage);
    if (!goes_on) {
      print(*text);
      return kDone;
    }
    // Whoever read it has gone: there is nobody to go on for.
    if (!runtime::write_all(STDOUT_FILENO, terminal ? on_screen(*text, first) : *text)) return kDone;
    before = std::move(now);
  }
}

}  // namespace

void add_stats(CommandLine& line) {
  const Common& common = line.common();
  auto once = std::make_shared<StatsOptions>();
  auto* stats_command = line.add({"stats", "What containers use now: on a terminal each second anew, else once",
                                  "  mete stats\n  mete stats default/web/main\n  mete stats --all -o json\n"
                                  "  mete stats --no-stream --format '{{.Name}} {{.MemUsage}}' web\n"
                                  "  mete stats --stream --format '{{.Name}} {{.CPUPerc}}' | tee use"},
                                 [&common, once] { return stats(common, *once); });
  stats_command->add_option("names", once->names, "Containers, pods, units or cgroup paths; default: all containers")
      ->type_name("POD");
  stats_command->add_flag("--all", once->all, "Every cgroup, not containers alone");
  auto* const stream =
      stats_command->add_flag("--stream", once->stream, "Go on each second, also where no terminal is");
  stats_command->add_flag("--no-stream", once->no_stream, "Once, also on a terminal")->excludes(stream);
  add_format(stats_command, once->format);
  line.add_output(stats_command);
}

}  // namespace mete::agent::cli
