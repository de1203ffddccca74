// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/volumes.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "runtime/file.h"
#include "runtime/storage/huge_pages.h"
#include "runtime/storage/volume_files.h"
#include "runtime/storage/volume_group.h"

namespace mete::runtime::storage {
namespace {

using config::HostPathType;

bool is_mounted_tmpfs(const std::string& path) {
  struct stat own {};
  struct stat parent {};
  struct statfs info {};
  if (::stat(path.c_str(), &own) != 0 || ::stat((path + "/..").c_str(), &parent) != 0) return false;
  return own.st_dev != parent.st_dev && ::statfs(path.c_str(), &info) == 0 && info.f_type == TMPFS_MAGIC;
}

Status make_tmpfs(const std::string& path, std::optional<Bytes> size, mode_t mode) {
  METE_CHECK(make_directories(path));
  if (is_mounted_tmpfs(path)) return {};
  char options[64];
  std::snprintf(options, sizeof options, "mode=%o%s", mode,
                size ? (",size=" + std::to_string(size->count())).c_str() : "");
  if (::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
    return fail_errno("mount tmpfs on " + path);
  return {};
}

const char* name_of(HostPathType type) {
  switch (type) {
    case HostPathType::kDirectory:
    case HostPathType::kDirectoryOrCreate:
      return "a directory";
    case HostPathType::kFile:
    case HostPathType::kFileOrCreate:
      return "a file";
    case HostPathType::kSocket:
      return "a socket";
    case HostPathType::kCharDevice:
      return "a character device";
    case HostPathType::kBlockDevice:
      return "a block device";
    case HostPathType::kUnchecked:
      break;
  }
  return "a path that exists";
}

bool is_of_type(mode_t mode, HostPathType type) {
  switch (type) {
    case HostPathType::kDirectory:
    case HostPathType::kDirectoryOrCreate:
      return S_ISDIR(mode);
    case HostPathType::kFile:
    case HostPathType::kFileOrCreate:
      return S_ISREG(mode);
    case HostPathType::kSocket:
      return S_ISSOCK(mode);
    case HostPathType::kCharDevice:
      return S_ISCHR(mode);
    case HostPathType::kBlockDevice:
      return S_ISBLK(mode);
    case HostPathType::kUnchecked:
      break;
  }
  return true;
}

Result<std::string> prepare(const config::HostPathVolume& volume) {
  struct stat info {};
  if (::stat(volume.path.c_str(), &info) != 0) {
    if (errno != ENOENT) return fail_errno("hostPath " + volume.path);
    if (volume.type == HostPathType::kDirectoryOrCreate || volume.type == HostPathType::kUnchecked) {
      // An empty type is not checked: docker and containerd make a missing source directory, too.
      METE_CHECK(make_directories(volume.path));
    } else if (volume.type == HostPathType::kFileOrCreate) {
      METE_TRY(const UniqueFd made, open_at(AT_FDCWD, volume.path, O_WRONLY | O_CREAT | O_EXCL, 0644));
    } else {
      return fail("hostPath " + volume.path + ": found nothing there, expected " + name_of(volume.type));
    }
    return volume.path;
  }
  if (!is_of_type(info.st_mode, volume.type))
    return fail("hostPath " + volume.path + ": found something else, expected " + name_of(volume.type));
  return volume.path;
}

constexpr mode_t kEverybody = 0777;

Result<std::string> prepare_on_disk(const std::string& name, const VolumeDirectories& directories,
                                    mode_t mode = kEverybody) {
  std::string path = directories.disk + "/" + name;
  METE_CHECK(make_directories(path));
  if (::chmod(path.c_str(), mode) != 0) return fail_errno("chmod " + path);
  return path;
}

Result<std::string> prepare(const std::string& name, const config::EmptyDirVolume& volume, const config::PodSpec& spec,
                            const VolumeDirectories& directories, Bytes machine_memory) {
  const mode_t mode = volume.mode.value_or(kEverybody);
  std::string path = directories.memory + "/" + name;
  if (!volume.huge_pages.empty()) {
    METE_CHECK(mount_huge_pages(path, volume.huge_pages, mode));
  } else if (volume.memory) {
    METE_CHECK(make_tmpfs(path, memory_volume_size(spec, volume, machine_memory), mode));
  } else {
    return prepare_on_disk(name, directories, mode);
  }
  return path;
}

Result<std::string> prepare(const config::ClaimVolume& volume, const VolumeDirectories& directories) {
  std::string path = directories.claims + "/" + volume.claim;
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return path;  // its mode may be the user's by now
  METE_CHECK(make_directories(path));
  if (::chmod(path.c_str(), kEverybody) != 0) return fail_errno("chmod " + path);
  return path;
}

// An overlay of the image's layers, without a writable one: containers of the pod share it, so it is one of the host.
Result<std::string> prepare_image(const std::string& name, const std::vector<std::string>& layers,
                                  const VolumeDirectories& directories) {
  std::string path = directories.memory + "/" + name;
  const std::string nothing = directories.memory + "/..nothing";  // an overlay of one layer is none
  METE_CHECK(make_directories(path));
  METE_CHECK(make_directories(nothing));
  struct statfs info {};
  if (::statfs(path.c_str(), &info) == 0 && info.f_type == OVERLAYFS_SUPER_MAGIC) return path;
  // mount(2) takes a page of options: each layer is named by a descriptor, however long its path is.
  std::vector<UniqueFd> open;
  std::string options = "lowerdir=";
  for (const auto& layer : layers) {
    METE_TRY(UniqueFd fd, open_at(AT_FDCWD, layer, O_PATH | O_DIRECTORY));
    options += "/proc/self/fd/" + std::to_string(fd.get()) + ":";
    open.push_back(std::move(fd));
  }
  options += nothing;
  constexpr unsigned long kFlags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount("overlay", path.c_str(), "overlay", kFlags, options.c_str()) != 0)
    return fail_errno("mount the image on " + path);
  return path;
}

std::vector<PlainFile> plain_files(const config::VolumeFiles& files, const config::Pod& pod,
                                   const config::MachineFacts& machine) {
  std::vector<PlainFile> plain;
  plain.reserve(files.files.size());
  for (const auto& file : files.files) {
    plain.push_back(
        {file.path, file.has_marks ? config::fill_marks(file.content, pod, machine) : file.content, file.mode});
  }
  return plain;
}

const config::VolumeFiles* files_of(const config::PodPlan& plan, const std::string& volume) {
  const auto at = std::find_if(plan.volume_files.begin(), plan.volume_files.end(),
                               [&](const config::VolumeFiles& each) { return each.volume == volume; });
  return at == plan.volume_files.end() ? nullptr : &*at;
}

Result<std::string> prepare_files(const config::VolumeFiles& files, const config::PodPlan& plan,
                                  const VolumeDirectories& directories, const config::MachineFacts& machine) {
  std::string path = directories.memory + "/" + files.volume;
  if (!files.missing.empty()) return fail(files.missing);
  // Secrets must not reach a disk; other small files are handled the same way.
  METE_CHECK(make_tmpfs(path, std::nullopt, 0755));
  METE_CHECK(exchange_files(path, plain_files(files, plan.pod, machine), plan.pod.spec.security->fs_group));
  return path;
}

bool is_from_elsewhere(const config::VolumeSource& source) {
  return std::holds_alternative<config::NfsVolume>(source) || std::holds_alternative<config::DiskVolume>(source);
}

Result<std::string> prepare_one(const config::Volume& volume, const config::PodPlan& plan,
                                const VolumeDirectories& directories, const VolumeSources& sources) {
  if (const auto* host = std::get_if<config::HostPathVolume>(&volume.source)) return prepare(*host);
  if (const auto* empty = std::get_if<config::EmptyDirVolume>(&volume.source))
    return prepare(volume.name, *empty, plan.pod.spec, directories, sources.machine.memory);
  if (std::holds_alternative<config::EphemeralVolume>(volume.source)) return prepare_on_disk(volume.name, directories);
  if (const auto* claim = std::get_if<config::ClaimVolume>(&volume.source)) return prepare(*claim, directories);
  if (const auto* image = std::get_if<config::ImageVolume>(&volume.source)) {
    METE_TRY(const auto layers, sources.layers(image->reference));
    return prepare_image(volume.name, layers, directories);
  }
  if (is_from_elsewhere(volume.source)) {
    const auto mounted = sources.mounted.find(volume.name);
    return mounted == sources.mounted.end() ? fail("it is not mounted") : Result<std::string>(mounted->second);
  }
  const auto* files = files_of(plan, volume.name);
  return prepare_files(files != nullptr ? *files : config::VolumeFiles{volume.name, false, {}, {}}, plan, directories,
                       sources.machine);
}

// A hostPath, an image, what a server exports and what is read-only keep their groups, as in Kubernetes.
bool takes_group(const config::Volume& volume) {
  if (const auto* disk = std::get_if<config::DiskVolume>(&volume.source)) return !disk->read_only;
  return !std::holds_alternative<config::NfsVolume>(volume.source) &&
         !std::holds_alternative<config::HostPathVolume>(volume.source) &&
         !std::holds_alternative<config::ImageVolume>(volume.source);
}

bool written_by_agent(const config::Volume& volume) {
  return !std::holds_alternative<config::EmptyDirVolume>(volume.source) &&
         !std::holds_alternative<config::EphemeralVolume>(volume.source) &&
         !std::holds_alternative<config::ClaimVolume>(volume.source) && !is_from_elsewhere(volume.source);
}

}  // namespace

Result<std::map<std::string, std::string>> prepare_volumes(const config::PodPlan& plan,
                                                           const VolumeDirectories& directories,
                                                           const VolumeSources& sources) {
  std::map<std::string, std::string> paths;
  for (const auto& volume : plan.pod.spec.volumes) {
    auto path = prepare_one(volume, plan, directories, sources);
    if (!path) return fail_in("volume " + volume.name, path.error());
    const auto& security = *plan.pod.spec.security;
    if (security.fs_group && takes_group(volume)) {
      METE_CHECK(give_to_group(*path, {.group = *security.fs_group,
                                       .read_only = written_by_agent(volume),
                                       .on_root_mismatch_only = security.change_group_on_mismatch_only}));
    }
    paths[volume.name] = std::move(*path);
  }
  return paths;
}

Result<std::vector<std::string>> update_files(const config::PodPlan& plan, const VolumeDirectories& directories,
                                              const config::MachineFacts& machine) {
  std::vector<std::string> exchanged;
  for (const auto& files : plan.volume_files) {
    const std::string path = directories.memory + "/" + files.volume;
    if (!files.missing.empty() || !is_mounted_tmpfs(path)) continue;
    auto done = exchange_files(path, plain_files(files, plan.pod, machine), plan.pod.spec.security->fs_group);
    if (!done) return fail_in("volume " + files.volume, done.error());
    if (*done) exchanged.push_back(files.volume);
  }
  return exchanged;
}

Bytes memory_volume_size(const config::PodSpec& spec, const config::EmptyDirVolume& volume, Bytes machine_memory) {
  const auto limit_of = [](const config::Container& each) { return each.resources.limits.memory.value_or(Bytes(0)); };
  Bytes together(0);
  for (const auto& each : spec.containers) together += limit_of(each);
  Bytes largest = together;
  Bytes sidecars(0);
  for (const auto& each : spec.init_containers) {
    if (each.sidecar) sidecars += limit_of(each);
    largest = std::max(largest, each.sidecar ? together + sidecars : limit_of(each) + sidecars);
  }
  if (spec.resources && spec.resources->limits.memory) largest = *spec.resources->limits.memory;
  const Bytes most = largest > Bytes(0) ? largest : machine_memory;
  return volume.size_limit ? std::min(*volume.size_limit, most) : most;
}

Status remove_memory_volumes(const std::string& memory) {
  // Most pods have none, and the list has a line for each mount of the machine.
  struct stat info {};
  if (::lstat(memory.c_str(), &info) != 0 && errno == ENOENT) return {};
  METE_TRY(const std::string mounts, read_file(AT_FDCWD, "/proc/self/mounts"));
  // "tmpfs PATH tmpfs ...": names of volumes and uids need no unescaping.
  const std::string needle = " " + memory + "/";
  for (std::size_t at = 0; (at = mounts.find(needle, at)) != std::string::npos;) {
    const std::size_t start = at + 1;
    at = mounts.find(' ', start);
    const std::string path = mounts.substr(start, at - start);
    if (::umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
      return fail_errno("unmount " + path);
  }
  return remove_tree(memory);
}

Status remove_volumes(const VolumeDirectories& directories) {
  METE_CHECK(remove_memory_volumes(directories.memory));
  return remove_tree(directories.disk);
}

}  // namespace mete::runtime::storage
