// SPDX-License-Identifier: Apache-2.0
// kubectl's columns (pkg/printers/internalversion/printers.go).
#include <algorithm>
#include <ctime>
#include <optional>

#include "agent/cli/objects/kinds.h"
#include "agent/cli/objects/service_rows.h"
#include "agent/cli/output/table.h"

namespace mete::agent::cli {
namespace {

std::optional<std::int64_t> seconds_of(const std::string& time) {
  std::tm parts{};
  if (time.empty() || ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return std::nullopt;
  return ::timegm(&parts);
}

const Json& list_at(const Json& object, std::initializer_list<const char*> path) {
  static const Json kNone = Json::array();
  const Json* const list = member_at(object, path);
  return list != nullptr && list->is_array() ? *list : kNone;
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

// Why a container is where it is; empty: it runs or has not begun.
std::string container_reason(const Json& status) {
  const std::string waiting = text_at(status, {"state", "waiting", "reason"});
  if (!waiting.empty()) return waiting;
  const Json* const ended = member_at(status, {"state", "terminated"});
  if (ended == nullptr) return {};
  const std::string reason = text_at(*ended, {"reason"});
  return reason.empty() ? "ExitCode:" + number(*ended, {"exitCode"}) : reason;
}

// kubectl's column STATUS (pkg/printers/internalversion/printers.go).
std::string pod_status(const Json& pod) {
  if (member_at(pod, {"metadata", "deletionTimestamp"}) != nullptr) return "Terminating";
  for (const auto& condition : list_at(pod, {"status", "conditions"})) {
    if (text_at(condition, {"reason"}) == "SchedulingGated") return "SchedulingGated";
  }
  const auto& init = list_at(pod, {"status", "initContainerStatuses"});
  std::size_t done = 0;
  for (const auto& status : init) {
    if (status.value("ready", false)) {
      ++done;
      continue;
    }
    const std::string reason = container_reason(status);
    const bool begun =
        member_at(status, {"state", "running"}) != nullptr || reason == "ContainerCreating" || reason.empty();
    if (!begun) return "Init:" + reason;
    return "Init:" + std::to_string(done) + "/" + std::to_string(init.size());
  }
  std::string shown = text_at(pod, {"status", "phase"});
  bool running = false;
  const auto& containers = list_at(pod, {"status", "containerStatuses"});
  for (auto at = containers.rbegin(); at != containers.rend(); ++at) {
    const std::string reason = container_reason(*at);
    if (!reason.empty()) shown = reason;
    running = running || at->value("ready", false);
  }
  return shown == "Completed" && running ? "Running" : shown;
}

std::string pod_restarts(const Json& pod) {
  std::int64_t restarts = 0;
  std::string last;
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& status : list_at(pod, {"status", list})) {
      restarts += number_at(status, {"restartCount"});
      last = std::max(last, text_at(status, {"lastState", "terminated", "finishedAt"}));
    }
  }
  if (restarts == 0 || last.empty()) return std::to_string(restarts);
  return std::to_string(restarts) + " (" + age_text(last) + " ago)";
}

Cells pod_row(const Json& pod) {
  const auto& statuses = list_at(pod, {"status", "containerStatuses"});
  const auto ready =
      std::count_if(statuses.begin(), statuses.end(), [](const Json& status) { return status.value("ready", false); });
  return {std::to_string(ready) + "/" + std::to_string(statuses.size()), pod_status(pod), pod_restarts(pod), age(pod)};
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

Cells network_policy_row(const Json& object) {
  return {labels_text(member_at(object, {"spec", "podSelector", "matchLabels"})), age(object)};
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
  if (has_selector(kind)) row.push_back(labels_text(member_at(object, {"spec", "selector", "matchLabels"})));
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
