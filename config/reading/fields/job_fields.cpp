// SPDX-License-Identifier: Apache-2.0
// Tables of Job and CronJob.
#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"
#include "config/reading/fields/workload_fields.h"

namespace mete::config {
namespace {

constexpr std::array kBatchVersion = std::to_array<std::string_view>({"batch/v1"});
constexpr std::array kJobKind = std::to_array<std::string_view>({"Job"});
constexpr std::array kCronJobKind = std::to_array<std::string_view>({"CronJob"});
constexpr std::array kCompletionModes = std::to_array<std::string_view>({"NonIndexed", "Indexed"});
// In the order of FailureAction and ConcurrencyPolicy.
constexpr std::array kActions = std::to_array<std::string_view>({"FailJob", "Ignore", "Count", "FailIndex"});
constexpr std::array kPolicies = std::to_array<std::string_view>({"Allow", "Forbid", "Replace"});
constexpr std::array kCodeOperators = std::to_array<std::string_view>({"In", "NotIn"});
constexpr std::array kStatuses = std::to_array<std::string_view>({"True", "False", "Unknown"});
constexpr std::array kReplacements = std::to_array<std::string_view>({"TerminatingOrFailed", "Failed"});
constexpr std::array kOwnController = std::to_array<std::string_view>({"kubernetes.io/job-controller"});

}  // namespace

const std::span<const std::string_view> kFailureActionNames = kActions;
const std::span<const std::string_view> kConcurrencyNames = kPolicies;

namespace {

constexpr std::array kExitCodeFields = std::to_array<FieldSpec>({
    {.name = "containerName", .type = FieldType::kString},
    {.name = "operator", .type = FieldType::kString, .required = true, .values = kCodeOperators},
    {.name = "values", .type = FieldType::kIntegerList, .required = true, .min = 0, .max = 255},
});
constexpr ObjectSpec kExitCodeSpec = {.name = "PodFailurePolicyOnExitCodes", .fields = kExitCodeFields};

constexpr std::array kConditionFields = std::to_array<FieldSpec>({
    {.name = "type", .type = FieldType::kString, .required = true},
    {.name = "status", .type = FieldType::kString, .values = kStatuses},
});
constexpr ObjectSpec kConditionSpec = {.name = "PodFailurePolicyOnPodConditions", .fields = kConditionFields};

constexpr std::array kRuleFields = std::to_array<FieldSpec>({
    {.name = "action", .type = FieldType::kString, .required = true, .values = kActions},
    {.name = "onExitCodes", .type = FieldType::kObject, .object = &kExitCodeSpec},
    {.name = "onPodConditions", .type = FieldType::kObjectList, .object = &kConditionSpec},
});
constexpr ObjectSpec kRuleSpec = {.name = "PodFailurePolicyRule", .fields = kRuleFields};

constexpr std::array kPolicyFields = std::to_array<FieldSpec>({
    {.name = "rules", .type = FieldType::kObjectList, .required = true, .object = &kRuleSpec},
});
constexpr ObjectSpec kFailurePolicySpec = {.name = "PodFailurePolicy", .fields = kPolicyFields};

constexpr std::array kSuccessRuleFields = std::to_array<FieldSpec>({
    {.name = "succeededIndexes", .type = FieldType::kString, .doc = "0,2-4; all indexes when not said"},
    {.name = "succeededCount",
     .type = FieldType::kInteger,
     .min = 1,
     .max = kMostPods,
     .doc = "How many of them are enough; all when not said"},
});
constexpr ObjectSpec kSuccessRuleSpec = {.name = "SuccessPolicyRule", .fields = kSuccessRuleFields};

constexpr std::array kSuccessPolicyFields = std::to_array<FieldSpec>({
    {.name = "rules",
     .type = FieldType::kObjectList,
     .required = true,
     .object = &kSuccessRuleSpec,
     .doc = "The first that is met ends the Job as a success, and the pods that are left"},
});
constexpr ObjectSpec kSuccessPolicySpec = {.name = "SuccessPolicy", .fields = kSuccessPolicyFields};

constexpr std::array kJobBodyFields = std::to_array<FieldSpec>({
    {.name = "template", .type = FieldType::kObject, .required = true, .object = &kPodTemplateSpec},
    {.name = "completions", .type = FieldType::kInteger, .min = 0, .max = kMostPods},
    {.name = "parallelism", .type = FieldType::kInteger, .min = 0, .max = kMostPods},
    {.name = "completionMode", .type = FieldType::kString, .values = kCompletionModes},
    {.name = "backoffLimit", .type = FieldType::kInteger, .min = 0, .max = kMostSeconds},
    {.name = "backoffLimitPerIndex", .type = FieldType::kInteger, .min = 0, .max = kMostSeconds},
    {.name = "maxFailedIndexes", .type = FieldType::kInteger, .min = 0, .max = kMostPods},
    {.name = "activeDeadlineSeconds", .type = FieldType::kInteger, .min = 1, .max = kMostSeconds},
    {.name = "ttlSecondsAfterFinished",
     .type = FieldType::kInteger,
     .min = 0,
     .max = kMostSeconds,
     .doc = "The Job and its pods are removed so long after its end"},
    {.name = "suspend", .type = FieldType::kBool},
    {.name = "podFailurePolicy", .type = FieldType::kObject, .object = &kFailurePolicySpec},
    {.name = "podReplacementPolicy", .type = FieldType::kString, .values = kReplacements},
    {.name = "selector", .type = FieldType::kObject, .use = FieldUse::kNoMeaning, .object = &kOwnedSelectorSpec},
    {.name = "manualSelector", .type = FieldType::kBool, .use = FieldUse::kNoMeaning},
    {.name = "successPolicy", .type = FieldType::kObject, .object = &kSuccessPolicySpec},
    {.name = "managedBy",
     .type = FieldType::kString,
     .use = FieldUse::kRefused,
     .doc = "there is no controller but its own, kubernetes.io/job-controller",
     .harmless = kOwnController},
});
constexpr ObjectSpec kJobBodySpec = {.name = "JobSpec", .fields = kJobBodyFields};

constexpr std::array kJobTemplateFields = std::to_array<FieldSpec>({
    {.name = "metadata", .type = FieldType::kObject, .object = &kMetadataSpec},
    {.name = "spec", .type = FieldType::kObject, .required = true, .object = &kJobBodySpec},
});
constexpr ObjectSpec kJobTemplateSpec = {.name = "JobTemplateSpec", .fields = kJobTemplateFields};

constexpr std::array kCronJobBodyFields = std::to_array<FieldSpec>({
    {.name = "schedule",
     .type = FieldType::kString,
     .required = true,
     .doc = "Minute, hour, day of month, month, day of week; or @hourly, @daily, @every 1h30m, ..."},
    {.name = "timeZone", .type = FieldType::kString, .doc = "As in /usr/share/zoneinfo; the agent's own when not said"},
    {.name = "concurrencyPolicy", .type = FieldType::kString, .values = kPolicies},
    {.name = "startingDeadlineSeconds",
     .type = FieldType::kInteger,
     .min = 0,
     .max = kMostSeconds,
     .doc = "A start that is missed by more is left out"},
    {.name = "suspend", .type = FieldType::kBool},
    {.name = "successfulJobsHistoryLimit", .type = FieldType::kInteger, .min = 0, .max = kMostPods},
    {.name = "failedJobsHistoryLimit", .type = FieldType::kInteger, .min = 0, .max = kMostPods},
    {.name = "jobTemplate", .type = FieldType::kObject, .required = true, .object = &kJobTemplateSpec},
});
constexpr ObjectSpec kCronJobBodySpec = {.name = "CronJobSpec", .fields = kCronJobBodyFields};

constexpr std::array<FieldSpec, 5> batch_fields(std::span<const std::string_view> kind, const ObjectSpec& body) {
  return {{
      {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kBatchVersion},
      {.name = "kind", .type = FieldType::kString, .required = true, .values = kind},
      {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
      {.name = "spec", .type = FieldType::kObject, .required = true, .object = &body},
      {.name = "status", .use = FieldUse::kIgnored},
  }};
}

constexpr auto kJobFields = batch_fields(kJobKind, kJobBodySpec);
constexpr auto kCronJobFields = batch_fields(kCronJobKind, kCronJobBodySpec);

}  // namespace

const ObjectSpec kJobSpec = {.name = "Job", .fields = kJobFields};
const ObjectSpec kCronJobSpec = {.name = "CronJob", .fields = kCronJobFields};

}  // namespace mete::config
