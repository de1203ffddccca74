// SPDX-License-Identifier: Apache-2.0
// Table of Service.
#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"
#include "config/reading/service_reader.h"

namespace mete::config {
namespace {

constexpr std::int64_t kHighestPort = 65535;
constexpr std::array kCoreVersion = std::to_array<std::string_view>({"v1"});
constexpr std::array kServiceKind = std::to_array<std::string_view>({"Service"});
constexpr std::array kTypes =
    std::to_array<std::string_view>({"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"});
constexpr std::array kAffinities = std::to_array<std::string_view>({"None", "ClientIP"});
constexpr std::array kProtocols = std::to_array<std::string_view>({"TCP", "UDP", "SCTP"});
constexpr std::array kFamilyPolicies =
    std::to_array<std::string_view>({"SingleStack", "PreferDualStack", "RequireDualStack"});

constexpr std::array kServicePortFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .doc = "Required where there are several"},
    {.name = "protocol", .type = FieldType::kString, .values = kProtocols},
    {.name = "port", .type = FieldType::kInteger, .required = true, .min = 1, .max = kHighestPort},
    {.name = "targetPort",
     .type = FieldType::kIntegerOrString,
     .doc = "Of the pods: a number, or the name of a container's port; `port` where none is set"},
    {.name = "nodePort", .type = FieldType::kInteger, .min = 0, .max = kHighestPort, .doc = "Of this machine"},
    {.name = "appProtocol", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
});
constexpr ObjectSpec kServicePortSpec = {.name = "ServicePort", .fields = kServicePortFields};

constexpr std::array kServiceBodyFields = std::to_array<FieldSpec>({
    {.name = "type", .type = FieldType::kString, .values = kTypes, .doc = "LoadBalancer: as NodePort"},
    {.name = "clusterIP", .type = FieldType::kString, .doc = "An address of the range of Services; None: headless"},
    {.name = "clusterIPs", .type = FieldType::kStringList, .doc = "One of each kind; the first is clusterIP"},
    {.name = "selector", .type = FieldType::kStringMap, .doc = "Labels of the pods behind it"},
    {.name = "ports", .type = FieldType::kObjectList, .object = &kServicePortSpec},
    {.name = "sessionAffinity",
     .type = FieldType::kString,
     .values = kAffinities,
     .doc = "ClientIP: a client stays with its pod while that is ready"},
    {.name = "sessionAffinityConfig", .use = FieldUse::kNoMeaning},
    {.name = "publishNotReadyAddresses", .type = FieldType::kBool},
    {.name = "externalName", .type = FieldType::kString, .doc = "Of type ExternalName: the name that it stands for"},
    {.name = "externalIPs",
     .type = FieldType::kStringList,
     .use = FieldUse::kRefused,
     .doc = "the machine's own addresses lead to a Service by type NodePort"},
    {.name = "loadBalancerIP", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "loadBalancerClass", .type = FieldType::kString, .use = FieldUse::kInactive},
    {.name = "loadBalancerSourceRanges",
     .type = FieldType::kStringList,
     .use = FieldUse::kRefused,
     .doc = "who may reach a pod is said by a NetworkPolicy with ipBlock"},
    {.name = "allocateLoadBalancerNodePorts", .type = FieldType::kBool, .use = FieldUse::kNoMeaning},
    {.name = "healthCheckNodePort", .type = FieldType::kInteger, .use = FieldUse::kNoMeaning},
    {.name = "externalTrafficPolicy", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
    {.name = "internalTrafficPolicy", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
    {.name = "trafficDistribution", .type = FieldType::kString, .use = FieldUse::kNoMeaning},
    {.name = "ipFamilies", .type = FieldType::kStringList, .doc = "IPv4, IPv6 or both, the first one first"},
    {.name = "ipFamilyPolicy",
     .type = FieldType::kString,
     .values = kFamilyPolicies,
     .doc = "IPv6 needs network.services6 in agent.yaml"},
});
constexpr ObjectSpec kServiceBodySpec = {.name = "ServiceSpec", .fields = kServiceBodyFields};

constexpr std::array kServiceFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kCoreVersion},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kServiceKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "spec", .type = FieldType::kObject, .required = true, .object = &kServiceBodySpec},
    {.name = "status", .use = FieldUse::kIgnored},
});

}  // namespace

const ObjectSpec kServiceSpec = {.name = "Service", .fields = kServiceFields};

}  // namespace mete::config
