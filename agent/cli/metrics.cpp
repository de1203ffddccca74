// SPDX-License-Identifier: Apache-2.0
// mete metrics: lists every family that /metrics can have, from the tables that /metrics is rendered from.
// docs/metrics.md is the output of -o markdown.
#include <set>

#include "agent/base/agent_families.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "agent/export/kube_metrics.h"
#include "agent/export/kube_names.h"
#include "agent/export/kube_services.h"
#include "agent/export/kube_workloads.h"
#include "collectors/kernel/collector.h"
#include "collectors/metrics/family.h"

namespace mete::agent::cli {
namespace {

struct Row {
  std::string_view collector, name, labels, v1, v2;
  std::string type, help;
  bool on = true;
};

Row row_of(const collectors::Family& family) {
  Row row{family.collector, family.name, family.labels, family.v1, family.v2, {}, std::string(family.help)};
  row.type = type_name(family.type);
  const auto* const collector = collectors::find_collector(family.collector);
  row.on = collector == nullptr || collector->on;
  return row;
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const auto* family : collectors::all_families()) rows.push_back(row_of(*family));
  for (const auto* family : collectors::machine_families()) {
    rows.push_back({family->collector, family->name, family->labels, family->source, family->source,
                    std::string(type_name(family->type)), std::string(family->help)});
  }
  for (const auto& family : own_families()) {
    std::string help(family.help);
    help.pop_back();  // other HELP texts have no full stop
    rows.push_back({"agent", family.name, family.labels, "", "", std::string(type_name(family.type)), std::move(help)});
  }
  for (const auto families :
       {kube_families(), kube_workload_families(), kube_service_families(), kube_name_families()}) {
    for (const auto& family : families) {
      std::string help(family.help);
      help.pop_back();
      Row row{"kube", family.name, family.labels, "", "", std::string(type_name(family.type)), std::move(help)};
      row.on = false;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Json json_of(const Row& row) {
  return {{"name", row.name},           {"type", row.type},  {"labels", row.labels}, {"help", row.help},
          {"collector", row.collector}, {"default", row.on}, {"v1", row.v1},         {"v2", row.v2}};
}

// Formats a cell of a Markdown table.
std::string cell(std::string_view text, bool code = true) {
  if (text.empty()) return "";
  std::string out = code ? "`" : "";
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return code ? out + "`" : out;
}

void append_cells(std::string& out, std::initializer_list<std::string> cells) {
  for (const auto& each : cells) out += "| " + each + (each.empty() ? "" : " ");
  out += "|\n";
}

std::string collectors_markdown() {
  std::string out = "| collector | by default | what it costs |\n| --- | --- | --- |\n";
  std::set<std::string_view> seen;
  for (const auto& collector : collectors::builtin_collectors()) {
    if (!seen.insert(collector.name).second) continue;
    append_cells(out, {cell(collector.name), collector.on ? "on" : "off", cell(collector.cost, false)});
  }
  append_cells(out, {cell("machine"), "on", ""});
  append_cells(out, {cell("agent"), "on", ""});
  append_cells(
      out, {cell("kube"), "off", "what kube-state-metrics tells of pods and of what makes them, from the manifests"});
  return out;
}

std::string markdown(const std::vector<Row>& rows) {
  std::string out =
      "# Metrics\n\n"
      "Made from the code by `mete metrics -o markdown`; a test compares the two.\n\n"
      "Names, types and labels of `container_*` and `machine_*` are cAdvisor's, what no other monitor has is under "
      "`mete_*`. What the\n"
      "kernel does not tell is absent, never 0. Three kinds of names do not fit their type, and as queries know them "
      "they stay and are\n"
      "untyped (`unknown` in OpenMetrics): counters without `_total`, gauges with it, and gauges that end in "
      "`_count`.\n\n"
      "Families of a cgroup have its labels besides those of the table: `id`, `name`, `image`, `namespace`, `pod`, "
      "`container`. On hybrid\n"
      "machines \"cgroup2 twin\" is the directory of the same path in the cgroup2 hierarchy.\n\n"
      "## Collectors\n\n"
      "`?collect[]=NAME` and `?exclude[]=NAME` choose among them for one scrape.\n\n";
  out += collectors_markdown();
  out +=
      "\n## Families\n\n| metric | type | labels | what | cgroup v1 | cgroup v2 | collector | by default |\n| --- | "
      "--- | --- | --- | --- | --- | --- | --- |\n";
  for (const Row& row : rows) {
    append_cells(out, {cell(row.name), row.type, cell(row.labels), cell(row.help, false), cell(row.v1), cell(row.v2),
                       cell(row.collector), row.on ? "on" : "off"});
  }
  return out;
}

// Needs no agent.
int metrics(const Common& common) {
  const auto rows = all_rows();
  if (common.output == "markdown") {
    print(markdown(rows));
    return kDone;
  }
  Json list = Json::array();
  for (const Row& row : rows) list.push_back(json_of(row));
  if (print_structured(common, list)) return kDone;
  Table table({"METRIC", "TYPE", "LABELS", "COLLECTOR", "DEFAULT"});
  for (const Row& row : rows) {
    table.add(
        {std::string(row.name), row.type, std::string(row.labels), std::string(row.collector), row.on ? "on" : "off"});
  }
  print(table.text());
  return kDone;
}

}  // namespace

void add_metrics(CommandLine& line) {
  Common& common = line.common();
  line.add({"metrics", "Every metric there can be, and the kernel files it comes from; needs no agent",
            "  mete metrics\n  mete metrics -o json\n  mete metrics -o markdown > metrics.md"},
           [&common] { return metrics(common); })
      ->add_option("-o,--output", common.output, "table, json, yaml or markdown")
      ->check(CLI::IsMember({"table", "json", "yaml", "markdown"}));
}

}  // namespace mete::agent::cli
