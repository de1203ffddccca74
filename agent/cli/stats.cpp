// SPDX-License-Identifier: Apache-2.0
// `mete stats`: what containers use now, once.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>

#include "agent/cli/docker_text.h"
#include "agent/cli/images/image_commands.h"
#include "agent/cli/row_format.h"
#include "agent/cli/stats_requests.h"
#include "agent/cli/table.h"
#include "agent/cli/top/view.h"

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
int show_rows(const Stats& stats, const std::vector<TopRow>& rows, const std::string& format) {
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
  const auto text = format_rows(list, columns, format);
  if (!text) return complain(text.error().what, kUsage);
  print(*text);
  return kDone;
}

struct StatsOptions {
  std::vector<std::string> names;
  std::string format;
  bool all = false;
  bool no_stream = false;  // docker's word for what is done anyway
};

int stats(const Common& common, const StatsOptions& options) {
  const auto& names = options.names;
  std::string problem;
  const auto before = ask_stats(common, problem);
  if (!before) return complain(problem, kNoAgent);
  std::this_thread::sleep_for(kFirstStats);
  const auto now = ask_stats(common, problem);
  if (!now) return complain(problem, kNoAgent);
  TopView view;
  view.all = options.all || !names.empty();
  auto rows = visible(compare(&*before, *now), view);
  std::erase_if(rows, [&](const TopRow& row) { return !named(row, names); });
  if (rows.empty() && !names.empty()) return complain("no container or cgroup is called " + names.front(), kNotFound);
  if (!options.format.empty()) return show_rows(*now, rows, options.format);
  if (!print_structured(common, stats_json(rows))) print(plain_table(rows, false));
  return kDone;
}

}  // namespace

void add_stats(CommandLine& line) {
  const Common& common = line.common();
  auto once = std::make_shared<StatsOptions>();
  auto* stats_command = line.add({"stats", "The same once: what containers use now",
                                  "  mete stats\n  mete stats default/web/main\n  mete stats --all -o json\n"
                                  "  mete stats --no-stream --format '{{.Name}} {{.MemUsage}}' web"},
                                 [&common, once] { return stats(common, *once); });
  stats_command->add_option("names", once->names, "Containers, pods, units or cgroup paths; default: all containers")
      ->type_name("POD");
  stats_command->add_flag("--all", once->all, "Every cgroup, not containers alone");
  stats_command->add_flag("--no-stream", once->no_stream, "As docker has it; the table is printed once anyway");
  add_format(stats_command, once->format);
  line.add_output(stats_command);
}

}  // namespace mete::agent::cli
