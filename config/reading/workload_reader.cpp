// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>

#include "config/reading/fields/workload_fields.h"
#include "config/reading/identity_text.h"
#include "config/reading/readers.h"
#include "config/reading/yaml/json_text.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

std::optional<int> read_int(const View& view) {
  const auto value = view.integer();
  if (!value) return std::nullopt;
  return static_cast<int>(*value);  // the shape check has checked the range
}

DeploymentSpec read_deployment(const View& spec, const ObjectMeta& owner) {
  DeploymentSpec to;
  to.replicas = read_int(spec["replicas"]);
  const View strategy = spec["strategy"];
  if (strategy["type"].text() == "Recreate") to.strategy = UpdateStrategy::kRecreate;
  const View rolling = strategy["rollingUpdate"];
  if (rolling && to.strategy == UpdateStrategy::kRecreate)
    rolling.error(mismatch("`rollingUpdate` with type Recreate", "none"));
  // More than twice as many pods are allowed for a while; more than all cannot be missing.
  to.rolling.max_surge = read_count_or_percent(rolling["maxSurge"], to.rolling.max_surge, kMostPods);
  to.rolling.max_unavailable = read_count_or_percent(rolling["maxUnavailable"], to.rolling.max_unavailable);
  if (to.rolling.max_surge.value == 0 && to.rolling.max_unavailable.value == 0)
    rolling.error(mismatch("maxSurge 0 and maxUnavailable 0", "one of them above 0, as no pod could be replaced"));
  to.min_ready_seconds = read_int(spec["minReadySeconds"]).value_or(0);
  to.progress_deadline_seconds = read_int(spec["progressDeadlineSeconds"]).value_or(to.progress_deadline_seconds);
  if (to.progress_deadline_seconds <= to.min_ready_seconds) {
    (spec["progressDeadlineSeconds"] ? spec["progressDeadlineSeconds"] : spec["minReadySeconds"])
        .error(mismatch("progressDeadlineSeconds " + std::to_string(to.progress_deadline_seconds),
                        "more than minReadySeconds, " + std::to_string(to.min_ready_seconds)));
  }
  to.revision_history_limit = read_int(spec["revisionHistoryLimit"]).value_or(to.revision_history_limit);
  if (spec["paused"]) to.paused = spec["paused"].boolean();
  to.pod = read_template(spec["template"], owner);
  return to;
}

ReplicaSetSpec read_replica_set(const View& spec, const ObjectMeta& owner) {
  return {read_int(spec["replicas"]), read_int(spec["minReadySeconds"]).value_or(0),
          read_template(spec["template"], owner)};
}

ReplicationControllerSpec read_controller(const View& spec, const ObjectMeta& owner) {
  return {read_replica_set(spec, owner)};
}

// The labels themselves. Without them it is those of the template, which then has some.
void check_plain_selector(const View& spec, const PodTemplate& pod) {
  const View selector = spec["selector"];
  if (selector.entries().empty() && pod.metadata.labels.empty())
    return (selector ? selector : spec)
        .error({"`selector` is empty, and the template has no labels that it could be", "nothing to select by",
                "labels in spec.template.metadata.labels"});
  for (const auto& [key, value] : selector.entries()) {
    const auto at = pod.metadata.labels.find(key);
    if (at == pod.metadata.labels.end() || at->second != value.text())
      value.error(mismatch(key + ": " + value.text(), "a label that the template has"));
  }
}

void read_retention(const View& view, StatefulSetSpec& to) {
  to.delete_claims_with_set = view["whenDeleted"].text() == "Delete";
  to.delete_claims_on_scale = view["whenScaled"].text() == "Delete";
}

