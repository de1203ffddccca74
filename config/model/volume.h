// SPDX-License-Identifier: Apache-2.0
// The volumes of a Pod, and the references to fields of a Pod that volumes share with environments. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/base/location.h"
#include "config/base/units.h"
#include "config/model/policy.h"

namespace mete::config {

// One key of a ConfigMap or Secret as a file in a volume.
struct KeyToPath {
  std::string key;
  std::string path;                   // relative to the mount, without ".."
  std::optional<std::uint32_t> mode;  // permission bits; empty = the volume's default
  bool operator==(const KeyToPath&) const = default;
};

enum class HostPathType {
  kUnchecked,          // "": mounted without a check
  kDirectoryOrCreate,  // made with 0755 when missing
  kDirectory,
  kFileOrCreate,  // made with 0644 when missing
  kFile,
  kSocket,
  kCharDevice,
  kBlockDevice,
};

struct HostPathVolume {
  std::string path;  // absolute, without ".."
  HostPathType type = HostPathType::kUnchecked;
  bool operator==(const HostPathVolume&) const = default;
};

struct EmptyDirVolume {
  bool memory = false;                // medium: Memory, that is a tmpfs that is charged to the container's memory
  std::optional<Bytes> size_limit;    // empty: no limit
  std::string huge_pages;             // medium: HugePages; the size of its pages, "2Mi"; empty: another medium
  std::optional<std::uint32_t> mode;  // permission bits with set-id and sticky bit; empty: 0777
  bool operator==(const EmptyDirVolume&) const = default;
};

inline constexpr std::uint32_t kDefaultFileMode = 0644;

struct ConfigMapVolume {
  std::string name;
  std::vector<KeyToPath> items;  // empty = every key under its own name
  bool optional = false;
  std::uint32_t default_mode = kDefaultFileMode;
  bool operator==(const ConfigMapVolume&) const = default;
};

struct SecretVolume {
  std::string name;
  std::vector<KeyToPath> items;
  bool optional = false;
  std::uint32_t default_mode = kDefaultFileMode;
  bool operator==(const SecretVolume&) const = default;
};

// A field of the pod: metadata.name, metadata.namespace, metadata.uid, metadata.labels['x'], metadata.annotations['x'];
// in an environment also spec.nodeName, spec.serviceAccountName, status.hostIP(s) and status.podIP(s).
struct FieldRef {
  std::string path;
  bool operator==(const FieldRef&) const = default;
};

// A request or limit of a container as a number: amount / divisor, rounded up.
struct ResourceFieldRef {
  std::string container;     // empty: the container whose environment it is
  std::string resource;      // limits.cpu, requests.memory, limits.hugepages-2Mi, ...
  std::int64_t divisor = 1;  // of CPU in thousandths of a core, of all others in bytes
  bool operator==(const ResourceFieldRef&) const = default;
};

// A file of a downwardAPI volume.
struct DownwardFile {
  std::string path;  // relative, without ".."
  std::variant<FieldRef, ResourceFieldRef> source;
  std::optional<std::uint32_t> mode;  // empty: the volume's default
  bool operator==(const DownwardFile&) const = default;
};

struct DownwardVolume {
  std::vector<DownwardFile> items;
  std::uint32_t default_mode = kDefaultFileMode;
  bool operator==(const DownwardVolume&) const = default;
};

// The certificates of ClusterTrustBundles as one file: of the one of this name, or of all of a signer whose labels fit.
struct TrustBundleSource {
  std::string name;    // empty: by signer
  std::string signer;  // empty: by name
  // Of a signer; empty: fits none. A selector without a label fits all, as in Kubernetes.
  std::optional<Selector> labels;
  bool optional = false;  // without a bundle the file is empty
  std::string path;       // relative, without ".."
  bool operator==(const TrustBundleSource&) const = default;
};

// Several sources in one directory. A later source replaces a file of an earlier one.
struct ProjectedVolume {
  std::vector<std::variant<ConfigMapVolume, SecretVolume, DownwardVolume, TrustBundleSource>> sources;
  std::uint32_t default_mode = kDefaultFileMode;
  bool operator==(const ProjectedVolume&) const = default;
};

// A directory on this machine that has the claim's name and outlives the pod.
struct ClaimVolume {
  std::string claim;
  bool read_only = false;
  bool operator==(const ClaimVolume&) const = default;
};

// When a registry is asked for an image: before each start; when the store does not have it (also where the manifest
// says nothing, whatever the tag: a name that was imported is asked of nobody); never.
enum class PullPolicy { kAlways, kIfNotPresent, kNever };

// What an image of the store holds, read-only.
struct ImageVolume {
  std::string reference;
  PullPolicy pull_policy = PullPolicy::kIfNotPresent;
  bool operator==(const ImageVolume&) const = default;
};

// A claim of the pod's own (`ephemeral`): a directory on this machine that is made with the pod and goes with it.
struct EphemeralVolume {
  bool operator==(const EphemeralVolume&) const = default;
};

// A directory of an NFS server.
struct NfsVolume {
  std::string server;  // name or address
  std::string path;    // absolute, of the server
  bool read_only = false;
  bool operator==(const NfsVolume&) const = default;
};

// A disk of a cloud that is attached to this machine, under the name that udev gives it. It is never formatted.
struct DiskVolume {
  std::string kind;  // the field of the manifest: "gcePersistentDisk"
  std::string link;  // in the folder of disks by their ids (MachineDevices): "google-data-part1"
  std::string file_system = "ext4";
  bool read_only = false;
  bool operator==(const DiskVolume&) const = default;
};

using VolumeSource = std::variant<EmptyDirVolume, HostPathVolume, ConfigMapVolume, SecretVolume, DownwardVolume,
                                  ProjectedVolume, ClaimVolume, ImageVolume, EphemeralVolume, NfsVolume, DiskVolume>;

struct Volume {
  std::string name;
  VolumeSource source;
  Location location;
  bool operator==(const Volume&) const = default;
};

}  // namespace mete::config
