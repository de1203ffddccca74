// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/reading/fields.h"
#include "config/reading/known_fields.h"

namespace mete::config {
namespace {

constexpr std::array kCoreVersion = std::to_array<std::string_view>({"v1"});
constexpr std::array kPodKind = std::to_array<std::string_view>({"Pod"});
constexpr std::array kConfigMapKind = std::to_array<std::string_view>({"ConfigMap"});
constexpr std::array kSecretKind = std::to_array<std::string_view>({"Secret"});
// In the order of RestartPolicy.
constexpr std::array kRestartPolicies = std::to_array<std::string_view>({"Always", "OnFailure", "Never"});
constexpr std::int64_t kMaxId = 4294967294;  // the kernel reserves the last 32-bit id for "none"
constexpr std::int64_t kMaxGrace = 365LL * 24 * 3600;

}  // namespace

const std::span<const std::string_view> kRestartPolicyNames = kRestartPolicies;

namespace {

constexpr std::array kMetadataFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true, .doc = "Unique in its namespace"},
    {.name = "namespace", .type = FieldType::kString, .doc = "default when not said"},
    {.name = "labels", .type = FieldType::kStringMap},
    {.name = "annotations", .type = FieldType::kStringMap},
    {.name = "uid", .type = FieldType::kString},
    {.name = "generateName", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "creationTimestamp", .use = FieldUse::kIgnored},
    {.name = "resourceVersion", .use = FieldUse::kIgnored},
    {.name = "generation", .use = FieldUse::kIgnored},
    {.name = "managedFields", .use = FieldUse::kIgnored},
    {.name = "selfLink", .use = FieldUse::kIgnored},
    {.name = "deletionTimestamp", .use = FieldUse::kIgnored},
    {.name = "deletionGracePeriodSeconds", .use = FieldUse::kIgnored},
    {.name = "ownerReferences", .use = FieldUse::kIgnored},
    {.name = "finalizers", .use = FieldUse::kIgnored},
});

}  // namespace

const ObjectSpec kMetadataSpec = {.name = "ObjectMeta", .fields = kMetadataFields};