StatefulSetSpec read_stateful_set(const View& spec, const ObjectMeta& owner) {
  StatefulSetSpec to;
  to.replicas = read_int(spec["replicas"]);
  to.first_ordinal = read_int(spec["ordinals"]["start"]).value_or(0);
  to.parallel = spec["podManagementPolicy"].text() == "Parallel";
  const View strategy = spec["updateStrategy"];
  if (strategy["type"].text() == "OnDelete") to.strategy = UpdateStrategy::kOnDelete;
  const View rolling = strategy["rollingUpdate"];
  if (rolling && to.strategy == UpdateStrategy::kOnDelete)
    rolling.error(mismatch("`rollingUpdate` with type OnDelete", "none"));
  to.rolling.partition = read_int(rolling["partition"]).value_or(0);
  to.rolling.max_unavailable = read_count_or_percent(rolling["maxUnavailable"], to.rolling.max_unavailable);
  if (to.rolling.max_unavailable.value == 0) rolling["maxUnavailable"].error(mismatch("0", "at least 1"));
  to.min_ready_seconds = read_int(spec["minReadySeconds"]).value_or(0);
  to.revision_history_limit = read_int(spec["revisionHistoryLimit"]).value_or(to.revision_history_limit);
  to.service_name = spec["serviceName"].text();
  if (!to.service_name.empty()) spec["serviceName"].check(check_dns_label(to.service_name));
  read_retention(spec["persistentVolumeClaimRetentionPolicy"], to);
  std::set<std::string> names;
  for (const auto& item : spec["volumeClaimTemplates"].items()) {
    const View name = item["metadata"]["name"];
    if (!name) item.error({"metadata.name is missing", "nothing", "`name`"});
    if (name) name.check(check_dns_label(name.text()));
    check_unique(name, "claim", names);
    to.claims.push_back(name.text());
  }
  to.pod = read_template(spec["template"], owner, to.claims);
  return to;
}

DaemonSetSpec read_daemon_set(const View& spec, const ObjectMeta& owner) {
  DaemonSetSpec to;
  const View strategy = spec["updateStrategy"];
  if (strategy["type"].text() == "OnDelete") to.strategy = UpdateStrategy::kOnDelete;
  const View rolling = strategy["rollingUpdate"];
  to.rolling.max_surge = read_count_or_percent(rolling["maxSurge"], to.rolling.max_surge);
  const bool surges = to.rolling.max_surge.value > 0;
  to.rolling.max_unavailable =
      read_count_or_percent(rolling["maxUnavailable"], surges ? CountOrPercent{0, false} : to.rolling.max_unavailable);
  if (surges == (to.rolling.max_unavailable.value > 0)) {
    rolling.error(mismatch(surges ? "maxSurge and maxUnavailable both above 0" : "maxSurge 0 and maxUnavailable 0",
                           "one of them above 0"));
  }
  to.min_ready_seconds = read_int(spec["minReadySeconds"]).value_or(0);
  to.revision_history_limit = read_int(spec["revisionHistoryLimit"]).value_or(to.revision_history_limit);
  to.pod = read_template(spec["template"], owner);
  return to;
}

struct KindReader {
  std::string_view name;
  const ObjectSpec* spec;
  decltype(Workload::spec) (*read)(const View& spec, const ObjectMeta& owner);
};

// In the order of WorkloadKind.
const std::array<KindReader, 7>& kind_readers() {
  static const std::array<KindReader, 7> kReaders = {{
      {"Deployment", &kDeploymentSpec,
       [](const View& v, const ObjectMeta& o) -> decltype(Workload::spec) { return read_deployment(v, o); }},
      {"ReplicaSet", &kReplicaSetSpec,
       [](const View& v, const ObjectMeta& o) -> decltype(Workload::spec) { return read_replica_set(v, o); }},
      {"StatefulSet", &kStatefulSetSpec,
       [](const View& v, const ObjectMeta& o) -> decltype(Workload::spec) { return read_stateful_set(v, o); }},
      {"DaemonSet", &kDaemonSetSpec,
       [](const View& v, const ObjectMeta& o) -> decltype(Workload::spec) { return read_daemon_set(v, o); }},
      {"Job", &kJobSpec, [](const View& v, const ObjectMeta& o) -> decltype(Workload::spec) { return read_job(v, o); }},
      {"CronJob", &kCronJobSpec,
       [](const View& v, const ObjectMeta& o) -> decltype(Workload::spec) { return read_cron_job(v, o); }},
      {"ReplicationController", &kReplicationControllerSpec,
       [](const View& v, const ObjectMeta& o) -> decltype(Workload::spec) { return read_controller(v, o); }},
  }};
  return kReaders;
}

