// SPDX-License-Identifier: Apache-2.0
// `mete ps` with docker's flags.
#include <algorithm>

#include "agent/cli/containers/container_rows.h"
#include "agent/cli/containers/container_verbs.h"

namespace mete::agent::cli {
namespace {

struct Filter {
  std::string name;
  std::string value;
};

bool has_label_pair(const Json& row, const std::string& label) {
  const auto equal = label.find('=');
  const Json& labels = row["Label"];
  const auto found = labels.find(label.substr(0, equal));
  return found != labels.end() && (equal == std::string::npos || *found == label.substr(equal + 1));
}

// Of a container in a pod. Values of one name are alternatives, labels all count; as the agent does it for its own.
bool fits_filters(const Json& row, const std::vector<Filter>& filters) {
  std::map<std::string, bool> found;
  for (const auto& [name, value] : filters) {
    const auto text = [&](const char* field) { return row[field].get<std::string>(); };
    bool fits = false;
    if (name == "name") fits = text("Names").find(value) != std::string::npos;
    if (name == "id") fits = text("ID") == value;
    if (name == "status") fits = text("State") == value;
    if (name == "ancestor") fits = text("Image") == value || text("Image") == value + ":latest";
    if (name == "network") fits = text("Networks") == value;
    if (name == "label") fits = has_label_pair(row, value);
    if (name == "label" && !fits) return false;
    found[name] = found[name] || fits;
  }
  return std::all_of(found.begin(), found.end(), [](const auto& each) { return each.second; });
}

std::string list_target(const ListedContainers& options, const std::string& filters) {
  std::string target = "/containers/json?all=" + std::string(options.all ? "1" : "0");
  if (options.latest) target += "&limit=1";
  if (options.last && !options.latest) target += "&limit=" + std::to_string(*options.last);
  if (options.sizes) target += "&size=1";
  return filters.empty() ? target : target + "&" + filters;
}

bool is_of_docker(const Json& pod) {
  return pod.contains("workload") && pod["workload"].value("kind", "") == "Docker";
}

}  // namespace

int list_containers(const Common& common, const ListedContainers& options) {
  const auto filters = filters_query(options.filters);
  if (!filters) return complain(filters.error().what, kUsage);
  std::vector<Filter> wanted;
  for (const auto& each : options.filters) {
    const auto equal = each.find('=');
    wanted.push_back({each.substr(0, equal), each.substr(equal + 1)});
  }
  const auto listed = fetch_docker(common, list_target(options, *filters));
  if (listed.code != kDone) return listed.code;
  const auto pods = fetch(common, "GET", "/mete/v1/pods");
  if (pods.code != kDone) return pods.code;
  const ContainerRowStyle style{options.whole_ids, options.sizes};
  Json rows = Json::array();
  for (const Json& each : listed.value) rows.push_back(docker_row(each, style));
  const bool limited = options.latest || options.last.value_or(0) > 0;
  const bool all = options.all || limited || std::any_of(wanted.begin(), wanted.end(), [](const Filter& each) {
                     return each.name == "status" || each.name == "exited";
                   });
  for (const Json& pod : pods.value["pods"]) {
    if (is_of_docker(pod)) continue;
    for (Json& row : pod_rows(pod, style)) {
      if ((all || row["State"] == "running") && fits_filters(row, wanted)) rows.push_back(std::move(row));
    }
  }
  if (limited) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Json& a, const Json& b) { return a["CreatedAt"] > b["CreatedAt"]; });
    const std::size_t most = options.latest ? 1 : *options.last;
    while (rows.size() > most) rows.erase(rows.size() - 1);
  }
  if (options.quiet && options.format.empty()) {
    std::string before;
    for (const Json& row : rows) {
      const auto id = row["ID"].get<std::string>();
      if (id != before) print(id + "\n");  // a pod with several containers is named once
      before = id;
    }
    return kDone;
  }
  const auto text = format_rows(rows, container_columns(style), options.format);
  if (!text) return complain(text.error().what, kUsage);
  print(*text);
  return kDone;
}

}  // namespace mete::agent::cli
