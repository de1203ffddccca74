// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"

namespace mete::config {
namespace {

constexpr std::array kRestartPolicies = std::to_array<std::string_view>({"Always", "OnFailure", "Never"});
constexpr std::array kPullPolicies = std::to_array<std::string_view>({"Always", "IfNotPresent", "Never"});
constexpr std::array kNone = std::to_array<std::string_view>({"None"});
constexpr std::array kDefaultProc = std::to_array<std::string_view>({"Default"});
constexpr std::array kProcMounts = std::to_array<std::string_view>({"Default", "Unmasked"});
constexpr std::array kDefaultMessagePath = std::to_array<std::string_view>({"/dev/termination-log"});
constexpr std::array kMessagePolicies = std::to_array<std::string_view>({"File", "FallbackToLogsOnError"});
// In the order of MountPropagation and RecursiveReadOnly.
constexpr std::array kPropagations = std::to_array<std::string_view>({"None", "HostToContainer", "Bidirectional"});
constexpr std::array kRecursiveReadOnly = std::to_array<std::string_view>({"Disabled", "IfPossible", "Enabled"});
constexpr std::int64_t kMaxId = 4294967294;  // the kernel reserves the last 32-bit id for "none"

constexpr std::array kKeyRefFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "key", .type = FieldType::kString, .required = true},
    {.name = "optional", .type = FieldType::kBool},
});
constexpr ObjectSpec kKeyRefSpec = {.name = "KeySelector", .fields = kKeyRefFields};

constexpr std::array kFieldRefFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .use = FieldUse::kIgnored},
    {.name = "fieldPath", .type = FieldType::kString, .required = true},
});
}  // namespace

const ObjectSpec kFieldRefSpec = {.name = "ObjectFieldSelector", .fields = kFieldRefFields};

namespace {

constexpr std::array kResourceRefFields = std::to_array<FieldSpec>({
    {.name = "containerName", .type = FieldType::kString, .doc = "In a volume: whose resources"},
    {.name = "resource", .type = FieldType::kString, .required = true},
    {.name = "divisor", .type = FieldType::kBytes, .doc = "The unit of the number that comes out, rounded up"},
});

}  // namespace

const ObjectSpec kResourceRefSpec = {.name = "ResourceFieldSelector", .fields = kResourceRefFields};

namespace {

constexpr std::array kFileRefFields = std::to_array<FieldSpec>({
    {.name = "volumeName", .type = FieldType::kString, .required = true},
    {.name = "path", .type = FieldType::kString, .required = true, .doc = "A file of the volume, with lines KEY=VALUE"},
    {.name = "key", .type = FieldType::kString, .required = true},
    {.name = "optional", .type = FieldType::kBool},
});
constexpr ObjectSpec kFileRefSpec = {.name = "FileKeySelector", .fields = kFileRefFields};

constexpr std::array kEnvSourceFields = std::to_array<FieldSpec>({
    {.name = "configMapKeyRef", .type = FieldType::kObject, .object = &kKeyRefSpec},
    {.name = "secretKeyRef", .type = FieldType::kObject, .object = &kKeyRefSpec},
    {.name = "fieldRef", .type = FieldType::kObject, .object = &kFieldRefSpec},
    {.name = "resourceFieldRef", .type = FieldType::kObject, .object = &kResourceRefSpec},
    {.name = "fileKeyRef", .type = FieldType::kObject, .object = &kFileRefSpec},
});
constexpr ObjectSpec kEnvSourceSpec = {.name = "EnvVarSource", .fields = kEnvSourceFields};

constexpr std::array kEnvVarFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "value", .type = FieldType::kString, .doc = "$(NAME) of an earlier variable is put in"},
    {.name = "valueFrom", .type = FieldType::kObject, .object = &kEnvSourceSpec},
});
constexpr ObjectSpec kEnvVarSpec = {.name = "EnvVar", .fields = kEnvVarFields};

