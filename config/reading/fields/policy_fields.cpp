// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/model/policy_actions.h"
#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"

namespace mete::config {
namespace {

constexpr std::array kMeteVersion = std::to_array<std::string_view>({"mete/v1"});
constexpr std::array kPolicyKind = std::to_array<std::string_view>({"Policy"});
constexpr std::array kOnDrift = std::to_array<std::string_view>({"restore", "report"});
constexpr std::array kLabelOperators = std::to_array<std::string_view>({"In", "NotIn", "Exists", "DoesNotExist"});
constexpr std::int64_t kMaxIops = 4294967294;  // the kernel takes a larger number for no limit
constexpr std::int64_t kMaxPids = 4194304;     // the kernel's PID_MAX_LIMIT

}  // namespace

const std::span<const std::string_view> kOnDriftNames = kOnDrift;
const std::span<const std::string_view> kLabelOperatorNames = kLabelOperators;

namespace {

constexpr std::array kExpressionFields = std::to_array<FieldSpec>({
    {.name = "key", .type = FieldType::kString, .required = true},
    {.name = "operator", .type = FieldType::kString, .required = true, .values = kLabelOperators},
    {.name = "values", .type = FieldType::kStringList},
});

}  // namespace

const ObjectSpec kLabelExpressionSpec = {.name = "LabelExpression", .fields = kExpressionFields};

namespace {

constexpr std::array kSelectorFields = std::to_array<FieldSpec>({
    {.name = "matchLabels",
     .type = FieldType::kStringMap,
     .doc = "Labels of Pods in the Policy's namespace; all must be there"},
    {.name = "matchExpressions", .type = FieldType::kObjectList, .object = &kLabelExpressionSpec},
    {.name = "cgroups", .type = FieldType::kStringList, .doc = "Globs of cgroup paths that others made, as /docker/*"},
});
constexpr ObjectSpec kSelectorSpec = {.name = "Selector", .fields = kSelectorFields};

constexpr std::array kBoostFields = std::to_array<FieldSpec>({
    {.name = "whenThrottled", .type = FieldType::kPercent, .required = true},
    {.name = "for", .type = FieldType::kDuration, .required = true},
    {.name = "factor", .type = FieldType::kFactor, .required = true},
    {.name = "max", .type = FieldType::kPercent},
    {.name = "coolDown", .type = FieldType::kDuration, .required = true},
});
constexpr ObjectSpec kBoostSpec = {.name = "CpuBoost", .fields = kBoostFields};

constexpr std::array kCpuFields = std::to_array<FieldSpec>({
    {.name = "burst", .type = FieldType::kDuration, .doc = "CPU time that may be saved up and used beyond the quota"},
    {.name = "boost",
     .type = FieldType::kObject,
     .object = &kBoostSpec,
     .doc = "Lends a throttled container what of the machine is idle"},
    {.name = "exclusive",
     .type = FieldType::kBool,
     .doc = "CPUs of its own, for containers of Guaranteed pods that ask for whole cores"},
    {.name = "idle", .type = FieldType::kBool, .doc = "Runs only when nobody else wants the CPU"},
});
constexpr ObjectSpec kCpuSpec = {.name = "CpuPolicy", .fields = kCpuFields};

constexpr std::array kThresholdFields = std::to_array<FieldSpec>({
    {.name = "usage", .type = FieldType::kPercent, .required = true},
    {.name = "do", .type = FieldType::kString, .required = true, .values = kThresholdActionNames},
    {.name = "signal", .type = FieldType::kString},
    {.name = "command", .type = FieldType::kStringList},
    {.name = "timeout", .type = FieldType::kDuration, .doc = "exec: killed after it; freeze: `then` is done after it"},
    {.name = "then", .type = FieldType::kString, .values = kAfterFreezeNames},
});
constexpr ObjectSpec kThresholdSpec = {.name = "MemoryThreshold", .fields = kThresholdFields};

constexpr std::array kPressureFields = std::to_array<FieldSpec>({
    {.name = "some", .type = FieldType::kPercent},
    {.name = "full", .type = FieldType::kPercent},
    {.name = "for", .type = FieldType::kDuration, .required = true},
    {.name = "do", .type = FieldType::kString, .required = true, .values = kLoneActionNames},
});
constexpr ObjectSpec kPressureSpec = {.name = "MemoryPressure", .fields = kPressureFields};

constexpr std::array kThrashingFields = std::to_array<FieldSpec>({
    {.name = "refaults",
     .type = FieldType::kPercent,
     .required = true,
     .doc = "Pages read again within `for`, of the memory limit"},
    {.name = "for", .type = FieldType::kDuration, .required = true},
    {.name = "do", .type = FieldType::kString, .required = true, .values = kLoneActionNames},
});
constexpr ObjectSpec kThrashingSpec = {.name = "MemoryThrashing", .fields = kThrashingFields};

constexpr std::array kHoldFields = std::to_array<FieldSpec>({
    {.name = "timeout", .type = FieldType::kDuration, .required = true},
    {.name = "then", .type = FieldType::kString, .required = true, .values = kOnOomNames},
});
constexpr ObjectSpec kHoldSpec = {.name = "OomHold", .fields = kHoldFields};

constexpr std::array kRaiseFields = std::to_array<FieldSpec>({
    {.name = "by", .type = FieldType::kPercent, .required = true},
    {.name = "max", .type = FieldType::kBytes},
});
constexpr ObjectSpec kRaiseSpec = {.name = "OomRaise", .fields = kRaiseFields};

constexpr std::array kMemoryFields = std::to_array<FieldSpec>({
    {.name = "at", .type = FieldType::kObjectList, .object = &kThresholdSpec},
    {.name = "pressure", .type = FieldType::kObject, .object = &kPressureSpec},
    {.name = "thrashing", .type = FieldType::kObject, .object = &kThrashingSpec},
    {.name = "onOOM", .type = FieldType::kString, .values = kOnOomNames},
    {.name = "hold", .type = FieldType::kObject, .object = &kHoldSpec},
    {.name = "raise", .type = FieldType::kObject, .object = &kRaiseSpec},
    {.name = "notify",
     .type = FieldType::kBool,
     .doc = "Tell the container of memory pressure (MEMORY_PRESSURE_WATCH)"},
    {.name = "swap",
     .type = FieldType::kBytes,
     .doc = "What it may have in swap beyond its memory limit; without it none"},
});
constexpr ObjectSpec kMemorySpec = {.name = "MemoryPolicy", .fields = kMemoryFields};

constexpr std::array kIoDeviceFields = std::to_array<FieldSpec>({
    {.name = "path",
     .type = FieldType::kString,
     .required = true,
     .doc = "A disk, or a path on the file system that lies on it"},
    {.name = "readBps", .type = FieldType::kBytes},
    {.name = "writeBps", .type = FieldType::kBytes},
    {.name = "readIops", .type = FieldType::kCount, .min = 1, .max = kMaxIops},
    {.name = "writeIops", .type = FieldType::kCount, .min = 1, .max = kMaxIops},
    {.name = "latency",
     .type = FieldType::kDuration,
     .doc = "Its requests are to take no longer; who has more time is held back for it (cgroup v2, io.latency)"},
});
constexpr ObjectSpec kIoDeviceSpec = {.name = "IoDeviceLimit", .fields = kIoDeviceFields};

constexpr std::array kIoFields = std::to_array<FieldSpec>({
    {.name = "devices", .type = FieldType::kObjectList, .object = &kIoDeviceSpec},
    {.name = "weight", .type = FieldType::kInteger, .min = 1, .max = 10000},
});
constexpr ObjectSpec kIoSpec = {.name = "IoPolicy", .fields = kIoFields};

constexpr std::array kPidsFields = std::to_array<FieldSpec>({
    {.name = "max", .type = FieldType::kCount, .min = 1, .max = kMaxPids},
});
constexpr ObjectSpec kPidsSpec = {.name = "PidsPolicy", .fields = kPidsFields};

constexpr std::array kDeviceFields = std::to_array<FieldSpec>({
    {.name = "path", .type = FieldType::kString, .required = true, .doc = "A device below /dev"},
    {.name = "access", .type = FieldType::kString, .doc = "Of r(ead), w(rite) and m(knod); without it all three"},
});
constexpr ObjectSpec kDeviceSpec = {.name = "DevicePermission", .fields = kDeviceFields};

constexpr std::array kDevicesFields = std::to_array<FieldSpec>({
    {.name = "allow",
     .type = FieldType::kObjectList,
     .object = &kDeviceSpec,
     .doc = "Beyond what every container may use; made in its /dev when it starts"},
    {.name = "deny", .type = FieldType::kObjectList, .object = &kDeviceSpec, .doc = "Has the last word"},
});
constexpr ObjectSpec kDevicesSpec = {.name = "DevicePolicy", .fields = kDevicesFields};

constexpr std::array kNetClsFields = std::to_array<FieldSpec>({
    {.name = "classId",
     .type = FieldType::kString,
     .required = true,
     .doc = "MAJOR:MINOR in hexadecimal digits, as tc(8) has it"},
});
constexpr ObjectSpec kNetClsSpec = {.name = "NetClassPolicy", .fields = kNetClsFields};

constexpr std::array kBandwidthFields = std::to_array<FieldSpec>({
    {.name = "ingress", .type = FieldType::kCount, .doc = "What the pod receives, in bits a second: 10M"},
    {.name = "egress", .type = FieldType::kCount, .doc = "What it sends, in bits a second"},
    {.name = "burst", .type = FieldType::kBytes, .doc = "What may pass at once in each direction; without it 10 ms"},
});
constexpr ObjectSpec kBandwidthSpec = {.name = "NetworkLimit", .fields = kBandwidthFields};

constexpr std::array kGuardFields = std::to_array<FieldSpec>({
    {.name = "maxKills", .type = FieldType::kCount, .required = true, .min = 0},
    {.name = "per", .type = FieldType::kDuration, .required = true},
});
constexpr ObjectSpec kGuardSpec = {.name = "GuardPolicy", .fields = kGuardFields};

constexpr std::array kPolicyBodyFields = std::to_array<FieldSpec>({
    {.name = "selector", .type = FieldType::kObject, .required = true, .object = &kSelectorSpec},
    {.name = "dryRun", .type = FieldType::kBool, .doc = "Decide and record, but do nothing"},
    {.name = "drift",
     .type = FieldType::kString,
     .values = kOnDrift,
     .doc = "What somebody else writes into a managed file is put back (restore), or only told (report)"},
    {.name = "cpu", .type = FieldType::kObject, .object = &kCpuSpec},
    {.name = "memory", .type = FieldType::kObject, .object = &kMemorySpec},
    {.name = "io", .type = FieldType::kObject, .object = &kIoSpec},
    {.name = "pids", .type = FieldType::kObject, .object = &kPidsSpec},
    {.name = "devices", .type = FieldType::kObject, .object = &kDevicesSpec},
    {.name = "netCls",
     .type = FieldType::kObject,
     .object = &kNetClsSpec,
     .doc = "The class of what it sends, for tc and iptables (cgroup v1, net_cls)"},
    {.name = "network",
     .type = FieldType::kObject,
     .object = &kBandwidthSpec,
     .doc = "The pod's bandwidth, at most: held where it is connected, out of its reach"},
    {.name = "guard", .type = FieldType::kObject, .object = &kGuardSpec},
});
constexpr ObjectSpec kPolicyBodySpec = {.name = "PolicySpec", .fields = kPolicyBodyFields};

constexpr std::array kPolicyFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kMeteVersion},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kPolicyKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "spec", .type = FieldType::kObject, .required = true, .object = &kPolicyBodySpec},
    {.name = "status", .use = FieldUse::kIgnored},
});

}  // namespace

const ObjectSpec kPolicySpec = {.name = "Policy", .fields = kPolicyFields};

}  // namespace mete::config
