// SPDX-License-Identifier: Apache-2.0
// Objects of Kubernetes v1 beside containers and volumes: probes, hooks, scheduling, DNS, profiles.
#include "config/reading/known_fields.h"

#include <array>

#include "config/reading/fields.h"

namespace mete::config {
namespace {

constexpr std::int64_t kPort = 65535;

constexpr std::array kExecActionFields = std::to_array<FieldSpec>({
    {.name = "command", .type = FieldType::kStringList},
});
constexpr ObjectSpec kExecActionSpec = {.name = "ExecAction", .fields = kExecActionFields};

constexpr std::array kHttpHeaderFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "value", .type = FieldType::kString, .required = true},
});
constexpr ObjectSpec kHttpHeaderSpec = {.name = "HTTPHeader", .fields = kHttpHeaderFields};

constexpr std::array kSchemes = std::to_array<std::string_view>({"HTTP", "HTTPS"});

constexpr std::array kHttpGetFields = std::to_array<FieldSpec>({
    {.name = "path", .type = FieldType::kString},
    {.name = "port", .type = FieldType::kIntegerOrString, .required = true},
    {.name = "host", .type = FieldType::kString},
    {.name = "scheme", .type = FieldType::kString, .values = kSchemes},
    {.name = "httpHeaders", .type = FieldType::kObjectList, .object = &kHttpHeaderSpec},
});
constexpr ObjectSpec kHttpGetSpec = {.name = "HTTPGetAction", .fields = kHttpGetFields};

constexpr std::array kTcpSocketFields = std::to_array<FieldSpec>({
    {.name = "port", .type = FieldType::kIntegerOrString, .required = true},
    {.name = "host", .type = FieldType::kString},
});
constexpr ObjectSpec kTcpSocketSpec = {.name = "TCPSocketAction", .fields = kTcpSocketFields};

constexpr std::array kGrpcFields = std::to_array<FieldSpec>({
    {.name = "port", .type = FieldType::kInteger, .required = true, .min = 1, .max = kPort},
    {.name = "service", .type = FieldType::kString},
});
constexpr ObjectSpec kGrpcSpec = {.name = "GRPCAction", .fields = kGrpcFields};

constexpr std::array kSleepFields = std::to_array<FieldSpec>({
    {.name = "seconds", .type = FieldType::kInteger, .required = true, .min = 0},
});
constexpr ObjectSpec kSleepSpec = {.name = "SleepAction", .fields = kSleepFields};

constexpr std::array kProbeFields = std::to_array<FieldSpec>({
    {.name = "exec", .type = FieldType::kObject, .object = &kExecActionSpec},
    {.name = "httpGet", .type = FieldType::kObject, .object = &kHttpGetSpec},
    {.name = "tcpSocket", .type = FieldType::kObject, .object = &kTcpSocketSpec},
    {.name = "grpc", .type = FieldType::kObject, .object = &kGrpcSpec},
    {.name = "initialDelaySeconds", .type = FieldType::kInteger, .min = 0},
    {.name = "timeoutSeconds", .type = FieldType::kInteger, .min = 0},
    {.name = "periodSeconds", .type = FieldType::kInteger, .min = 0},
    {.name = "successThreshold", .type = FieldType::kInteger, .min = 0},
    {.name = "failureThreshold", .type = FieldType::kInteger, .min = 0},
    {.name = "terminationGracePeriodSeconds", .type = FieldType::kInteger, .min = 0},
});

}  // namespace

const ObjectSpec kProbeSpec = {.name = "Probe", .fields = kProbeFields};

namespace {

constexpr std::array kHandlerFields = std::to_array<FieldSpec>({
    {.name = "exec", .type = FieldType::kObject, .object = &kExecActionSpec},
    {.name = "httpGet", .type = FieldType::kObject, .object = &kHttpGetSpec},
    {.name = "tcpSocket", .type = FieldType::kObject, .object = &kTcpSocketSpec},
    {.name = "sleep", .type = FieldType::kObject, .object = &kSleepSpec},
});
constexpr ObjectSpec kHandlerSpec = {.name = "LifecycleHandler", .fields = kHandlerFields};

// Handlers of a preStop hook. The kubelet accepts tcpSocket but fails to run it.
constexpr std::array kPreStopFields = std::to_array<FieldSpec>({
    {.name = "exec", .type = FieldType::kObject, .object = &kExecActionSpec},
    {.name = "httpGet", .type = FieldType::kObject, .object = &kHttpGetSpec},
    {.name = "tcpSocket", .type = FieldType::kObject, .use = FieldUse::kInactive, .object = &kTcpSocketSpec},
    {.name = "sleep", .type = FieldType::kObject, .object = &kSleepSpec},
});
constexpr ObjectSpec kPreStopSpec = {.name = "PreStopHandler", .fields = kPreStopFields};

constexpr std::array kLifecycleFields = std::to_array<FieldSpec>({
    {.name = "postStart", .type = FieldType::kObject, .use = FieldUse::kInactive, .object = &kHandlerSpec},
    {.name = "preStop",
     .type = FieldType::kObject,
     .object = &kPreStopSpec,
     .doc = "Done before the stop signal, within the grace period"},
    {.name = "stopSignal", .type = FieldType::kString, .use = FieldUse::kInactive},
});

}  // namespace