namespace {

constexpr std::array kPodSecurityFields = std::to_array<FieldSpec>({
    {.name = "runAsUser", .type = FieldType::kInteger, .min = 0, .max = kMaxId},
    {.name = "runAsGroup", .type = FieldType::kInteger, .min = 0, .max = kMaxId},
    {.name = "fsGroup", .type = FieldType::kInteger, .min = 0, .max = kMaxId},
    {.name = "supplementalGroups", .type = FieldType::kIntegerList, .min = 0, .max = kMaxId},
    {.name = "fsGroupChangePolicy", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "supplementalGroupsPolicy", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "runAsNonRoot", .type = FieldType::kBool, .use = FieldUse::kInactive},
    {.name = "seLinuxOptions", .type = FieldType::kObject, .use = FieldUse::kInactive, .object = &kSeLinuxSpec},
    {.name = "seLinuxChangePolicy", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "seccompProfile", .type = FieldType::kObject, .use = FieldUse::kInactive, .object = &kSeccompSpec},
    {.name = "appArmorProfile", .type = FieldType::kObject, .use = FieldUse::kInactive, .object = &kSeccompSpec},
    {.name = "sysctls", .type = FieldType::kObjectList, .use = FieldUse::kInactive, .object = &kSysctlSpec},
    {.name = "windowsOptions", .use = FieldUse::kInactive},
});
constexpr ObjectSpec kPodSecuritySpec = {.name = "PodSecurityContext", .fields = kPodSecurityFields};

constexpr std::array kPodBodyFields = std::to_array<FieldSpec>({
    {.name = "containers", .type = FieldType::kObjectList, .required = true, .object = &kContainerSpec},
    {.name = "initContainers",
     .type = FieldType::kObjectList,
     .object = &kContainerSpec,
     .doc = "Run one after the other before the containers"},
    {.name = "volumes", .type = FieldType::kObjectList, .object = &kVolumeSpec},
    {.name = "restartPolicy", .type = FieldType::kString, .values = kRestartPolicies},
    {.name = "terminationGracePeriodSeconds", .type = FieldType::kInteger, .min = 0, .max = kMaxGrace},
    {.name = "hostname", .type = FieldType::kString},
    {.name = "hostNetwork", .type = FieldType::kBool},
    {.name = "hostPID", .type = FieldType::kBool},
    {.name = "hostIPC", .type = FieldType::kBool},
    {.name = "shareProcessNamespace", .type = FieldType::kBool},
    {.name = "securityContext", .type = FieldType::kObject, .object = &kPodSecuritySpec},
    {.name = "activeDeadlineSeconds", .type = FieldType::kInteger, .use = FieldUse::kInactive},
    {.name = "affinity", .type = FieldType::kObject, .use = FieldUse::kInactive, .object = &kAffinitySpec},
    {.name = "automountServiceAccountToken", .type = FieldType::kBool, .use = FieldUse::kInactive},
    {.name = "dnsConfig", .type = FieldType::kObject, .use = FieldUse::kInactive, .object = &kDnsConfigSpec},
    {.name = "dnsPolicy", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "enableServiceLinks", .type = FieldType::kBool, .use = FieldUse::kInactive},
    {.name = "ephemeralContainers", .use = FieldUse::kInactive},
    {.name = "hostAliases",
     .type = FieldType::kObjectList,
     .object = &kHostAliasSpec,
     .doc = "More lines of the pod's /etc/hosts",
     .identity_by_text = true},
    {.name = "hostUsers", .type = FieldType::kBool, .use = FieldUse::kInactive},
    {.name = "hostnameOverride", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "imagePullSecrets", .type = FieldType::kObjectList, .use = FieldUse::kInactive, .object = &kReferenceSpec},
    {.name = "nodeName", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "nodeSelector", .type = FieldType::kStringMap, .use = FieldUse::kInactive},
    {.name = "os", .type = FieldType::kObject, .use = FieldUse::kInactive, .object = &kReferenceSpec},
    {.name = "overhead", .use = FieldUse::kInactive},
    {.name = "preemptionPolicy", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "priority", .type = FieldType::kInteger, .min = -2147483648, .max = 2147483647},
    {.name = "priorityClassName", .type = FieldType::kString},
    {.name = "readinessGates", .use = FieldUse::kInactive},
    {.name = "resourceClaims", .use = FieldUse::kInactive},
    {.name = "resources", .use = FieldUse::kInactive},
    {.name = "runtimeClassName", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "schedulerName", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "schedulingGates", .type = FieldType::kObjectList, .use = FieldUse::kInactive, .object = &kReferenceSpec},
    {.name = "serviceAccount", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "serviceAccountName", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "setHostnameAsFQDN", .type = FieldType::kBool, .use = FieldUse::kInactive},
    {.name = "subdomain", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "tolerations", .type = FieldType::kObjectList, .use = FieldUse::kInactive, .object = &kTolerationSpec},
    {.name = "topologySpreadConstraints",
     .type = FieldType::kObjectList,
     .use = FieldUse::kInactive,
     .object = &kTopologySpreadSpec},
});
constexpr ObjectSpec kPodBodySpec = {.name = "PodSpec", .fields = kPodBodyFields};

constexpr std::array kPodFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kCoreVersion},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kPodKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "spec", .type = FieldType::kObject, .required = true, .object = &kPodBodySpec},
    {.name = "status", .use = FieldUse::kIgnored},
});

}  // namespace

const ObjectSpec kPodSpec = {.name = "Pod", .fields = kPodFields};

namespace {

constexpr std::array kConfigMapFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kCoreVersion},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kConfigMapKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "data", .type = FieldType::kStringMap},
    {.name = "binaryData", .type = FieldType::kStringMap},
    {.name = "immutable", .type = FieldType::kBool, .use = FieldUse::kIgnored},
});

}  // namespace

const ObjectSpec kConfigMapSpec = {.name = "ConfigMap", .fields = kConfigMapFields};

namespace {

constexpr std::array kSecretFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kCoreVersion},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kSecretKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "type", .type = FieldType::kString},
    {.name = "data", .type = FieldType::kStringMap, .doc = "Base64"},
    {.name = "stringData", .type = FieldType::kStringMap},
    {.name = "immutable", .type = FieldType::kBool, .use = FieldUse::kIgnored},
});

}  // namespace

const ObjectSpec kSecretSpec = {.name = "Secret", .fields = kSecretFields};

}  // namespace mete::config
