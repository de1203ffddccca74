// SPDX-License-Identifier: Apache-2.0
// Tables of the kinds that make Pods for as long as they exist. Those that run to an end are in job_fields.cpp.
#include "config/reading/fields/workload_fields.h"

#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"

namespace mete::config {
namespace {

constexpr std::array kCoreVersion = std::to_array<std::string_view>({"v1"});
constexpr std::array kControllerKind = std::to_array<std::string_view>({"ReplicationController"});
constexpr std::array kAppsVersion = std::to_array<std::string_view>({"apps/v1"});
constexpr std::array kDeploymentKind = std::to_array<std::string_view>({"Deployment"});
constexpr std::array kReplicaSetKind = std::to_array<std::string_view>({"ReplicaSet"});
constexpr std::array kStatefulSetKind = std::to_array<std::string_view>({"StatefulSet"});
constexpr std::array kDaemonSetKind = std::to_array<std::string_view>({"DaemonSet"});
constexpr std::array kDeploymentStrategies = std::to_array<std::string_view>({"RollingUpdate", "Recreate"});
constexpr std::array kSetStrategies = std::to_array<std::string_view>({"RollingUpdate", "OnDelete"});
constexpr std::array kManagementPolicies = std::to_array<std::string_view>({"OrderedReady", "Parallel"});
constexpr std::array kRetentionPolicies = std::to_array<std::string_view>({"Retain", "Delete"});

constexpr FieldSpec kReplicasField = {.name = "replicas",
                                      .type = FieldType::kInteger,
                                      .min = 0,
                                      .max = kMostPods,
                                      .doc = "1 when not said, or what `mete scale` has set"};
constexpr FieldSpec kMinReadyField = {.name = "minReadySeconds",
                                      .type = FieldType::kInteger,
                                      .min = 0,
                                      .max = kMostSeconds,
                                      .doc = "How long a pod must be ready before it counts as available"};
constexpr FieldSpec kHistoryField = {.name = "revisionHistoryLimit",
                                     .type = FieldType::kInteger,
                                     .min = 0,
                                     .max = kMostPods,
                                     .doc = "Old revisions that are kept for `mete rollout undo`"};

constexpr std::array kTemplateFields = std::to_array<FieldSpec>({
    {.name = "metadata", .type = FieldType::kObject, .object = &kMetadataSpec},
    {.name = "spec", .type = FieldType::kObject, .required = true, .object = &kPodBodySpec},
});

constexpr std::array kOwnedSelectorFields = std::to_array<FieldSpec>({
    {.name = "matchLabels", .type = FieldType::kStringMap, .doc = "Labels that the template's pods have"},
    {.name = "matchExpressions", .type = FieldType::kObjectList, .object = &kLabelExpressionSpec},
});

}  // namespace

const ObjectSpec kPodTemplateSpec = {.name = "PodTemplateSpec", .fields = kTemplateFields};
const ObjectSpec kOwnedSelectorSpec = {.name = "LabelSelector", .fields = kOwnedSelectorFields};

namespace {

constexpr FieldSpec kTemplateField = {
    .name = "template", .type = FieldType::kObject, .required = true, .object = &kPodTemplateSpec};
constexpr FieldSpec kSelectorField = {
    .name = "selector", .type = FieldType::kObject, .required = true, .object = &kOwnedSelectorSpec};

constexpr std::array kRollingFields = std::to_array<FieldSpec>({
    {.name = "maxSurge", .type = FieldType::kIntegerOrString, .doc = "Pods above the wanted number: 1, or 25%"},
    {.name = "maxUnavailable",
     .type = FieldType::kIntegerOrString,
     .doc = "Pods that may be missing while others take their place: 1, or 25%"},
});
constexpr ObjectSpec kRollingSpec = {.name = "RollingUpdate", .fields = kRollingFields};

constexpr std::array kStrategyFields = std::to_array<FieldSpec>({
    {.name = "type", .type = FieldType::kString, .values = kDeploymentStrategies},
    {.name = "rollingUpdate", .type = FieldType::kObject, .object = &kRollingSpec},
});
constexpr ObjectSpec kStrategySpec = {.name = "DeploymentStrategy", .fields = kStrategyFields};

constexpr std::array kDeploymentBodyFields = std::to_array<FieldSpec>({
    kReplicasField,
    kSelectorField,
    kTemplateField,
    {.name = "strategy", .type = FieldType::kObject, .object = &kStrategySpec},
    kMinReadyField,
    {.name = "progressDeadlineSeconds",
     .type = FieldType::kInteger,
     .min = 1,
     .max = kMostSeconds,
     .doc = "Without progress for so long the rollout has failed, which is said and changes nothing else"},
    kHistoryField,
    {.name = "paused", .type = FieldType::kBool, .doc = "A changed template makes no new pods until `rollout resume`"},
});
constexpr ObjectSpec kDeploymentBodySpec = {.name = "DeploymentSpec", .fields = kDeploymentBodyFields};

constexpr std::array kReplicaSetBodyFields = std::to_array<FieldSpec>({
    kReplicasField,
    kSelectorField,
    kTemplateField,
    kMinReadyField,
});
constexpr ObjectSpec kReplicaSetBodySpec = {.name = "ReplicaSetSpec", .fields = kReplicaSetBodyFields};

constexpr std::array kControllerBodyFields = std::to_array<FieldSpec>({
    kReplicasField,
    {.name = "selector",
     .type = FieldType::kStringMap,
     .doc = "Labels that the template's pods have; all of them when not said"},
    kTemplateField,
    kMinReadyField,
});
constexpr ObjectSpec kControllerBodySpec = {.name = "ReplicationControllerSpec", .fields = kControllerBodyFields};

constexpr std::array kPartitionFields = std::to_array<FieldSpec>({
    {.name = "partition",
     .type = FieldType::kInteger,
     .min = 0,
     .max = kMostPods,
     .doc = "Pods with a lower ordinal keep their revision"},
    {.name = "maxUnavailable", .type = FieldType::kIntegerOrString, .doc = "Pods replaced at a time, 1 when not said"},
});
constexpr ObjectSpec kPartitionSpec = {.name = "StatefulSetRollingUpdate", .fields = kPartitionFields};

constexpr std::array kStatefulStrategyFields = std::to_array<FieldSpec>({
    {.name = "type", .type = FieldType::kString, .values = kSetStrategies},
    {.name = "rollingUpdate", .type = FieldType::kObject, .object = &kPartitionSpec},
});
constexpr ObjectSpec kStatefulStrategySpec = {.name = "StatefulSetUpdateStrategy", .fields = kStatefulStrategyFields};

constexpr std::array kDaemonStrategyFields = std::to_array<FieldSpec>({
    {.name = "type", .type = FieldType::kString, .values = kSetStrategies},
    {.name = "rollingUpdate", .type = FieldType::kObject, .object = &kRollingSpec},
});
constexpr ObjectSpec kDaemonStrategySpec = {.name = "DaemonSetUpdateStrategy", .fields = kDaemonStrategyFields};

constexpr std::array kOrdinalsFields = std::to_array<FieldSpec>({
    {.name = "start", .type = FieldType::kInteger, .min = 0, .max = kMostPods},
});
constexpr ObjectSpec kOrdinalsSpec = {.name = "StatefulSetOrdinals", .fields = kOrdinalsFields};

constexpr std::array kRetentionFields = std::to_array<FieldSpec>({
    {.name = "whenDeleted", .type = FieldType::kString, .values = kRetentionPolicies},
    {.name = "whenScaled", .type = FieldType::kString, .values = kRetentionPolicies},
});
constexpr ObjectSpec kRetentionSpec = {.name = "PersistentVolumeClaimRetentionPolicy", .fields = kRetentionFields};

constexpr std::array kSetClaimFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString},
    {.name = "kind", .type = FieldType::kString},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "spec", .use = FieldUse::kIgnored},
    {.name = "status", .use = FieldUse::kIgnored},
});
constexpr ObjectSpec kSetClaimSpec = {.name = "PersistentVolumeClaimTemplate", .fields = kSetClaimFields};

