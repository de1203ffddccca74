// SPDX-License-Identifier: Apache-2.0
// Tables and readers of the kinds that make Pods. Internal to config/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/model/workloads.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

inline constexpr std::int64_t kMostSeconds = 2'147'483'647;
inline constexpr std::int64_t kMostPods = 100'000;

extern const ObjectSpec kPodTemplateSpec;
extern const ObjectSpec kOwnedSelectorSpec;  // a selector of what a workload owns
extern const ObjectSpec kDeploymentSpec;
extern const ObjectSpec kReplicaSetSpec;
extern const ObjectSpec kReplicationControllerSpec;
extern const ObjectSpec kStatefulSetSpec;
extern const ObjectSpec kDaemonSetSpec;
extern const ObjectSpec kJobSpec;
extern const ObjectSpec kCronJobSpec;

// In the order of FailureAction and ConcurrencyPolicy.
extern const std::span<const std::string_view> kFailureActionNames;
extern const std::span<const std::string_view> kConcurrencyNames;

// The table of a kind, by its name; null: it is none of them.
[[nodiscard]] const ObjectSpec* workload_spec(std::string_view kind);

// Of a whole object whose shape was checked.
[[nodiscard]] Workload read_workload(const View& view);

// Parts that several kinds have.
[[nodiscard]] CountOrPercent read_count_or_percent(const View& view, CountOrPercent fallback,
                                                   std::int64_t most_percent = 100);
// `claims`: names that volumeMounts may use beside the volumes'.
[[nodiscard]] PodTemplate read_template(const View& view, const ObjectMeta& owner,
                                        const std::vector<std::string>& claims = {});
// A selector that does not select the template's pods is an error.
void check_selector(const View& selector, const PodTemplate& pod);
// The allowed restart policies of the pods of a kind.
void check_restart_policy(const View& pod_template, bool runs_to_an_end);
[[nodiscard]] JobSpec read_job(const View& spec, const ObjectMeta& owner);
[[nodiscard]] CronJobSpec read_cron_job(const View& spec, const ObjectMeta& owner);

}  // namespace mete::config
