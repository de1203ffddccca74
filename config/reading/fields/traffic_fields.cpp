// SPDX-License-Identifier: Apache-2.0
// Table of NetworkPolicy.
#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"
#include "config/reading/traffic_reader.h"

namespace mete::config {
namespace {

constexpr std::array kNetworkingVersion = std::to_array<std::string_view>({"networking.k8s.io/v1"});
constexpr std::array kTrafficKind = std::to_array<std::string_view>({"NetworkPolicy"});
constexpr std::array kTrafficProtocols = std::to_array<std::string_view>({"TCP", "UDP", "SCTP"});

constexpr std::array kTrafficSelectorFields = std::to_array<FieldSpec>({
    {.name = "matchLabels", .type = FieldType::kStringMap},
    {.name = "matchExpressions", .type = FieldType::kObjectList, .object = &kLabelExpressionSpec},
});
constexpr ObjectSpec kTrafficSelectorSpec = {.name = "TrafficSelector", .fields = kTrafficSelectorFields};

constexpr std::array kBlockFields = std::to_array<FieldSpec>({
    {.name = "cidr", .type = FieldType::kString, .required = true},
    {.name = "except", .type = FieldType::kStringList, .doc = "Parts of it"},
});
constexpr ObjectSpec kBlockSpec = {.name = "IPBlock", .fields = kBlockFields};

constexpr std::array kPeerFields = std::to_array<FieldSpec>({
    {.name = "podSelector", .type = FieldType::kObject, .object = &kTrafficSelectorSpec},
    {.name = "namespaceSelector",
     .type = FieldType::kObject,
     .object = &kTrafficSelectorSpec,
     .doc = "By the label kubernetes.io/metadata.name, which every namespace has"},
    {.name = "ipBlock", .type = FieldType::kObject, .object = &kBlockSpec},
});
constexpr ObjectSpec kPeerSpec = {.name = "NetworkPolicyPeer", .fields = kPeerFields};

constexpr std::array kTrafficPortFields = std::to_array<FieldSpec>({
    {.name = "protocol", .type = FieldType::kString, .values = kTrafficProtocols},
    {.name = "port", .type = FieldType::kIntegerOrString, .doc = "A number, or the name of a container's port"},
    {.name = "endPort", .type = FieldType::kInteger, .min = 1, .max = 65535, .doc = "The last one of a range"},
});
constexpr ObjectSpec kTrafficPortSpec = {.name = "NetworkPolicyPort", .fields = kTrafficPortFields};

constexpr std::array kIngressFields = std::to_array<FieldSpec>({
    {.name = "from", .type = FieldType::kObjectList, .object = &kPeerSpec},
    {.name = "ports", .type = FieldType::kObjectList, .object = &kTrafficPortSpec},
});
constexpr ObjectSpec kIngressSpec = {.name = "NetworkPolicyIngressRule", .fields = kIngressFields};

constexpr std::array kEgressFields = std::to_array<FieldSpec>({
    {.name = "to", .type = FieldType::kObjectList, .object = &kPeerSpec},
    {.name = "ports", .type = FieldType::kObjectList, .object = &kTrafficPortSpec},
});
constexpr ObjectSpec kEgressSpec = {.name = "NetworkPolicyEgressRule", .fields = kEgressFields};

constexpr std::array kTrafficBodyFields = std::to_array<FieldSpec>({
    {.name = "podSelector",
     .type = FieldType::kObject,
     .object = &kTrafficSelectorSpec,
     .doc = "Pods of its namespace; {}: all"},
    {.name = "policyTypes", .type = FieldType::kStringList, .doc = "Ingress, Egress; what it is about"},
    {.name = "ingress", .type = FieldType::kObjectList, .object = &kIngressSpec},
    {.name = "egress", .type = FieldType::kObjectList, .object = &kEgressSpec},
});
constexpr ObjectSpec kTrafficBodySpec = {.name = "NetworkPolicySpec", .fields = kTrafficBodyFields};

constexpr std::array kTrafficFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kNetworkingVersion},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kTrafficKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "spec", .type = FieldType::kObject, .required = true, .object = &kTrafficBodySpec},
    {.name = "status", .use = FieldUse::kIgnored},
});

}  // namespace

const ObjectSpec kTrafficPolicySpec = {.name = "NetworkPolicy", .fields = kTrafficFields};

}  // namespace mete::config
