// SPDX-License-Identifier: Apache-2.0
// `mete oom`: shows forensic records. The command reads them from the state folder, so that it works without an agent.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

std::string text_or(const Json& value, const char* key, const char* otherwise = "-") {
  if (!value.contains(key)) return otherwise;
  const auto& found = value[key];
  return found.is_string() ? printable(found.get<std::string>()) : found.dump();
}

std::string size_of(const Json& value, const char* key) {
  return value.contains(key) ? bytes_text(value[key].get<std::int64_t>()) : "-";
}

std::string whose(const Json& record) {
  return record.contains("pod") ? text_or(record, "pod") + "/" + text_or(record, "container", "")
                                : text_or(record, "cgroup");
}

// As the event has it: the kernel's name of the task before the command line. Older records have no such name.
std::string victim_text(const Json& victim) {
  const std::string command = text_or(victim, "command");
  const std::string task = text_or(victim, "task", "");
  if (task.empty() || command == task || command == "[" + task + "]") return command;
  return task + ": " + command;
}

Result<Json> read_record(const std::string& path) {
  METE_TRY(const std::string text, runtime::read_file(AT_FDCWD, path));
  Json record = Json::parse(text, nullptr, false);
  if (record.is_discarded() || !record.contains("id")) return fail(path + ": found no forensic record in it");
  return record;
}

std::string processes_text(const Json& processes) {
  Table table({"PID", "RSS", "ANON", "FILE", "SHMEM", "SWAP", "ADJ", "COMMAND"});
  for (const auto& each : processes) {
    table.add({each["pid"].dump(), size_of(each, "rss"), size_of(each, "anon"), size_of(each, "file"),
               size_of(each, "shmem"), size_of(each, "swap"), each["oomScoreAdj"].dump(), text_or(each, "command")});
  }
  return table.text();
}

// The last minute as a few lines: a record may hold a thousand points.
std::string history_text(const Json& history) {
  constexpr std::size_t kMostLines = 12;
  constexpr std::size_t kWidth = 40;
  std::int64_t most = 1;
  for (const auto& point : history) most = std::max(most, point["usage"].get<std::int64_t>());
  std::string text;
  const std::size_t step = std::max<std::size_t>(1, history.size() / kMostLines);
  for (std::size_t i = (history.size() - 1) % step; i < history.size(); i += step) {
    const auto usage = history[i]["usage"].get<std::int64_t>();
    char line[48];
    std::snprintf(line, sizeof line, "  %9.1f ms  %8s ", -history[i]["msBefore"].get<double>(),
                  bytes_text(usage).c_str());
    text.append(line)
        .append(static_cast<std::size_t>(usage * static_cast<std::int64_t>(kWidth) / most), '#')
        .append("\n");
  }
  return text;
}

void add_line(std::string& text, const char* name, const std::string& value) {
  if (value == "-" || value.empty()) return;
  char head[24];
  std::snprintf(head, sizeof head, "%-11s ", name);
  text.append(head).append(value).append("\n");
}

