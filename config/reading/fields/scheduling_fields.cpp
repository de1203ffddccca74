// SPDX-License-Identifier: Apache-2.0
// Objects of Kubernetes v1 that say on which machine of a cluster a Pod may run, and whether yet. Where it may run
// means nothing on one machine; that is checked so that a wrong manifest is found.
#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/known_fields.h"

namespace mete::config {
namespace {

constexpr std::array kTolerationOperators = std::to_array<std::string_view>({"", "Exists", "Equal", "Lt", "Gt"});
constexpr std::array kTaintEffects =
    std::to_array<std::string_view>({"", "NoSchedule", "PreferNoSchedule", "NoExecute"});

constexpr std::array kTolerationFields = std::to_array<FieldSpec>({
    {.name = "key", .type = FieldType::kString},
    {.name = "operator", .type = FieldType::kString, .values = kTolerationOperators},
    {.name = "value", .type = FieldType::kString},
    {.name = "effect", .type = FieldType::kString, .values = kTaintEffects},
    {.name = "tolerationSeconds", .type = FieldType::kInteger},
});

}  // namespace

const ObjectSpec kTolerationSpec = {.name = "Toleration", .fields = kTolerationFields};

namespace {

constexpr std::array kGateFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true, .doc = "Like a label's key; each once"},
});

}  // namespace

const ObjectSpec kGateSpec = {.name = "PodSchedulingGate", .fields = kGateFields};

namespace {

constexpr std::array kRequirementFields = std::to_array<FieldSpec>({
    {.name = "key", .type = FieldType::kString, .required = true},
    {.name = "operator", .type = FieldType::kString, .required = true},
    {.name = "values", .type = FieldType::kStringList},
});
constexpr ObjectSpec kRequirementSpec = {.name = "LabelSelectorRequirement", .fields = kRequirementFields};

constexpr std::array kLabelSelectorFields = std::to_array<FieldSpec>({
    {.name = "matchLabels", .type = FieldType::kStringMap},
    {.name = "matchExpressions", .type = FieldType::kObjectList, .object = &kRequirementSpec},
});
constexpr ObjectSpec kLabelSelectorSpec = {.name = "LabelSelector", .fields = kLabelSelectorFields};

constexpr std::array kNodeTermFields = std::to_array<FieldSpec>({
    {.name = "matchExpressions", .type = FieldType::kObjectList, .object = &kRequirementSpec},
    {.name = "matchFields", .type = FieldType::kObjectList, .object = &kRequirementSpec},
});
constexpr ObjectSpec kNodeTermSpec = {.name = "NodeSelectorTerm", .fields = kNodeTermFields};

constexpr std::array kNodeSelectorFields = std::to_array<FieldSpec>({
    {.name = "nodeSelectorTerms", .type = FieldType::kObjectList, .object = &kNodeTermSpec},
});
constexpr ObjectSpec kNodeSelectorSpec = {.name = "NodeSelector", .fields = kNodeSelectorFields};

constexpr std::array kPreferredNodeFields = std::to_array<FieldSpec>({
    {.name = "weight", .type = FieldType::kInteger},
    {.name = "preference", .type = FieldType::kObject, .object = &kNodeTermSpec},
});
constexpr ObjectSpec kPreferredNodeSpec = {.name = "PreferredSchedulingTerm", .fields = kPreferredNodeFields};

constexpr std::array kNodeAffinityFields = std::to_array<FieldSpec>({
    {.name = "requiredDuringSchedulingIgnoredDuringExecution",
     .type = FieldType::kObject,
     .object = &kNodeSelectorSpec},
    {.name = "preferredDuringSchedulingIgnoredDuringExecution",
     .type = FieldType::kObjectList,
     .object = &kPreferredNodeSpec},
});
constexpr ObjectSpec kNodeAffinitySpec = {.name = "NodeAffinity", .fields = kNodeAffinityFields};

constexpr std::array kPodTermFields = std::to_array<FieldSpec>({
    {.name = "labelSelector", .type = FieldType::kObject, .object = &kLabelSelectorSpec},
    {.name = "namespaceSelector", .type = FieldType::kObject, .object = &kLabelSelectorSpec},
    {.name = "namespaces", .type = FieldType::kStringList},
    {.name = "topologyKey", .type = FieldType::kString, .required = true},
    {.name = "matchLabelKeys", .type = FieldType::kStringList},
    {.name = "mismatchLabelKeys", .type = FieldType::kStringList},
});
constexpr ObjectSpec kPodTermSpec = {.name = "PodAffinityTerm", .fields = kPodTermFields};

constexpr std::array kWeightedPodTermFields = std::to_array<FieldSpec>({
    {.name = "weight", .type = FieldType::kInteger},
    {.name = "podAffinityTerm", .type = FieldType::kObject, .object = &kPodTermSpec},
});
constexpr ObjectSpec kWeightedPodTermSpec = {.name = "WeightedPodAffinityTerm", .fields = kWeightedPodTermFields};

constexpr std::array kPodAffinityFields = std::to_array<FieldSpec>({
    {.name = "requiredDuringSchedulingIgnoredDuringExecution", .type = FieldType::kObjectList, .object = &kPodTermSpec},
    {.name = "preferredDuringSchedulingIgnoredDuringExecution",
     .type = FieldType::kObjectList,
     .object = &kWeightedPodTermSpec},
});
constexpr ObjectSpec kPodAffinitySpec = {.name = "PodAffinity", .fields = kPodAffinityFields};

constexpr std::array kAffinityFields = std::to_array<FieldSpec>({
    {.name = "nodeAffinity", .type = FieldType::kObject, .object = &kNodeAffinitySpec},
    {.name = "podAffinity", .type = FieldType::kObject, .object = &kPodAffinitySpec},
    {.name = "podAntiAffinity", .type = FieldType::kObject, .object = &kPodAffinitySpec},
});

}  // namespace

const ObjectSpec kAffinitySpec = {.name = "Affinity", .fields = kAffinityFields};

namespace {

constexpr std::array kTopologySpreadFields = std::to_array<FieldSpec>({
    {.name = "maxSkew", .type = FieldType::kInteger},
    {.name = "topologyKey", .type = FieldType::kString},
    {.name = "whenUnsatisfiable", .type = FieldType::kString},
    {.name = "labelSelector", .type = FieldType::kObject, .object = &kLabelSelectorSpec},
    {.name = "minDomains", .type = FieldType::kInteger},
    {.name = "nodeAffinityPolicy", .type = FieldType::kString},
    {.name = "nodeTaintsPolicy", .type = FieldType::kString},
    {.name = "matchLabelKeys", .type = FieldType::kStringList},
});

}  // namespace

const ObjectSpec kTopologySpreadSpec = {.name = "TopologySpreadConstraint", .fields = kTopologySpreadFields};

}  // namespace mete::config
