// SPDX-License-Identifier: Apache-2.0
// kubectl's columns (pkg/printers/internalversion/printers.go).
#include <ctime>
#include <map>
#include <optional>
#include <set>

#include "agent/cli/objects/kinds.h"
#include "agent/cli/objects/pod_summary.h"
#include "agent/cli/objects/service_rows.h"
#include "agent/cli/output/table.h"

namespace mete::agent::cli {
namespace {

std::optional<std::int64_t> seconds_of(const std::string& time) {
  std::tm parts{};
  if (time.empty() || ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return std::nullopt;
  return ::timegm(&parts);
}

using Cells = std::vector<std::string>;

std::string number(const Json& object, std::initializer_list<const char*> path) {
  return std::to_string(number_at(object, path));
}

std::string of_all(const Json& object, std::initializer_list<const char*> path) {
  return number(object, path) + "/" + number(object, {"spec", "replicas"});
}

std::string age(const Json& object) {
  return age_text(text_at(object, {"metadata", "creationTimestamp"}));
}

Cells pod_row(const Json& pod) {
  const PodSummary summary = pod_summary(pod);
  std::string restarts = std::to_string(summary.restarts);
  if (summary.restarts != 0 && !summary.last_restart.empty())
    restarts += " (" + age_text(summary.last_restart) + " ago)";
  return {std::to_string(summary.ready) + "/" + std::to_string(summary.containers), summary.status, restarts, age(pod)};
}

Cells deployment_row(const Json& object) {
  return {of_all(object, {"status", "readyReplicas"}), number(object, {"status", "updatedReplicas"}),
          number(object, {"status", "availableReplicas"}), age(object)};
}

Cells replica_set_row(const Json& object) {
  return {number(object, {"spec", "replicas"}), number(object, {"status", "replicas"}),
          number(object, {"status", "readyReplicas"}), age(object)};
}

Cells stateful_set_row(const Json& object) {
  return {of_all(object, {"status", "readyReplicas"}), age(object)};
}

Cells daemon_set_row(const Json& object) {
  std::string nodes;
  if (const Json* const selector = member_at(object, {"spec", "template", "spec", "nodeSelector"})) {
    for (const auto& [key, value] : selector->items())
      nodes += (nodes.empty() ? "" : ",") + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return {number(object, {"status", "desiredNumberScheduled"}),
          number(object, {"status", "currentNumberScheduled"}),
          number(object, {"status", "numberReady"}),
          number(object, {"status", "updatedNumberScheduled"}),
          number(object, {"status", "numberAvailable"}),
          nodes.empty() ? "<none>" : nodes,
          age(object)};
}

std::string job_status(const Json& job) {
  std::string found;
  for (const auto& condition : list_at(job, {"status", "conditions"})) {
    if (text_at(condition, {"status"}) != "True") continue;
    const std::string type = text_at(condition, {"type"});
    if (type == "Complete" || type == "Failed") return type;
    if (type == "Suspended") found = "Suspended";
    if (type == "FailureTarget") found = "FailureTarget";
    if (type == "SuccessCriteriaMet") found = "SuccessCriteriaMet";
  }
  if (!found.empty()) return found;
  return member_at(job, {"metadata", "deletionTimestamp"}) != nullptr ? "Terminating" : "Running";
}

Cells job_row(const Json& job) {
  std::string completions = number(job, {"status", "succeeded"}) + "/";
  const auto parallelism = number_at(job, {"spec", "parallelism"}, 1);
  if (member_at(job, {"spec", "completions"}) != nullptr) {
    completions += number(job, {"spec", "completions"});
  } else {
    completions += parallelism > 1 ? "1 of " + std::to_string(parallelism) : "1";
  }
  std::string duration;
  if (const auto begun = seconds_of(text_at(job, {"status", "startTime"}))) {
    const auto end = seconds_of(text_at(job, {"status", "completionTime"}));
    duration = duration_text(end.value_or(std::time(nullptr)) - *begun);
  }
  return {job_status(job), completions, duration, age(job)};
}

Cells cron_job_row(const Json& object) {
  const std::string zone = text_at(object, {"spec", "timeZone"});
  const std::string last = text_at(object, {"status", "lastScheduleTime"});
  const Json* const suspend = member_at(object, {"spec", "suspend"});
  return {text_at(object, {"spec", "schedule"}),
          zone.empty() ? "<none>" : zone,
          suspend != nullptr && *suspend == true ? "True" : "False",
          std::to_string(list_at(object, {"status", "active"}).size()),
          last.empty() ? "<none>" : age_text(last),
          age(object)};
}

Cells service_row(const Json& object) {
  Cells row = service_cells(object);
  row.push_back(age(object));
  return row;
}

Cells endpoints_row(const Json& object) {
  return {endpoints_cell(object), age(object)};
}

std::string labels_text(const Json* labels) {
  std::string text;
  if (labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->items())
      text += (text.empty() ? "" : ",") + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text.empty() ? "<none>" : text;
}

// As kubectl has it: by keys, and values sorted (FormatLabelSelector).
std::string selector_text(const Json* selector) {
  std::multimap<std::string, std::string> parts;
  if (selector == nullptr) return "<none>";
  if (const Json* const labels = member_at(*selector, {"matchLabels"}); labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->items())
      parts.emplace(key, key + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
  }
  for (const auto& each : list_at(*selector, {"matchExpressions"})) {
    const std::string key = text_at(each, {"key"});
    const std::string op = text_at(each, {"operator"});
    std::set<std::string> values;
    for (const auto& value : list_at(each, {"values"}))
      values.insert(value.is_string() ? value.get<std::string>() : value.dump());
    std::string list;
    for (const auto& value : values) list += (list.empty() ? "" : ",") + value;
    parts.emplace(key, op == "Exists"         ? key
                       : op == "DoesNotExist" ? "!" + key
                                              : key + (op == "In" ? " in (" : " notin (") + list + ")");
  }
  std::string text;
  for (const auto& [key, part] : parts) text += (text.empty() ? "" : ",") + part;
  return text.empty() ? "<none>" : printable(text);
}

// Kubernetes writes a Job's selector itself, if the manifest has none: of the label that all of its pods have.
std::string selector_of(const KindName& kind, const Json& object) {
  const Json* const selector = member_at(object, {"spec", "selector"});
  if (kind.kind == "ReplicationController") return labels_text(selector);
  const std::string uid = text_at(object, {"metadata", "uid"});
  if (kind.kind == "Job" && selector == nullptr && !uid.empty()) return "batch.kubernetes.io/controller-uid=" + uid;
  return selector_text(selector);
}

Cells network_policy_row(const Json& object) {
  return {selector_text(member_at(object, {"spec", "podSelector"})), age(object)};
}

struct Columns {
  std::vector<std::string> heads;
  Cells (*row)(const Json& object);
};

Columns columns_of(const KindName& kind) {
  if (kind.kind == "Pod") return {{"READY", "STATUS", "RESTARTS", "AGE"}, pod_row};
  if (kind.kind == "Deployment") return {{"READY", "UP-TO-DATE", "AVAILABLE", "AGE"}, deployment_row};
  if (kind.kind == "ReplicaSet" || kind.kind == "ReplicationController")
    return {{"DESIRED", "CURRENT", "READY", "AGE"}, replica_set_row};
  if (kind.kind == "StatefulSet") return {{"READY", "AGE"}, stateful_set_row};
  if (kind.kind == "DaemonSet")
    return {{"DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE SELECTOR", "AGE"}, daemon_set_row};
  if (kind.kind == "Job") return {{"STATUS", "COMPLETIONS", "DURATION", "AGE"}, job_row};
  if (kind.kind == "Service") return {{"TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"}, service_row};
  if (kind.kind == "Endpoints") return {{"ENDPOINTS", "AGE"}, endpoints_row};
  if (kind.kind == "NetworkPolicy") return {{"POD-SELECTOR", "AGE"}, network_policy_row};
  return {{"SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST SCHEDULE", "AGE"}, cron_job_row};
}

const Json* pod_template(const Json& object) {
  const Json* const of_job = member_at(object, {"spec", "jobTemplate", "spec", "template", "spec"});
  return of_job != nullptr ? of_job : member_at(object, {"spec", "template", "spec"});
}

bool has_selector(const KindName& kind) {
  return kind.kind != "Pod" && kind.kind != "StatefulSet";
}

void add_wide(const KindName& kind, const Json& object, Cells& row) {
  if (kind.kind == "Pod") {
    const std::string ip = text_at(object, {"status", "podIP"});
    const std::string node = text_at(object, {"spec", "nodeName"});
    row.insert(row.end(), {ip.empty() ? "<none>" : ip, node.empty() ? "<none>" : node, "<none>", "<none>"});
    return;
  }
  if (kind.kind == "Service") return row.push_back(labels_text(member_at(object, {"spec", "selector"})));
  if (kind.kind == "Endpoints" || kind.kind == "NetworkPolicy") return;
  std::string names;
  std::string images;
  if (const Json* const spec = pod_template(object)) {
    for (const auto& container : list_at(*spec, {"containers"})) {
      names += (names.empty() ? "" : ",") + text_at(container, {"name"});
      images += (images.empty() ? "" : ",") + text_at(container, {"image"});
    }
  }
  row.insert(row.end(), {names, images});
  if (has_selector(kind)) row.push_back(selector_of(kind, object));
}

}  // namespace

std::string kind_table(const KindName& kind, const std::vector<Json>& objects, const TableStyle& style) {
  auto [heads, row_of] = columns_of(kind);
  heads.insert(heads.begin(), "NAME");
  if (style.namespaces) heads.insert(heads.begin(), "NAMESPACE");
  if (style.wide && kind.kind == "Pod") {
    heads.insert(heads.end(), {"IP", "NODE", "NOMINATED NODE", "READINESS GATES"});
  } else if (style.wide && kind.kind == "Service") {
    heads.emplace_back("SELECTOR");
  } else if (style.wide && kind.kind != "Endpoints" && kind.kind != "NetworkPolicy") {
    heads.insert(heads.end(), {"CONTAINERS", "IMAGES"});
    if (has_selector(kind)) heads.emplace_back("SELECTOR");
  }
  if (style.labels) heads.emplace_back("LABELS");
  Table table(std::move(heads));
  for (const auto& object : objects) {
    Cells row = row_of(object);
    const std::string name = text_at(object, {"metadata", "name"});
    row.insert(row.begin(), style.prefixed ? full_object_name(kind, name) : name);
    if (style.namespaces) row.insert(row.begin(), text_at(object, {"metadata", "namespace"}));
    if (style.wide) add_wide(kind, object, row);
    if (style.labels) row.push_back(labels_text(member_at(object, {"metadata", "labels"})));
    table.add(std::move(row));
  }
  return table.text();
}

}  // namespace mete::agent::cli
