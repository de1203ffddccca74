// SPDX-License-Identifier: Apache-2.0
// Objects of Kubernetes v1 beside containers and volumes: ports, DNS, profiles.
#include "config/reading/fields/known_fields.h"

#include <array>

#include "config/reading/fields.h"

namespace mete::config {
namespace {

constexpr std::int64_t kPort = 65535;

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

// In the order of SeccompProfile::Type.
constexpr std::array kProfiles = std::to_array<std::string_view>({"RuntimeDefault", "Unconfined", "Localhost"});

constexpr std::array kDefaultProfile = std::to_array<std::string_view>({"RuntimeDefault"});

constexpr std::array kSeccompFields = std::to_array<FieldSpec>({
    {.name = "type",
     .type = FieldType::kString,
     .required = true,
     .values = kProfiles,
     .identity_by_text = true,
     .harmless = kDefaultProfile},
    {.name = "localhostProfile",
     .type = FieldType::kString,
     .doc = "With type Localhost: a file of the agent's folder of profiles, STATE/seccomp",
     .identity_by_text = true},
});

constexpr std::array kAppArmorFields = std::to_array<FieldSpec>({
    {.name = "type",
     .type = FieldType::kString,
     .required = true,
     .values = kProfiles,
     .doc = "On a kernel without AppArmor a Pod that asks for one, RuntimeDefault too, is not started",
     .identity_by_text = true,
     .harmless = kDefaultProfile},
    {.name = "localhostProfile",
     .type = FieldType::kString,
     .doc = "With type Localhost: a profile that is loaded into the kernel",
     .identity_by_text = true},
});

}  // namespace

const std::span<const std::string_view> kProfileNames = kProfiles;

const ObjectSpec kAppArmorSpec = {.name = "AppArmorProfile", .fields = kAppArmorFields};

namespace {

constexpr std::array kResourcesFields = std::to_array<FieldSpec>({
    {.name = "limits", .type = FieldType::kResources},
    {.name = "requests", .type = FieldType::kResources},
    {.name = "claims",
     .use = FieldUse::kRefused,
     .doc = "devices of a cluster's driver; devices.allow of a Policy gives a container devices of this machine"},
});

}  // namespace

const ObjectSpec kResourcesSpec = {.name = "ResourceRequirements", .fields = kResourcesFields};

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
