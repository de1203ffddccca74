// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"

namespace mete::config {
namespace {

constexpr std::array kCoreVersion = std::to_array<std::string_view>({"v1"});
constexpr std::array kPodKind = std::to_array<std::string_view>({"Pod"});
constexpr std::array kConfigMapKind = std::to_array<std::string_view>({"ConfigMap"});
constexpr std::array kSecretKind = std::to_array<std::string_view>({"Secret"});
// In the order of RestartPolicy.
constexpr std::array kRestartPolicies = std::to_array<std::string_view>({"Always", "OnFailure", "Never"});
constexpr std::array kMachineDns =
    std::to_array<std::string_view>({"ClusterFirst", "ClusterFirstWithHostNet", "Default"});
constexpr std::array kMerge = std::to_array<std::string_view>({"Merge"});
constexpr std::array kSystems = std::to_array<std::string_view>({"linux", "windows"});
// In the order of DnsPolicy and GroupsPolicy.
constexpr std::array kDnsPolicies =
    std::to_array<std::string_view>({"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"});
constexpr std::array kGroupsPolicies = std::to_array<std::string_view>({"Merge", "Strict"});
constexpr std::array kGroupChangePolicies = std::to_array<std::string_view>({"Always", "OnRootMismatch"});
constexpr std::array kResourcesInPlace = std::to_array<std::string_view>({"limits.pids"});
constexpr std::array kPreemptionPolicies = std::to_array<std::string_view>({"PreemptLowerPriority", "Never"});
constexpr std::int64_t kMaxId = 4294967294;  // the kernel reserves the last 32-bit id for "none"
constexpr std::int64_t kMaxGrace = 365LL * 24 * 3600;

}  // namespace

const std::span<const std::string_view> kRestartPolicyNames = kRestartPolicies;
const std::span<const std::string_view> kDnsPolicyNames = kDnsPolicies;
const std::span<const std::string_view> kGroupsPolicyNames = kGroupsPolicies;

namespace {

constexpr std::array kOsFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true, .values = kSystems},
});
constexpr ObjectSpec kOsSpec = {.name = "PodOS", .fields = kOsFields};

}  // namespace