constexpr std::array kEnvFromRefFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "optional", .type = FieldType::kBool},
});
constexpr ObjectSpec kEnvFromRefSpec = {.name = "EnvSource", .fields = kEnvFromRefFields};

constexpr std::array kEnvFromFields = std::to_array<FieldSpec>({
    {.name = "prefix", .type = FieldType::kString},
    {.name = "configMapRef", .type = FieldType::kObject, .object = &kEnvFromRefSpec},
    {.name = "secretRef", .type = FieldType::kObject, .object = &kEnvFromRefSpec},
});
constexpr ObjectSpec kEnvFromSpec = {.name = "EnvFromSource", .fields = kEnvFromFields};

constexpr std::array kVolumeMountFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "mountPath", .type = FieldType::kString, .required = true},
    {.name = "subPath", .type = FieldType::kString},
    {.name = "readOnly", .type = FieldType::kBool},
    {.name = "subPathExpr",
     .type = FieldType::kString,
     .doc = "subPath with the container's variables put in: $(NAME)",
     .identity_by_text = true},
    {.name = "mountPropagation",
     .type = FieldType::kString,
     .values = kPropagations,
     .doc = "Bidirectional needs a privileged container",
     .identity_by_text = true,
     .harmless = kNone},
    {.name = "recursiveReadOnly",
     .type = FieldType::kString,
     .values = kRecursiveReadOnly,
     .doc = "mete makes the mounts below read-only, too, whatever this says"},
});
constexpr ObjectSpec kVolumeMountSpec = {.name = "VolumeMount", .fields = kVolumeMountFields};

constexpr std::array kVolumeDeviceFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "devicePath", .type = FieldType::kString, .required = true},
});
constexpr ObjectSpec kVolumeDeviceSpec = {.name = "VolumeDevice", .fields = kVolumeDeviceFields};

constexpr std::array kCapabilitiesFields = std::to_array<FieldSpec>({
    {.name = "add", .type = FieldType::kStringList},
    {.name = "drop", .type = FieldType::kStringList},
});
constexpr ObjectSpec kCapabilitiesSpec = {.name = "Capabilities", .fields = kCapabilitiesFields};

constexpr std::array kSecurityContextFields = std::to_array<FieldSpec>({
    {.name = "runAsUser", .type = FieldType::kInteger, .min = 0, .max = kMaxId},
    {.name = "runAsGroup", .type = FieldType::kInteger, .min = 0, .max = kMaxId},
    {.name = "readOnlyRootFilesystem", .type = FieldType::kBool},
    {.name = "privileged", .type = FieldType::kBool},
    {.name = "capabilities", .type = FieldType::kObject, .object = &kCapabilitiesSpec},
    {.name = "allowPrivilegeEscalation", .type = FieldType::kBool},
    {.name = "runAsNonRoot",
     .type = FieldType::kBool,
     .doc = "true: the container is not started as user 0",
     .identity_by_text = true},
    {.name = "procMount",
     .type = FieldType::kString,
     .values = kProcMounts,
     .doc = "Unmasked: all of /proc and /sys is seen as it is; only with hostUsers: false",
     .identity_by_text = true,
     .harmless = kDefaultProc},
    {.name = "seLinuxOptions",
     .type = FieldType::kObject,
     .use = FieldUse::kRefused,
     .object = &kSeLinuxSpec,
     .doc = "it sets no SELinux labels; capabilities, seccompProfile and runAsUser restrict a container, too"},
    {.name = "seccompProfile", .type = FieldType::kObject, .object = &kSeccompSpec},
    {.name = "appArmorProfile", .type = FieldType::kObject, .object = &kAppArmorSpec},
    {.name = "windowsOptions", .use = FieldUse::kNoMeaning},
});
constexpr ObjectSpec kSecurityContextSpec = {.name = "SecurityContext", .fields = kSecurityContextFields};