constexpr std::array kStatefulSetBodyFields = std::to_array<FieldSpec>({
    kReplicasField,
    kSelectorField,
    kTemplateField,
    {.name = "serviceName", .type = FieldType::kString, .doc = "The pods' subdomain"},
    {.name = "podManagementPolicy", .type = FieldType::kString, .values = kManagementPolicies},
    {.name = "updateStrategy", .type = FieldType::kObject, .object = &kStatefulStrategySpec},
    kMinReadyField,
    kHistoryField,
    {.name = "ordinals", .type = FieldType::kObject, .object = &kOrdinalsSpec},
    {.name = "volumeClaimTemplates",
     .type = FieldType::kObjectList,
     .object = &kSetClaimSpec,
     .doc = "Each pod has a directory CLAIM-SET-ORDINAL of its own, which outlives it"},
    {.name = "persistentVolumeClaimRetentionPolicy", .type = FieldType::kObject, .object = &kRetentionSpec},
});
constexpr ObjectSpec kStatefulSetBodySpec = {.name = "StatefulSetSpec", .fields = kStatefulSetBodyFields};

constexpr std::array kDaemonSetBodyFields = std::to_array<FieldSpec>({
    kSelectorField,
    kTemplateField,
    {.name = "updateStrategy", .type = FieldType::kObject, .object = &kDaemonStrategySpec},
    kMinReadyField,
    kHistoryField,
});
constexpr ObjectSpec kDaemonSetBodySpec = {.name = "DaemonSetSpec", .fields = kDaemonSetBodyFields};

constexpr std::array<FieldSpec, 5> object_fields(std::span<const std::string_view> kind, const ObjectSpec& body,
                                                 std::span<const std::string_view> version = kAppsVersion) {
  return {{
      {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = version},
      {.name = "kind", .type = FieldType::kString, .required = true, .values = kind},
      {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
      {.name = "spec", .type = FieldType::kObject, .required = true, .object = &body},
      {.name = "status", .use = FieldUse::kIgnored},
  }};
}

constexpr auto kDeploymentFields = object_fields(kDeploymentKind, kDeploymentBodySpec);
constexpr auto kReplicaSetFields = object_fields(kReplicaSetKind, kReplicaSetBodySpec);
constexpr auto kControllerFields = object_fields(kControllerKind, kControllerBodySpec, kCoreVersion);
constexpr auto kStatefulSetFields = object_fields(kStatefulSetKind, kStatefulSetBodySpec);
constexpr auto kDaemonSetFields = object_fields(kDaemonSetKind, kDaemonSetBodySpec);

}  // namespace

const ObjectSpec kDeploymentSpec = {.name = "Deployment", .fields = kDeploymentFields};
const ObjectSpec kReplicaSetSpec = {.name = "ReplicaSet", .fields = kReplicaSetFields};
const ObjectSpec kReplicationControllerSpec = {.name = "ReplicationController", .fields = kControllerFields};
const ObjectSpec kStatefulSetSpec = {.name = "StatefulSet", .fields = kStatefulSetFields};
const ObjectSpec kDaemonSetSpec = {.name = "DaemonSet", .fields = kDaemonSetFields};

}  // namespace mete::config