std::string record_text(const Json& record) {
  std::string text;
  add_line(text, "Record", text_or(record, "id"));
  add_line(text, "Time", text_or(record, "time"));
  add_line(text, record.contains("pod") ? "Container" : "Cgroup", whose(record));
  add_line(text, "Rule", text_or(record, "rule"));
  add_line(text, "Policy", text_or(record, "policy"));
  add_line(text, "Scope", text_or(record, "scope"));
  add_line(text, "Action", text_or(record, "action") + ": " + text_or(record, "outcome"));
  add_line(text, "Detail", text_or(record, "detail"));
  if (record.contains("victim"))
    add_line(text, "Victim", record["victim"]["pid"].dump() + "  " + victim_text(record["victim"]));
  add_line(text, "Limit", size_of(record, "limit"));
  if (record.contains("effectiveLimit"))
    add_line(text, "Effective", size_of(record, "effectiveLimit") + " by " + text_or(record, "effectiveLimitOf"));
  add_line(text, "Usage", size_of(record, "usage"));
  add_line(text, "Peak", size_of(record, "peak"));
  text += "\nSteps since the event\n";
  for (const auto& step : record["steps"]) {
    char line[32];
    std::snprintf(line, sizeof line, "  %8.3f ms  ", step["ms"].get<double>());
    text.append(line).append(text_or(step, "what")).append("\n");
  }
  if (!record["processes"].empty())
    text.append("\nProcesses, as they were\n").append(processes_text(record["processes"]));
  if (record.contains("processesLeftOut"))
    text += "  and " + std::to_string(record["processesLeftOut"].get<std::size_t>()) + " smaller ones\n";
  if (record.contains("candidates")) {
    text += "\nCandidates\n";
    for (const auto& each : record["candidates"]) {
      text.append(each["chosen"].get<bool>() ? "* " : "  ")
          .append(text_or(each, "name"))
          .append("  ")
          .append(text_or(each, "reason"))
          .append("\n");
    }
  }
  if (record.contains("history")) text.append("\nUsage before\n").append(history_text(record["history"]));
  if (record.contains("neighbours")) {
    Table table({"NEIGHBOUR", "USAGE", "LIMIT"});
    for (const auto& each : record["neighbours"])
      table.add({text_or(each, "name"), size_of(each, "usage"), size_of(each, "limit")});
    text.append("\n").append(table.text());
  }
  if (record.contains("pressure"))
    text.append("\nmemory.pressure\n").append(printable_lines(record["pressure"].get<std::string>()));
  if (record.contains("memoryStat")) text += "\nmemory.stat is in -o json and yaml.\n";
  return text;
}

int oom_list(const Common& common) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(common.settings.forensics(), error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return complain(common.settings.forensics() + ": " + error.message());
  std::sort(files.begin(), files.end());
  Json list = Json::array();
  Table table({"RECORD", "AGE", "CONTAINER", "RULE", "ACTION", "OUTCOME", "VICTIM", "USAGE", "LIMIT"});
  for (const auto& file : files) {
    const auto record = read_record(file);
    if (!record) {
      complain(record.error().what);
      continue;
    }
    Json line = Json::object();
    for (const char* key : {"id", "time", "pod", "container", "cgroup", "rule", "scope", "policy", "action", "outcome",
                            "victim", "usage", "limit"}) {
      if (record->contains(key)) line[key] = (*record)[key];
    }
    const std::string victim = record->contains("victim") ? text_or((*record)["victim"], "pid") : "-";
    table.add({text_or(*record, "id"), age_text(text_or(*record, "time")), whose(*record), text_or(*record, "rule"),
               text_or(*record, "action"), text_or(*record, "outcome"), victim, size_of(*record, "usage"),
               size_of(*record, "limit")});
    list.push_back(std::move(line));
  }
  if (!print_structured(common, {{"records", std::move(list)}})) print(table.text());
  return kDone;
}

int oom_show(const Common& common, const std::string& id) {
  const bool name = !id.empty() && std::all_of(id.begin(), id.end(),
                                               [](char c) { return c == '-' || c == 't' || (c >= '0' && c <= '9'); });
  const std::string path = common.settings.forensics() + "/" + id + ".json";
  if (!name || ::access(path.c_str(), F_OK) != 0)
    return complain("there is no record " + printable(id) + "; `mete oom ls` lists them", kNotFound);
  const auto record = read_record(path);
  if (!record) return complain(record.error().what);
  if (!print_structured(common, *record)) print(record_text(*record));
  return kDone;
}

}  // namespace

void add_oom(CommandLine& line) {
  const Common& common = line.common();
  auto* group = line.add_group({"oom", "What was seen and done at OOM kills and at acts of policies",
                                "  mete oom ls\n  mete oom show 20261124t045012-123"});
  line.add_output(line.add(
      {"ls", "List the forensic records", "  mete oom ls\n  mete oom ls -o json"},
      [&common] { return oom_list(common); }, group));
  auto id = std::make_shared<std::string>();
  auto* show = line.add(
      {"show", "One of them", "  mete oom show 20261124t045012-123"}, [&common, id] { return oom_show(common, *id); },
      group);
  show->add_option("record", *id, "Its name by `mete oom ls`")->type_name("RECORD")->required();
  line.add_output(show);
}

}  // namespace mete::agent::cli
