// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/reading/fields.h"

namespace mete::config {
namespace {

// In the order of HostPathType.
constexpr std::array kHostPathTypes = std::to_array<std::string_view>(
    {"", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"});
constexpr std::int64_t kMostModeBits = 01777;  // set-group-id and sticky bit with the permission bits

}  // namespace

const std::span<const std::string_view> kHostPathTypeNames = kHostPathTypes;

namespace {

constexpr std::array kKeyToPathFields = std::to_array<FieldSpec>({
    {.name = "key", .type = FieldType::kString, .required = true},
    {.name = "path", .type = FieldType::kString, .required = true},
    {.name = "mode", .type = FieldType::kInteger, .min = 0, .max = 511, .doc = "Permission bits"},
});
constexpr ObjectSpec kKeyToPathSpec = {.name = "KeyToPath", .fields = kKeyToPathFields};

constexpr std::array kHostPathFields = std::to_array<FieldSpec>({
    {.name = "path", .type = FieldType::kString, .required = true, .doc = "Absolute path on this machine"},
    {.name = "type", .type = FieldType::kString, .values = kHostPathTypes},
});
constexpr ObjectSpec kHostPathSpec = {.name = "HostPathVolumeSource", .fields = kHostPathFields};

constexpr std::array kEmptyDirFields = std::to_array<FieldSpec>({
    {.name = "medium",
     .type = FieldType::kString,
     .doc = "Memory = tmpfs; HugePages or HugePages-SIZE = hugetlbfs, with the limit hugepages-SIZE of a container"},
    {.name = "sizeLimit", .type = FieldType::kBytes},
    {.name = "mode", .type = FieldType::kInteger, .min = 0, .max = kMostModeBits, .doc = "0777 when not said"},
});
constexpr ObjectSpec kEmptyDirSpec = {.name = "EmptyDirVolumeSource", .fields = kEmptyDirFields};

constexpr std::array kConfigMapVolumeFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "items", .type = FieldType::kObjectList, .object = &kKeyToPathSpec},
    {.name = "optional", .type = FieldType::kBool},
    {.name = "defaultMode", .type = FieldType::kInteger, .min = 0, .max = 511},
});
constexpr ObjectSpec kConfigMapVolumeSpec = {.name = "ConfigMapVolumeSource", .fields = kConfigMapVolumeFields};

constexpr std::array kSecretVolumeFields = std::to_array<FieldSpec>({
    {.name = "secretName", .type = FieldType::kString, .required = true},
    {.name = "items", .type = FieldType::kObjectList, .object = &kKeyToPathSpec},
    {.name = "optional", .type = FieldType::kBool},
    {.name = "defaultMode", .type = FieldType::kInteger, .min = 0, .max = 511},
});
constexpr ObjectSpec kSecretVolumeSpec = {.name = "SecretVolumeSource", .fields = kSecretVolumeFields};

constexpr std::array kDownwardFileFields = std::to_array<FieldSpec>({
    {.name = "path", .type = FieldType::kString, .required = true},
    {.name = "fieldRef", .type = FieldType::kObject, .object = &kFieldRefSpec},
    {.name = "resourceFieldRef", .type = FieldType::kObject, .object = &kResourceRefSpec},
    {.name = "mode", .type = FieldType::kInteger, .min = 0, .max = 511},
});
constexpr ObjectSpec kDownwardFileSpec = {.name = "DownwardAPIVolumeFile", .fields = kDownwardFileFields};

constexpr std::array kDownwardVolumeFields = std::to_array<FieldSpec>({
    {.name = "items", .type = FieldType::kObjectList, .object = &kDownwardFileSpec},
    {.name = "defaultMode", .type = FieldType::kInteger, .min = 0, .max = 511},
});
constexpr ObjectSpec kDownwardVolumeSpec = {.name = "DownwardAPIVolumeSource", .fields = kDownwardVolumeFields};

constexpr std::array kKeyProjectionFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "items", .type = FieldType::kObjectList, .object = &kKeyToPathSpec},
    {.name = "optional", .type = FieldType::kBool},
});
constexpr ObjectSpec kKeyProjectionSpec = {.name = "KeyProjection", .fields = kKeyProjectionFields};

constexpr std::array kTokenFields = std::to_array<FieldSpec>({
    {.name = "audience", .type = FieldType::kString},
    {.name = "expirationSeconds", .type = FieldType::kInteger},
    {.name = "path", .type = FieldType::kString, .required = true},
});
constexpr ObjectSpec kTokenSpec = {.name = "ServiceAccountTokenProjection", .fields = kTokenFields};

