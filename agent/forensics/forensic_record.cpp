// SPDX-License-Identifier: Apache-2.0
#include "agent/forensics/forensic_record.h"

#include "collectors/kernel/parse.h"
#include "runtime/json.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

void add(ordered_json& to, const char* key, const std::optional<Bytes>& size) {
  if (size) to[key] = size->count();
}
void add(ordered_json& to, const char* key, const std::string& text) {
  if (!text.empty()) to[key] = text;
}

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count() / 1000) / 1000;
}

ordered_json processes_json(const std::vector<collectors::ProcessMemory>& processes) {
  ordered_json list = ordered_json::array();
  for (const auto& each : processes) {
    list.push_back({{"pid", each.pid},
                    {"task", each.task},
                    {"command", each.command},
                    {"rss", each.rss.count()},
                    {"anon", each.anon.count()},
                    {"file", each.file.count()},
                    {"shmem", each.shmem.count()},
                    {"swap", each.swap.count()},
                    {"oomScoreAdj", each.oom_score_adj}});
  }
  return list;
}

ordered_json stat_json(std::string_view text) {
  ordered_json values = ordered_json::object();
  (void)collectors::for_each_key(
      text, [&](std::string_view key, std::uint64_t number) { values[std::string(key)] = number; });
  return values;
}

}  // namespace

ordered_json to_json(const ForensicRecord& record) {
  ordered_json json = {{"id", record.id},
                       {"time", runtime::shim::format_time(record.at.time_since_epoch()).data()},
                       {"rule", record.rule},
                       {"scope", record.scope}};
  add(json, "policy", record.policy);
  add(json, "pod", record.pod);
  add(json, "container", record.container);
  add(json, "cgroup", record.cgroup);
  add(json, "action", record.action);
  add(json, "outcome", record.outcome);
  add(json, "detail", record.detail);
  if (record.victim) {
    json["victim"] = {{"pid", *record.victim}};
    add(json["victim"], "task", record.victim_task);
    json["victim"]["command"] = record.victim_command;
  }
  add(json, "limit", record.limit);
  add(json, "effectiveLimit", record.effective_limit);
  add(json, "effectiveLimitOf", record.effective_by);
  add(json, "usage", record.usage);
  add(json, "peak", record.peak);
  json["processes"] = processes_json(record.processes);
  const std::size_t listed = record.processes.size();
  if (listed > 0 && record.process_count > listed) json["processesLeftOut"] = record.process_count - listed;
  if (!record.memory_stat.empty()) json["memoryStat"] = stat_json(record.memory_stat);
  add(json, "pressure", record.pressure);
  if (!record.history.empty()) {
    auto& list = json["history"] = ordered_json::array();
    for (const auto& point : record.history)
      list.push_back({{"msBefore", milliseconds(point.before)}, {"usage", point.usage.count()}});
  }
  if (!record.neighbours.empty()) {
    auto& list = json["neighbours"] = ordered_json::array();
    for (const auto& each : record.neighbours) {
      list.push_back({{"name", each.name}, {"usage", each.usage.count()}});
      add(list.back(), "limit", each.limit);
    }
  }
  if (!record.candidates.empty()) {
    auto& list = json["candidates"] = ordered_json::array();
    for (const auto& each : record.candidates)
      list.push_back({{"name", each.name}, {"reason", each.reason}, {"chosen", each.chosen}});
  }
  auto& steps = json["steps"] = ordered_json::array();
  for (const auto& [what, at] : record.steps) steps.push_back({{"what", what}, {"ms", milliseconds(at)}});
  return json;
}

std::string victim_text(const ForensicRecord& record) {
  const auto& task = record.victim_task;
  const auto& command = record.victim_command;
  if (task.empty()) return command.empty() ? "unknown" : command;
  if (command.empty() || command == task || command == "[" + task + "]") return task;
  return task + ": " + command;
}

}  // namespace mete::agent