const KindReader* reader_of(std::string_view kind) {
  for (const auto& reader : kind_readers()) {
    if (reader.name == kind) return &reader;
  }
  return nullptr;
}

// Pods that are replaced when they end have no end of their own.
void check_endless(const View& pod_template, const std::string& kind) {
  check_restart_policy(pod_template, false);
  const View deadline = pod_template["spec"]["activeDeadlineSeconds"];
  if (deadline) deadline.error(mismatch("`activeDeadlineSeconds` in a " + kind, "none, as its pods are to run on"));
}

// The longest name that a pod's name, with what is put after it, can begin with.
void check_name(const View& view, const std::string& kind, const ObjectMeta& metadata) {
  constexpr std::size_t kLongestCronJob = 52;
  constexpr std::size_t kLongest = 63;
  const std::size_t longest = kind == "CronJob" ? kLongestCronJob : kLongest;
  if (metadata.name.size() <= longest) return;
  view["metadata"]["name"].error(mismatch(std::to_string(metadata.name.size()) + " characters",
                                          "at most " + std::to_string(longest) + ", as names are made from it"));
}

}  // namespace

CountOrPercent read_count_or_percent(const View& view, CountOrPercent fallback, std::int64_t most_percent) {
  if (!view) return fallback;
  if (const auto count = view.integer()) {
    if (*count < 0 || *count > kMostPods) view.error(mismatch(describe(view.node()), "a number of at least 0"));
    return {static_cast<int>(std::max<std::int64_t>(*count, 0)), false};
  }
  const std::string text = view.text();
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() - 1 || !text.ends_with('%') || value < 0 ||
      value > most_percent) {
    view.error(
        mismatch(describe(view.node()), "a whole number, or a share from 0% to " + std::to_string(most_percent) + "%"));
    return fallback;
  }
  return {value, true};
}

PodTemplate read_template(const View& view, const ObjectMeta& owner, const std::vector<std::string>& claims) {
  PodTemplate pod;
  pod.location = view.location();
  pod.metadata.namespace_ = owner.namespace_;
  pod.metadata.labels = read_labels(view["metadata"]["labels"]);
  pod.metadata.annotations = read_annotations(view["metadata"]["annotations"]);
  pod.identity_text = identity_text(view, kPodTemplateSpec);
  read_pod_spec(view["spec"], claims, pod);
  check_bandwidth(view["metadata"]["annotations"], pod.spec.host_network);
  take_app_armor_annotations(view["metadata"]["annotations"], pod.spec);
  return pod;
}

void check_selector(const View& selector, const PodTemplate& pod) {
  if (!selector) return;
  const Selector read = read_label_selector(selector);
  if (read.match_labels.empty() && read.match_expressions.empty()) {
    return selector.error(mismatch("nothing to select by", "matchLabels or matchExpressions"));
  }
  if (!matches(read, pod.metadata.labels))
    selector.error({"`selector` does not select the pods of the template: its labels are others", "other labels",
                    "labels of spec.template.metadata.labels"});
}

void check_restart_policy(const View& pod_template, bool runs_to_an_end) {
  const View policy = pod_template["spec"]["restartPolicy"];
  const std::string text = policy.text("Always");
  if ((text == "Always") != runs_to_an_end) return;
  (policy ? policy : pod_template["spec"])
      .error(mismatch("restartPolicy " + text, runs_to_an_end ? "OnFailure or Never" : "Always"));
}

const ObjectSpec* workload_spec(std::string_view kind) {
  const KindReader* reader = reader_of(kind);
  return reader == nullptr ? nullptr : reader->spec;
}

Workload read_workload(const View& view) {
  const std::string kind = view["kind"].text();
  Workload workload;
  workload.location = view.location();
  workload.metadata = read_metadata(view);
  check_name(view, kind, workload.metadata);
  const View spec = view["spec"];
  workload.spec = reader_of(kind)->read(spec, workload.metadata);
  if (kind == "ReplicationController") {
    check_plain_selector(spec, template_of(workload));
    check_endless(spec["template"], kind);
  } else if (kind != "Job" && kind != "CronJob") {
    check_selector(spec["selector"], template_of(workload));
    check_endless(spec["template"], kind);
  }
  workload.text = json_text(view.node());
  return workload;
}

}  // namespace mete::config
