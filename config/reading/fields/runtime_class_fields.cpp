// SPDX-License-Identifier: Apache-2.0
// Table of RuntimeClass.
#include <array>

#include "config/reading/fields.h"

namespace mete::config {
namespace {

constexpr std::array kNodeVersion = std::to_array<std::string_view>({"node.k8s.io/v1"});
constexpr std::array kRuntimeClassKind = std::to_array<std::string_view>({"RuntimeClass"});

constexpr std::array kRuntimeClassFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true, .values = kNodeVersion},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kRuntimeClassKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "handler",
     .type = FieldType::kString,
     .required = true,
     .doc = "mete, or another OCI runtime of this machine (runtimes in agent.yaml)"},
    {.name = "overhead", .use = FieldUse::kNoMeaning},
    {.name = "scheduling", .use = FieldUse::kNoMeaning},
});

}  // namespace

const ObjectSpec kRuntimeClassSpec = {.name = "RuntimeClass", .fields = kRuntimeClassFields};

}  // namespace mete::config