constexpr std::array kProjectionFields = std::to_array<FieldSpec>({
    {.name = "configMap", .type = FieldType::kObject, .object = &kKeyProjectionSpec},
    {.name = "secret", .type = FieldType::kObject, .object = &kKeyProjectionSpec},
    {.name = "downwardAPI", .type = FieldType::kObject, .object = &kDownwardVolumeSpec},
    {.name = "serviceAccountToken",
     .type = FieldType::kObject,
     .object = &kTokenSpec,
     .doc = "Left out with a warning: there is no API server to give one"},
    {.name = "clusterTrustBundle",
     .use = FieldUse::kRefused,
     .doc = "there is no cluster that publishes certificates; a ConfigMap can hold them"},
    {.name = "podCertificate",
     .use = FieldUse::kRefused,
     .doc = "there is no cluster that signs for a Pod; a Secret can hold a key and its certificate"},
});
constexpr ObjectSpec kProjectionSpec = {.name = "VolumeProjection", .fields = kProjectionFields};

constexpr std::array kProjectedFields = std::to_array<FieldSpec>({
    {.name = "sources", .type = FieldType::kObjectList, .object = &kProjectionSpec},
    {.name = "defaultMode", .type = FieldType::kInteger, .min = 0, .max = 511},
});
constexpr ObjectSpec kProjectedSpec = {.name = "ProjectedVolumeSource", .fields = kProjectedFields};

constexpr std::array kClaimFields = std::to_array<FieldSpec>({
    {.name = "claimName", .type = FieldType::kString, .required = true},
    {.name = "readOnly", .type = FieldType::kBool},
});
constexpr ObjectSpec kClaimSpec = {.name = "PersistentVolumeClaimVolumeSource", .fields = kClaimFields};

constexpr std::array kImagePolicies = std::to_array<std::string_view>({"Always", "IfNotPresent", "Never"});

constexpr std::array kImageVolumeFields = std::to_array<FieldSpec>({
    {.name = "reference", .type = FieldType::kString, .required = true, .doc = "An image's name"},
    {.name = "pullPolicy",
     .type = FieldType::kString,
     .values = kImagePolicies,
     .doc = "As imagePullPolicy of a container"},
});
constexpr ObjectSpec kImageVolumeSpec = {.name = "ImageVolumeSource", .fields = kImageVolumeFields};

constexpr std::array kOwnClaimFields = std::to_array<FieldSpec>({
    {.name = "metadata", .use = FieldUse::kNoMeaning},
    {.name = "spec", .use = FieldUse::kNoMeaning},
});
constexpr ObjectSpec kOwnClaimSpec = {.name = "PersistentVolumeClaimTemplate", .fields = kOwnClaimFields};

constexpr std::array kEphemeralFields = std::to_array<FieldSpec>({
    {.name = "volumeClaimTemplate", .type = FieldType::kObject, .required = true, .object = &kOwnClaimSpec},
});
constexpr ObjectSpec kEphemeralSpec = {.name = "EphemeralVolumeSource", .fields = kEphemeralFields};

constexpr std::array kVolumeFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "hostPath", .type = FieldType::kObject, .object = &kHostPathSpec},
    {.name = "emptyDir", .type = FieldType::kObject, .object = &kEmptyDirSpec},
    {.name = "configMap", .type = FieldType::kObject, .object = &kConfigMapVolumeSpec},
    {.name = "secret", .type = FieldType::kObject, .object = &kSecretVolumeSpec},
    {.name = "awsElasticBlockStore"},
    {.name = "azureDisk"},
    {.name = "azureFile"},
    {.name = "cephfs"},
    {.name = "cinder"},
    {.name = "csi"},
    {.name = "downwardAPI", .type = FieldType::kObject, .object = &kDownwardVolumeSpec},
    {.name = "ephemeral",
     .type = FieldType::kObject,
     .object = &kEphemeralSpec,
     .doc = "A directory of this machine that goes with the pod"},
    {.name = "fc"},
    {.name = "flexVolume"},
    {.name = "flocker"},
    {.name = "gcePersistentDisk"},
    {.name = "gitRepo"},
    {.name = "glusterfs"},
    {.name = "image", .type = FieldType::kObject, .object = &kImageVolumeSpec, .doc = "What an image holds, read-only"},
    {.name = "iscsi"},
    {.name = "nfs"},
    {.name = "persistentVolumeClaim",
     .type = FieldType::kObject,
     .object = &kClaimSpec,
     .doc = "A directory of this machine that outlives the pod"},
    {.name = "photonPersistentDisk"},
    {.name = "portworxVolume"},
    {.name = "projected", .type = FieldType::kObject, .object = &kProjectedSpec},
    {.name = "quobyte"},
    {.name = "rbd"},
    {.name = "scaleIO"},
    {.name = "storageos"},
    {.name = "vsphereVolume"},
});

}  // namespace

const ObjectSpec kVolumeSpec = {.name = "Volume", .fields = kVolumeFields};

}  // namespace mete::config
