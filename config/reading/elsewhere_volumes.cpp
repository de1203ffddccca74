// SPDX-License-Identifier: Apache-2.0
#include "config/reading/elsewhere_volumes.h"

#include <algorithm>
#include <array>
#include <string>

#include "config/model/diagnostics.h"
#include "config/reading/readers.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

NfsVolume read_nfs(const View& view) {
  NfsVolume volume{view["server"].text(), view["path"].text(), view["readOnly"].boolean()};
  const View server = view["server"];
  const auto is_plain = [](char c) { return c > ' ' && c < 0x7F && c != ',' && c != '/'; };
  if (server && (volume.server.empty() || !std::all_of(volume.server.begin(), volume.server.end(), is_plain)))
    server.error(mismatch(describe(server.node()), "the name or the address of a server"));
  if (view["path"]) view["path"].check(check_absolute_path(volume.path));
  return volume;
}

// A name that udev makes a link of.
void check_link_name(const View& view, const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (view && (name.empty() || name.size() > 200 || !std::all_of(name.begin(), name.end(), fits)))
    view.error(mismatch(describe(view.node()), "the name of a disk: letters, digits, '-', '_' and '.'"));
}

// How udev calls a partition of it.
std::string partition_suffix(const View& view) {
  const auto number = view["partition"].integer().value_or(0);
  return number > 0 ? "-part" + std::to_string(number) : std::string();
}

DiskVolume read_disk(std::string_view kind, std::string link, const View& view) {
  DiskVolume disk{.kind = std::string(kind), .link = std::move(link), .read_only = view["readOnly"].boolean()};
  disk.link += partition_suffix(view);
  const View type = view["fsType"];
  if (!type.text().empty()) disk.file_system = type.text();
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (!std::all_of(disk.file_system.begin(), disk.file_system.end(), fits))
    type.error(mismatch(describe(type.node()), "a file system of the kernel such as ext4 or xfs"));
  return disk;
}

// Rules of google-compute-engine's and amazon-ec2-utils' udev files.
DiskVolume read_gce_disk(const View& view) {
  const std::string name = view["pdName"].text();
  check_link_name(view["pdName"], name);
  return read_disk("gcePersistentDisk", "google-" + name, view);
}

DiskVolume read_aws_disk(const View& view) {
  const View id = view["volumeID"];
  std::string name = id.text();
  name.erase(0, name.rfind('/') + 1);  // of aws://us-east-1a/vol-1234
  check_link_name(id, name);  // any name, as in Kubernetes: a disk with another one than vol-... is waited for in vain
  std::erase(name, '-');
  return read_disk("awsElasticBlockStore", "nvme-Amazon_Elastic_Block_Store_" + name, view);
}

struct Refusal {
  std::string_view kind;
  std::string_view lacks;
  std::string_view instead;
};
constexpr std::string_view kHostPath = "hostPath of a folder in which this machine has mounted it";
constexpr std::string_view kGone = "it is gone from Kubernetes, too";
constexpr auto kRefusals = std::to_array<Refusal>({
    {"azureDisk", "the name that the disk has on this machine does not follow from the manifest", kHostPath},
    {"azureFile", "mete mounts no SMB shares", kHostPath},
    {"cephfs", "mete mounts no CephFS, which needs the cluster's monitors and keys", kHostPath},
    {"cinder", "the name that the disk has on this machine does not follow from the manifest", kHostPath},
    {"csi", "mete runs no CSI driver",
     "persistentVolumeClaim or ephemeral, which are folders of this machine, or hostPath"},
    {"fc", "mete attaches no Fibre Channel disks", kHostPath},
    {"flexVolume", "mete runs no driver of it",
     "hostPath, or persistentVolumeClaim, which is a folder of this machine"},
    {"flocker", kGone, "persistentVolumeClaim, which is a folder of this machine"},
    {"gitRepo", "the kubelet has it switched off, as it lets a repository run programs as root",
     "emptyDir, which an init container fills with `git clone`"},
    {"glusterfs", kGone, kHostPath},
    {"iscsi", "mete logs in to no iSCSI target", kHostPath},
    {"photonPersistentDisk", kGone, "persistentVolumeClaim, which is a folder of this machine"},
    {"portworxVolume", "mete has no Portworx cluster", "persistentVolumeClaim, which is a folder of this machine"},
    {"quobyte", kGone, kHostPath},
    {"rbd", "mete maps no RBD images, which need the cluster's monitors and keys", kHostPath},
    {"scaleIO", kGone, "persistentVolumeClaim, which is a folder of this machine"},
    {"storageos", kGone, "persistentVolumeClaim, which is a folder of this machine"},
    {"vsphereVolume", "the name that the disk has on this machine does not follow from the manifest", kHostPath},
});

}  // namespace

std::optional<VolumeSource> read_elsewhere_volume(std::string_view kind, const View& source) {
  if (kind == "nfs") return read_nfs(source);
  if (kind == "gcePersistentDisk") return read_gce_disk(source);
  if (kind == "awsElasticBlockStore") return read_aws_disk(source);
  return std::nullopt;
}

void refuse_volume(std::string_view kind, const View& source) {
  const auto* const refusal =
      std::find_if(kRefusals.begin(), kRefusals.end(), [&](const Refusal& each) { return each.kind == kind; });
  if (refusal == kRefusals.end()) return;  // an unknown name, which the shape check has reported
  source.error(mismatch("a `" + std::string(kind) + "` volume, and " + std::string(refusal->lacks),
                        std::string(refusal->instead)));
}

}  // namespace mete::config
