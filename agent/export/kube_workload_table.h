// SPDX-License-Identifier: Apache-2.0
// The table of kube_workloads.h: a row for each family. Internal to agent/export.
#pragma once

#include <array>
#include <string_view>

#include "agent/export/kube_metrics.h"

namespace mete::agent {

inline constexpr auto kGaugeType = collectors::MetricType::kGauge;

// What a family's value is.
enum class Take {
  kNumber,     // a number at the path; absent: none
  kCount,      // the same; absent: 0
  kBool,       // true: 1; absent: 0
  kTime,       // an RFC 3339 time as seconds since 1970; absent: none
  kSize,       // the length of a list; absent: 0
  kCondition,  // a line for each condition and status
  kEnd,        // 1 for a Job with the condition that the path names
  kOwner,      // the owner, or <none>
  kInfo,       // 1, with labels of the object
  kRevision,   // 1, with the text at the path
  kFailures,   // pods of a Job that have failed, by reason
};

struct Source {
  std::string_view kind;
  Take take;
  const char* path;  // a JSON pointer
};

struct WorkloadFamily {
  KubeFamily family;
  Source source;
};

#define METE_DEPLOYMENT "namespace,deployment"
#define METE_REPLICA_SET "namespace,replicaset"
#define METE_CONTROLLER "namespace,replicationcontroller"
#define METE_STATEFUL_SET "namespace,statefulset"
#define METE_DAEMON_SET "namespace,daemonset"
#define METE_JOB "namespace,job_name"
#define METE_CRON_JOB "namespace,cronjob"

constexpr WorkloadFamily row(std::string_view name, std::string_view help, std::string_view labels, Source source) {
  return {{name, kGaugeType, help, labels}, source};
}

inline constexpr std::array kWorkloadFamilies = std::to_array<WorkloadFamily>({
    row("kube_deployment_created", "When it was made, in seconds since 1970.", METE_DEPLOYMENT,
        {"Deployment", Take::kTime, "/metadata/creationTimestamp"}),
    row("kube_deployment_metadata_generation", "How often what is wanted has changed.", METE_DEPLOYMENT,
        {"Deployment", Take::kNumber, "/metadata/generation"}),
    row("kube_deployment_status_observed_generation", "Up to which change it has been carried out.", METE_DEPLOYMENT,
        {"Deployment", Take::kCount, "/status/observedGeneration"}),
    row("kube_deployment_spec_replicas", "Pods that are wanted.", METE_DEPLOYMENT,
        {"Deployment", Take::kNumber, "/spec/replicas"}),
    row("kube_deployment_spec_paused", "Whether a changed template makes no pods.", METE_DEPLOYMENT,
        {"Deployment", Take::kBool, "/spec/paused"}),
    row("kube_deployment_status_replicas", "Pods that there are.", METE_DEPLOYMENT,
        {"Deployment", Take::kCount, "/status/replicas"}),
    row("kube_deployment_status_replicas_ready", "Pods that are ready.", METE_DEPLOYMENT,
        {"Deployment", Take::kCount, "/status/readyReplicas"}),
    row("kube_deployment_status_replicas_available", "Pods that have been ready for minReadySeconds.", METE_DEPLOYMENT,
        {"Deployment", Take::kCount, "/status/availableReplicas"}),
    row("kube_deployment_status_replicas_unavailable", "Wanted pods that are not available.", METE_DEPLOYMENT,
        {"Deployment", Take::kCount, "/status/unavailableReplicas"}),
    row("kube_deployment_status_replicas_updated", "Pods of the present template.", METE_DEPLOYMENT,
        {"Deployment", Take::kCount, "/status/updatedReplicas"}),
    row("kube_deployment_status_condition", "1 for the status that a condition has.",
        METE_DEPLOYMENT ",condition,status,reason", {"Deployment", Take::kCondition, "/status/conditions"}),
    row("kube_replicaset_created", "When it was made, in seconds since 1970.", METE_REPLICA_SET,
        {"ReplicaSet", Take::kTime, "/metadata/creationTimestamp"}),
    row("kube_replicaset_metadata_generation", "How often what is wanted has changed.", METE_REPLICA_SET,
        {"ReplicaSet", Take::kNumber, "/metadata/generation"}),
    row("kube_replicaset_status_observed_generation", "Up to which change it has been carried out.", METE_REPLICA_SET,
        {"ReplicaSet", Take::kCount, "/status/observedGeneration"}),
    row("kube_replicaset_spec_replicas", "Pods that are wanted.", METE_REPLICA_SET,
        {"ReplicaSet", Take::kNumber, "/spec/replicas"}),
    row("kube_replicaset_status_replicas", "Pods that there are.", METE_REPLICA_SET,
        {"ReplicaSet", Take::kCount, "/status/replicas"}),
    row("kube_replicaset_status_fully_labeled_replicas", "Pods with the labels of the template.", METE_REPLICA_SET,
        {"ReplicaSet", Take::kCount, "/status/fullyLabeledReplicas"}),
    row("kube_replicaset_status_ready_replicas", "Pods that are ready.", METE_REPLICA_SET,
        {"ReplicaSet", Take::kCount, "/status/readyReplicas"}),
    row("kube_replicaset_owner", "The Deployment that has made it.",
        METE_REPLICA_SET ",owner_kind,owner_name,owner_is_controller",
        {"ReplicaSet", Take::kOwner, "/metadata/ownerReferences"}),
    row("kube_replicationcontroller_created", "When it was made, in seconds since 1970.", METE_CONTROLLER,
        {"ReplicationController", Take::kTime, "/metadata/creationTimestamp"}),
    row("kube_replicationcontroller_metadata_generation", "How often what is wanted has changed.", METE_CONTROLLER,
        {"ReplicationController", Take::kNumber, "/metadata/generation"}),
    row("kube_replicationcontroller_status_observed_generation", "Up to which change it has been carried out.",
        METE_CONTROLLER, {"ReplicationController", Take::kCount, "/status/observedGeneration"}),
    row("kube_replicationcontroller_spec_replicas", "Pods that are wanted.", METE_CONTROLLER,
        {"ReplicationController", Take::kNumber, "/spec/replicas"}),
    row("kube_replicationcontroller_status_replicas", "Pods that there are.", METE_CONTROLLER,
        {"ReplicationController", Take::kCount, "/status/replicas"}),
    row("kube_replicationcontroller_status_fully_labeled_replicas", "Pods with the labels of the template.",
        METE_CONTROLLER, {"ReplicationController", Take::kCount, "/status/fullyLabeledReplicas"}),
    row("kube_replicationcontroller_status_ready_replicas", "Pods that are ready.", METE_CONTROLLER,
        {"ReplicationController", Take::kCount, "/status/readyReplicas"}),
    row("kube_replicationcontroller_status_available_replicas", "Pods that have been ready for minReadySeconds.",
        METE_CONTROLLER, {"ReplicationController", Take::kCount, "/status/availableReplicas"}),
    row("kube_statefulset_created", "When it was made, in seconds since 1970.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kTime, "/metadata/creationTimestamp"}),
    row("kube_statefulset_metadata_generation", "How often what is wanted has changed.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kNumber, "/metadata/generation"}),
    row("kube_statefulset_status_observed_generation", "Up to which change it has been carried out.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kCount, "/status/observedGeneration"}),
    row("kube_statefulset_replicas", "Pods that are wanted.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kNumber, "/spec/replicas"}),
    row("kube_statefulset_ordinals_start", "The lowest ordinal, where it is said.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kNumber, "/spec/ordinals/start"}),
    row("kube_statefulset_status_replicas", "Pods that there are.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kCount, "/status/replicas"}),
    row("kube_statefulset_status_replicas_ready", "Pods that are ready.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kCount, "/status/readyReplicas"}),
    row("kube_statefulset_status_replicas_available", "Pods that have been ready for minReadySeconds.",
        METE_STATEFUL_SET, {"StatefulSet", Take::kCount, "/status/availableReplicas"}),
    row("kube_statefulset_status_replicas_current", "Pods of the revision before the update.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kCount, "/status/currentReplicas"}),
    row("kube_statefulset_status_replicas_updated", "Pods of the present template.", METE_STATEFUL_SET,
        {"StatefulSet", Take::kCount, "/status/updatedReplicas"}),
    row("kube_statefulset_status_current_revision", "The revision before the update.", METE_STATEFUL_SET ",revision",
        {"StatefulSet", Take::kRevision, "/status/currentRevision"}),
    row("kube_statefulset_status_update_revision", "The revision of the present template.",
        METE_STATEFUL_SET ",revision", {"StatefulSet", Take::kRevision, "/status/updateRevision"}),
    row("kube_daemonset_created", "When it was made, in seconds since 1970.", METE_DAEMON_SET,
        {"DaemonSet", Take::kTime, "/metadata/creationTimestamp"}),
    row("kube_daemonset_metadata_generation", "How often what is wanted has changed.", METE_DAEMON_SET,
        {"DaemonSet", Take::kNumber, "/metadata/generation"}),
    row("kube_daemonset_status_observed_generation", "Up to which change it has been carried out.", METE_DAEMON_SET,
        {"DaemonSet", Take::kCount, "/status/observedGeneration"}),
    row("kube_daemonset_status_current_number_scheduled", "1 when its pod is there.", METE_DAEMON_SET,
        {"DaemonSet", Take::kCount, "/status/currentNumberScheduled"}),
    row("kube_daemonset_status_desired_number_scheduled", "1: this machine.", METE_DAEMON_SET,
        {"DaemonSet", Take::kCount, "/status/desiredNumberScheduled"}),
    row("kube_daemonset_status_number_available", "1 when its pod has been ready for minReadySeconds.", METE_DAEMON_SET,
        {"DaemonSet", Take::kCount, "/status/numberAvailable"}),
    row("kube_daemonset_status_number_misscheduled", "0: there is one machine.", METE_DAEMON_SET,
        {"DaemonSet", Take::kCount, "/status/numberMisscheduled"}),
    row("kube_daemonset_status_number_ready", "1 when its pod is ready.", METE_DAEMON_SET,
        {"DaemonSet", Take::kCount, "/status/numberReady"}),
    row("kube_daemonset_status_number_unavailable", "1 when its pod is not available.", METE_DAEMON_SET,
        {"DaemonSet", Take::kCount, "/status/numberUnavailable"}),
    row("kube_daemonset_status_updated_number_scheduled", "1 when its pod is of the present template.", METE_DAEMON_SET,
        {"DaemonSet", Take::kCount, "/status/updatedNumberScheduled"}),
    row("kube_job_created", "When it was made, in seconds since 1970.", METE_JOB,
        {"Job", Take::kTime, "/metadata/creationTimestamp"}),
    row("kube_job_info", "Jobs of this agent.", METE_JOB, {"Job", Take::kInfo, ""}),
    row("kube_job_owner", "The CronJob that has made it.", METE_JOB ",owner_kind,owner_name,owner_is_controller",
        {"Job", Take::kOwner, "/metadata/ownerReferences"}),
    row("kube_job_spec_parallelism", "Pods at a time.", METE_JOB, {"Job", Take::kNumber, "/spec/parallelism"}),
    row("kube_job_spec_completions", "Successes that are wanted.", METE_JOB,
        {"Job", Take::kNumber, "/spec/completions"}),
    row("kube_job_spec_active_deadline_seconds", "How long it may take.", METE_JOB,
        {"Job", Take::kNumber, "/spec/activeDeadlineSeconds"}),
    row("kube_job_status_active", "Pods that run.", METE_JOB, {"Job", Take::kCount, "/status/active"}),
    row("kube_job_status_succeeded", "Pods that have succeeded.", METE_JOB, {"Job", Take::kCount, "/status/succeeded"}),
    row("kube_job_status_failed", "Pods that have failed; the reason is why the Job has failed, where it has.",
        METE_JOB ",reason", {"Job", Take::kFailures, "/status/failed"}),
    row("kube_job_complete", "1 when it is complete.", METE_JOB ",condition", {"Job", Take::kEnd, "Complete"}),
    row("kube_job_failed", "1 when it has failed for good.", METE_JOB ",condition", {"Job", Take::kEnd, "Failed"}),
    row("kube_job_status_start_time", "When it was begun.", METE_JOB, {"Job", Take::kTime, "/status/startTime"}),
    row("kube_job_status_completion_time", "When it was complete.", METE_JOB,
        {"Job", Take::kTime, "/status/completionTime"}),
    row("kube_cronjob_info", "CronJobs of this agent.", METE_CRON_JOB ",schedule,concurrency_policy,timezone",
        {"CronJob", Take::kInfo, ""}),
    row("kube_cronjob_created", "When it was made, in seconds since 1970.", METE_CRON_JOB,
        {"CronJob", Take::kTime, "/metadata/creationTimestamp"}),
    row("kube_cronjob_status_active", "Jobs of it that go on.", METE_CRON_JOB,
        {"CronJob", Take::kSize, "/status/active"}),
    row("kube_cronjob_status_last_schedule_time", "The time that the last Job was due.", METE_CRON_JOB,
        {"CronJob", Take::kTime, "/status/lastScheduleTime"}),
    row("kube_cronjob_status_last_successful_time", "When a Job of it was complete.", METE_CRON_JOB,
        {"CronJob", Take::kTime, "/status/lastSuccessfulTime"}),
    row("kube_cronjob_next_schedule_time", "When the next Job is due.", METE_CRON_JOB,
        {"CronJob", Take::kTime, "/status/nextScheduleTime"}),
    row("kube_cronjob_spec_suspend", "Whether it makes no Jobs.", METE_CRON_JOB,
        {"CronJob", Take::kBool, "/spec/suspend"}),
    row("kube_cronjob_spec_starting_deadline_seconds", "How late a Job may begin.", METE_CRON_JOB,
        {"CronJob", Take::kNumber, "/spec/startingDeadlineSeconds"}),
    row("kube_cronjob_spec_successful_job_history_limit", "Complete Jobs that are kept, where it is said.",
        METE_CRON_JOB, {"CronJob", Take::kNumber, "/spec/successfulJobsHistoryLimit"}),
    row("kube_cronjob_spec_failed_job_history_limit", "Failed Jobs that are kept, where it is said.", METE_CRON_JOB,
        {"CronJob", Take::kNumber, "/spec/failedJobsHistoryLimit"}),
});

#undef METE_DEPLOYMENT
#undef METE_REPLICA_SET
#undef METE_CONTROLLER
#undef METE_STATEFUL_SET
#undef METE_DAEMON_SET
#undef METE_JOB
#undef METE_CRON_JOB

}  // namespace mete::agent
