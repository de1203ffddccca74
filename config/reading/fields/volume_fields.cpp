// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/reading/fields.h"
#include "config/reading/fields/workload_fields.h"

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

constexpr std::array kTrustProjectionFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .doc = "Of one bundle; not with signerName"},
    {.name = "signerName", .type = FieldType::kString, .doc = "Of all bundles of the signer that labelSelector fits"},
    {.name = "labelSelector",
     .type = FieldType::kObject,
     .object = &kOwnedSelectorSpec,
     .doc = "With signerName; not set: fits none, empty: fits all"},
    {.name = "optional", .type = FieldType::kBool, .doc = "Without a bundle the file is empty"},
    {.name = "path", .type = FieldType::kString, .required = true},
});
constexpr ObjectSpec kTrustProjectionSpec = {.name = "ClusterTrustBundleProjection", .fields = kTrustProjectionFields};

constexpr std::array kProjectionFields = std::to_array<FieldSpec>({
    {.name = "configMap", .type = FieldType::kObject, .object = &kKeyProjectionSpec},
    {.name = "secret", .type = FieldType::kObject, .object = &kKeyProjectionSpec},
    {.name = "downwardAPI", .type = FieldType::kObject, .object = &kDownwardVolumeSpec},
    {.name = "serviceAccountToken",
     .type = FieldType::kObject,
     .object = &kTokenSpec,
     .doc = "Left out with a warning: there is no API server to give one"},
    {.name = "clusterTrustBundle",
     .type = FieldType::kObject,
     .object = &kTrustProjectionSpec,
     .doc = "The certificates of ClusterTrustBundles of the manifests"},
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

constexpr std::array kNfsFields = std::to_array<FieldSpec>({
    {.name = "server", .type = FieldType::kString, .required = true, .doc = "Name or address"},
    {.name = "path", .type = FieldType::kString, .required = true, .doc = "Absolute path that the server exports"},
    {.name = "readOnly", .type = FieldType::kBool},
});
constexpr ObjectSpec kNfsSpec = {.name = "NFSVolumeSource", .fields = kNfsFields};

constexpr std::int64_t kMostPartition = 255;

constexpr std::array kGceDiskFields = std::to_array<FieldSpec>({
    {.name = "pdName", .type = FieldType::kString, .required = true, .doc = "The disk's name"},
    {.name = "fsType", .type = FieldType::kString, .doc = "ext4 when not said; the disk is never formatted"},
    {.name = "partition", .type = FieldType::kInteger, .min = 0, .max = kMostPartition, .doc = "0: the whole disk"},
    {.name = "readOnly", .type = FieldType::kBool},
});
constexpr ObjectSpec kGceDiskSpec = {.name = "GCEPersistentDiskVolumeSource", .fields = kGceDiskFields};

constexpr std::array kAwsDiskFields = std::to_array<FieldSpec>({
    {.name = "volumeID", .type = FieldType::kString, .required = true, .doc = "vol-..., or aws://ZONE/vol-..."},
    {.name = "fsType", .type = FieldType::kString, .doc = "ext4 when not said; the disk is never formatted"},
    {.name = "partition", .type = FieldType::kInteger, .min = 0, .max = kMostPartition, .doc = "0: the whole disk"},
    {.name = "readOnly", .type = FieldType::kBool},
});
constexpr ObjectSpec kAwsDiskSpec = {.name = "AWSElasticBlockStoreVolumeSource", .fields = kAwsDiskFields};

constexpr std::array kVolumeFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "hostPath", .type = FieldType::kObject, .object = &kHostPathSpec},
    {.name = "emptyDir", .type = FieldType::kObject, .object = &kEmptyDirSpec},
    {.name = "configMap", .type = FieldType::kObject, .object = &kConfigMapVolumeSpec},
    {.name = "secret", .type = FieldType::kObject, .object = &kSecretVolumeSpec},
    {.name = "awsElasticBlockStore",
     .type = FieldType::kObject,
     .object = &kAwsDiskSpec,
     .doc = "A disk that is attached to this machine; the pod waits for it",
     .identity_by_text = true},
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
    {.name = "gcePersistentDisk",
     .type = FieldType::kObject,
     .object = &kGceDiskSpec,
     .doc = "A disk that is attached to this machine; the pod waits for it",
     .identity_by_text = true},
    {.name = "gitRepo"},
    {.name = "glusterfs"},
    {.name = "image", .type = FieldType::kObject, .object = &kImageVolumeSpec, .doc = "What an image holds, read-only"},
    {.name = "iscsi"},
    {.name = "nfs",
     .type = FieldType::kObject,
     .object = &kNfsSpec,
     .doc = "A directory of an NFS server, version 4",
     .identity_by_text = true},
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