constexpr std::array kResizedResources = std::to_array<std::string_view>({"cpu", "memory"});
constexpr std::array kResizePolicies = std::to_array<std::string_view>({"NotRequired", "RestartContainer"});
constexpr std::array kResizePolicyFields = std::to_array<FieldSpec>({
    {.name = "resourceName", .type = FieldType::kString, .required = true, .values = kResizedResources},
    {.name = "restartPolicy", .type = FieldType::kString, .required = true, .values = kResizePolicies},
});
constexpr ObjectSpec kResizePolicySpec = {.name = "ContainerResizePolicy", .fields = kResizePolicyFields};

constexpr std::array kContainerFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "image", .type = FieldType::kString, .required = true},
    {.name = "command", .type = FieldType::kStringList, .doc = "Instead of the image's entrypoint"},
    {.name = "args", .type = FieldType::kStringList},
    {.name = "workingDir", .type = FieldType::kString},
    {.name = "env", .type = FieldType::kObjectList, .object = &kEnvVarSpec},
    {.name = "envFrom", .type = FieldType::kObjectList, .object = &kEnvFromSpec},
    {.name = "volumeMounts", .type = FieldType::kObjectList, .object = &kVolumeMountSpec},
    {.name = "resources", .type = FieldType::kObject, .object = &kResourcesSpec},
    {.name = "securityContext", .type = FieldType::kObject, .object = &kSecurityContextSpec},
    {.name = "stdin", .type = FieldType::kBool},
    {.name = "stdinOnce", .type = FieldType::kBool},
    {.name = "tty", .type = FieldType::kBool},
    {.name = "imagePullPolicy",
     .type = FieldType::kString,
     .values = kPullPolicies,
     .doc =
         "When a registry is asked: before each start, for an image that is missing (also without this field, whatever "
         "the tag), never"},
    {.name = "lifecycle", .type = FieldType::kObject, .object = &kLifecycleSpec},
    {.name = "livenessProbe",
     .type = FieldType::kObject,
     .object = &kProbeSpec,
     .doc = "Fails: the container is ended, and started again as restartPolicy says"},
    {.name = "readinessProbe",
     .type = FieldType::kObject,
     .object = &kProbeSpec,
     .doc = "Fails: the container is not ready"},
    {.name = "startupProbe",
     .type = FieldType::kObject,
     .object = &kProbeSpec,
     .doc = "The other probes begin when it has succeeded; fails: as livenessProbe"},
    {.name = "ports",
     .type = FieldType::kObjectList,
     .object = &kPortSpec,
     .doc = "A name for a port; hostPort publishes"},
    {.name = "resizePolicy",
     .type = FieldType::kObjectList,
     .object = &kResizePolicySpec,
     .doc = "Whether another amount of CPU or memory is given in place, which is so when not said, or by a restart"},
    {.name = "restartPolicy",
     .type = FieldType::kString,
     .values = kRestartPolicies,
     .doc = "Instead of the Pod's. Always, of an init container: a sidecar, which goes on beside the containers"},
    {.name = "restartPolicyRules",
     .type = FieldType::kObjectList,
     .object = &kRestartRuleSpec,
     .doc = "Exit codes after which it is started again, whatever restartPolicy says",
     .identity_by_text = true},
    {.name = "terminationMessagePath",
     .type = FieldType::kString,
     .doc = "A file in the container: what it holds at the end is shown as the reason",
     .identity_by_text = true,
     .harmless = kDefaultMessagePath},
    {.name = "terminationMessagePolicy", .type = FieldType::kString, .values = kMessagePolicies},
    {.name = "volumeDevices",
     .type = FieldType::kObjectList,
     .use = FieldUse::kRefused,
     .object = &kVolumeDeviceSpec,
     .doc = "a claim is a directory of this machine; devices.allow of a Policy gives a container a block device"},
});

}  // namespace

const std::span<const std::string_view> kPullPolicyNames = kPullPolicies;
const std::span<const std::string_view> kPropagationNames = kPropagations;
const std::span<const std::string_view> kRecursiveReadOnlyNames = kRecursiveReadOnly;

const ObjectSpec kContainerSpec = {.name = "Container", .fields = kContainerFields};

}  // namespace mete::config
