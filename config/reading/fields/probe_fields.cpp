// SPDX-License-Identifier: Apache-2.0
// Objects of Kubernetes v1 that ask a container how it is, or go with its start and its end: probes, hooks, restart
// rules.
#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"

namespace mete::config {
namespace {

constexpr std::int64_t kMostPort = 65535;
constexpr std::int64_t kMostSeconds = 2147483647;  // int32, as Kubernetes has it

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
    {.name = "port", .type = FieldType::kInteger, .required = true, .min = 1, .max = kMostPort},
    {.name = "service", .type = FieldType::kString},
});
constexpr ObjectSpec kGrpcSpec = {.name = "GRPCAction", .fields = kGrpcFields};

constexpr std::array kSleepFields = std::to_array<FieldSpec>({
    {.name = "seconds", .type = FieldType::kInteger, .required = true, .min = 0, .max = kMostSeconds},
});
constexpr ObjectSpec kSleepSpec = {.name = "SleepAction", .fields = kSleepFields};

constexpr std::array kProbeFields = std::to_array<FieldSpec>({
    {.name = "exec", .type = FieldType::kObject, .object = &kExecActionSpec},
    {.name = "httpGet", .type = FieldType::kObject, .object = &kHttpGetSpec},
    {.name = "tcpSocket", .type = FieldType::kObject, .object = &kTcpSocketSpec},
    {.name = "grpc", .type = FieldType::kObject, .object = &kGrpcSpec},
    {.name = "initialDelaySeconds",
     .type = FieldType::kInteger,
     .min = 0,
     .max = kMostSeconds,
     .doc = "From the container's start to its first probe"},
    {.name = "timeoutSeconds", .type = FieldType::kInteger, .min = 0, .max = kMostSeconds, .doc = "1 when not said"},
    {.name = "periodSeconds", .type = FieldType::kInteger, .min = 0, .max = kMostSeconds, .doc = "10 when not said"},
    {.name = "successThreshold", .type = FieldType::kInteger, .min = 0, .max = kMostSeconds, .doc = "1 when not said"},
    {.name = "failureThreshold", .type = FieldType::kInteger, .min = 0, .max = kMostSeconds, .doc = "3 when not said"},
    {.name = "terminationGracePeriodSeconds",
     .type = FieldType::kInteger,
     .min = 1,
     .max = kMostSeconds,
     .doc = "Instead of the Pod's, for a container that fails the probe"},
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

constexpr std::array kLifecycleFields = std::to_array<FieldSpec>({
    {.name = "postStart",
     .type = FieldType::kObject,
     .object = &kHandlerSpec,
     .doc = "Done when the container has started; while it goes on, the container is neither probed nor ready, and "
            "those after it wait"},
    {.name = "preStop",
     .type = FieldType::kObject,
     .object = &kHandlerSpec,
     .doc = "Done before the stop signal, within the grace period"},
    {.name = "stopSignal", .type = FieldType::kString, .doc = "Instead of the image's", .identity_by_text = true},
});

}  // namespace

const ObjectSpec kLifecycleSpec = {.name = "Lifecycle", .fields = kLifecycleFields};

namespace {

constexpr std::array kRuleActions = std::to_array<std::string_view>({"Restart", "RestartAllContainers"});
constexpr std::array kCodeOperators = std::to_array<std::string_view>({"In", "NotIn"});

constexpr std::array kExitCodesFields = std::to_array<FieldSpec>({
    {.name = "operator", .type = FieldType::kString, .required = true, .values = kCodeOperators},
    {.name = "values", .type = FieldType::kIntegerList, .required = true, .min = 0, .max = kMostSeconds},
});
constexpr ObjectSpec kExitCodesSpec = {.name = "ContainerRestartRuleOnExitCodes", .fields = kExitCodesFields};

constexpr std::array kRestartRuleFields = std::to_array<FieldSpec>({
    {.name = "action", .type = FieldType::kString, .required = true, .values = kRuleActions},
    {.name = "exitCodes", .type = FieldType::kObject, .required = true, .object = &kExitCodesSpec},
});

}  // namespace

const ObjectSpec kRestartRuleSpec = {.name = "ContainerRestartRule", .fields = kRestartRuleFields};

}  // namespace mete::config