const ObjectSpec kLifecycleSpec = {.name = "Lifecycle", .fields = kLifecycleFields};

namespace {

constexpr std::array kProtocols = std::to_array<std::string_view>({"TCP", "UDP", "SCTP"});

constexpr std::array kPortFields = std::to_array<FieldSpec>({
    {.name = "containerPort", .type = FieldType::kInteger, .required = true, .min = 1, .max = kPort},
    {.name = "hostPort", .type = FieldType::kInteger, .min = 0, .max = kPort},
    {.name = "name", .type = FieldType::kString},
    {.name = "protocol", .type = FieldType::kString, .values = kProtocols},
    {.name = "hostIP", .type = FieldType::kString},
});

}  // namespace

const std::span<const std::string_view> kProtocolNames = kProtocols;
const ObjectSpec kPortSpec = {.name = "ContainerPort", .fields = kPortFields};

namespace {

constexpr std::array kHostAliasFields = std::to_array<FieldSpec>({
    {.name = "ip", .type = FieldType::kString, .required = true},
    {.name = "hostnames", .type = FieldType::kStringList},
});

}  // namespace

const ObjectSpec kHostAliasSpec = {.name = "HostAlias", .fields = kHostAliasFields};

namespace {

constexpr std::array kDnsOptionFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString},
    {.name = "value", .type = FieldType::kString},
});
constexpr ObjectSpec kDnsOptionSpec = {.name = "PodDNSConfigOption", .fields = kDnsOptionFields};

constexpr std::array kDnsConfigFields = std::to_array<FieldSpec>({
    {.name = "nameservers", .type = FieldType::kStringList},
    {.name = "searches", .type = FieldType::kStringList},
    {.name = "options", .type = FieldType::kObjectList, .object = &kDnsOptionSpec},
});

}  // namespace

const ObjectSpec kDnsConfigSpec = {.name = "PodDNSConfig", .fields = kDnsConfigFields};

namespace {

constexpr std::array kReferenceFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString},
});

}  // namespace

const ObjectSpec kReferenceSpec = {.name = "LocalObjectReference", .fields = kReferenceFields};

namespace {

constexpr std::array kProfiles = std::to_array<std::string_view>({"RuntimeDefault", "Unconfined", "Localhost"});

constexpr std::array kDefaultProfile = std::to_array<std::string_view>({"RuntimeDefault"});

constexpr std::array kSeccompFields = std::to_array<FieldSpec>({
    {.name = "type",
     .type = FieldType::kString,
     .required = true,
     .values = kProfiles,
     .identity_by_text = true,
     .harmless = kDefaultProfile},
    {.name = "localhostProfile", .type = FieldType::kString},
});

constexpr std::array kAppArmorFields = std::to_array<FieldSpec>({
    {.name = "type", .type = FieldType::kString, .required = true, .values = kProfiles},
    {.name = "localhostProfile", .type = FieldType::kString},
});

}  // namespace

const ObjectSpec kAppArmorSpec = {.name = "AppArmorProfile", .fields = kAppArmorFields};

const ObjectSpec kSeccompSpec = {.name = "SeccompProfile", .fields = kSeccompFields};

namespace {

constexpr std::array kSeLinuxFields = std::to_array<FieldSpec>({
    {.name = "user", .type = FieldType::kString},
    {.name = "role", .type = FieldType::kString},
    {.name = "type", .type = FieldType::kString},
    {.name = "level", .type = FieldType::kString},
});

}  // namespace

const ObjectSpec kSeLinuxSpec = {.name = "SELinuxOptions", .fields = kSeLinuxFields};

namespace {

constexpr std::array kSysctlFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "value", .type = FieldType::kString, .required = true},
});

}  // namespace

const ObjectSpec kSysctlSpec = {.name = "Sysctl", .fields = kSysctlFields};

}  // namespace mete::config