namespace {

constexpr std::array kMetadataFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .doc = "Unique in its namespace"},
    {.name = "namespace", .type = FieldType::kString, .doc = "default when not said"},
    {.name = "labels", .type = FieldType::kStringMap},
    {.name = "annotations", .type = FieldType::kStringMap},
    {.name = "uid", .type = FieldType::kString},
    {.name = "generateName",
     .type = FieldType::kString,
     .doc = "Without `name`: the beginning of one whose end follows from the object's content"},
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
    {.name = "fsGroupChangePolicy",
     .type = FieldType::kString,
     .values = kGroupChangePolicies,
     .doc = "OnRootMismatch: a volume whose root has the group already is left as it is"},
    {.name = "supplementalGroupsPolicy",
     .type = FieldType::kString,
     .values = kGroupsPolicies,
     .doc = "Strict: without the groups that the image's /etc/group gives the user",
     .identity_by_text = true,
     .harmless = kMerge},
    {.name = "runAsNonRoot",
     .type = FieldType::kBool,
     .doc = "true: a container that would run as user 0 is not started",
     .identity_by_text = true},
    {.name = "seLinuxOptions",
     .type = FieldType::kObject,
     .use = FieldUse::kRefused,
     .object = &kSeLinuxSpec,
     .doc = "it sets no SELinux labels; capabilities, seccompProfile and runAsUser restrict a container, too"},
    {.name = "seLinuxChangePolicy", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
    {.name = "seccompProfile", .type = FieldType::kObject, .object = &kSeccompSpec},
    {.name = "appArmorProfile", .type = FieldType::kObject, .object = &kAppArmorSpec},
    {.name = "sysctls", .type = FieldType::kObjectList, .object = &kSysctlSpec, .identity_by_text = true},
    {.name = "windowsOptions", .use = FieldUse::kNoMeaning},
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
    {.name = "activeDeadlineSeconds",
     .type = FieldType::kInteger,
     .min = 1,
     .max = 2147483647,
     .doc = "After this time the Pod is ended, and has failed: DeadlineExceeded",
     .identity_by_text = true},
    {.name = "affinity", .type = FieldType::kObject, .use = FieldUse::kNoMeaning, .object = &kAffinitySpec},
    {.name = "automountServiceAccountToken", .type = FieldType::kBool, .use = FieldUse::kNoMeaning},
    {.name = "dnsConfig",
     .type = FieldType::kObject,
     .object = &kDnsConfigSpec,
     .doc = "Added to what dnsPolicy gives /etc/resolv.conf",
     .identity_by_text = true},
    {.name = "dnsPolicy",
     .type = FieldType::kString,
     .values = kDnsPolicies,
     .doc = "None: dnsConfig alone; all others: the machine's resolv.conf, as there is no cluster",
     .identity_by_text = true,
     .harmless = kMachineDns},
    {.name = "enableServiceLinks", .type = FieldType::kBool, .use = FieldUse::kNoMeaning},
    {.name = "ephemeralContainers", .use = FieldUse::kNoMeaning},
    {.name = "hostAliases",
     .type = FieldType::kObjectList,
     .object = &kHostAliasSpec,
     .doc = "More lines of the pod's /etc/hosts",
     .identity_by_text = true},
    {.name = "hostUsers",
     .type = FieldType::kBool,
     .doc = "false: the containers are in a user namespace, and their root is none of the machine"},
    {.name = "hostnameOverride",
     .type = FieldType::kString,
     .doc = "The host name, whatever hostname, subdomain and setHostnameAsFQDN say",
     .identity_by_text = true},
    {.name = "imagePullSecrets",
     .type = FieldType::kObjectList,
     .object = &kReferenceSpec,
     .doc = "Secrets with what registries are told: kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg"},
    {.name = "nodeName", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
    {.name = "nodeSelector", .type = FieldType::kStringMap, .use = FieldUse::kNoMeaning},
    {.name = "os", .type = FieldType::kObject, .object = &kOsSpec},
    {.name = "overhead", .use = FieldUse::kNoMeaning},
    {.name = "preemptionPolicy",
     .type = FieldType::kString,
     .use = FieldUse::kNoMeaning,
     .values = kPreemptionPolicies},
    {.name = "priority", .type = FieldType::kInteger, .min = -2147483648, .max = 2147483647},
    {.name = "priorityClassName", .type = FieldType::kString},
    {.name = "readinessGates", .use = FieldUse::kNoMeaning},
    {.name = "resourceClaims",
     .use = FieldUse::kRefused,
     .doc = "devices of a cluster's driver; devices.allow of a Policy gives a container devices of this machine"},
    {.name = "resources",
     .type = FieldType::kObject,
     .object = &kResourcesSpec,
     .doc = "Of all containers together: a container without a limit of its own may use what the others leave. Its "
            "limits may have pids: processes and threads",
     .identity_by_text = true,
     .in_place = kResourcesInPlace},
    {.name = "runtimeClassName",
     .type = FieldType::kString,
     .doc = "mete, or a RuntimeClass, whose handler is mete or another OCI runtime of this machine"},
    {.name = "schedulerName", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
    {.name = "schedulingGates",
     .type = FieldType::kObjectList,
     .object = &kGateSpec,
     .doc = "As long as it has one, nothing of the Pod is made"},
    {.name = "serviceAccount", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
    {.name = "serviceAccountName", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
    {.name = "setHostnameAsFQDN",
     .type = FieldType::kBool,
     .doc = "The host name is HOSTNAME.SUBDOMAIN.NAMESPACE.svc.cluster.local",
     .identity_by_text = true},
    {.name = "subdomain",
     .type = FieldType::kString,
     .doc = "/etc/hosts has the full name, too",
     .identity_by_text = true},
    {.name = "tolerations", .type = FieldType::kObjectList, .use = FieldUse::kNoMeaning, .object = &kTolerationSpec},
    {.name = "topologySpreadConstraints",
     .type = FieldType::kObjectList,
     .use = FieldUse::kNoMeaning,
     .object = &kTopologySpreadSpec},
});

}  // namespace

const ObjectSpec kPodBodySpec = {.name = "PodSpec", .fields = kPodBodyFields};

namespace {

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
    {.name = "immutable", .type = FieldType::kBool, .doc = "true: the data may not change any more"},
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
    {.name = "immutable", .type = FieldType::kBool, .doc = "true: the data may not change any more"},
});

}  // namespace

const ObjectSpec kSecretSpec = {.name = "Secret", .fields = kSecretFields};

namespace {

constexpr std::array kClaimKind = std::to_array<std::string_view>({"PersistentVolumeClaim"});

constexpr std::array kClaimObjectFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kCoreVersion},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kClaimKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "spec", .use = FieldUse::kIgnored},
    {.name = "status", .use = FieldUse::kIgnored},
});

}  // namespace

const ObjectSpec kClaimObjectSpec = {.name = "PersistentVolumeClaim", .fields = kClaimObjectFields};

}  // namespace mete::config
