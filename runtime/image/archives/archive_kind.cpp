// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/archive_kind.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "runtime/file.h"
#include "runtime/image/archives/archive.h"
#include "runtime/image/tree.h"

namespace mete::runtime::image {
namespace {

// No tool gives a layer one of these names.
constexpr std::array<std::string_view, 16> kSystem = {"bin",  "boot", "dev",  "etc", "home", "lib", "lib64", "opt",
                                                      "proc", "root", "sbin", "srv", "sys",  "tmp", "usr",   "var"};
constexpr std::array<std::string_view, 4> kMarkers = {"oci-layout", "index.json", "manifest.json", "repositories"};

bool is_hex_sum(std::string_view name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// HEX and HEX.json of docker and skopeo, HEX.tar of podman, HEX.tar.gz of jib, sha256:HEX of crane.
bool is_part(std::string_view path, std::string_view top) {
  if (top.starts_with("sha256:")) top.remove_prefix(7);
  return is_hex_sum(top.substr(0, top.find('.'))) || path.starts_with("blobs/sha256");
}

}  // namespace

void KindOfNames::see(std::string_view path, EntryType type) {
  while (path.starts_with("/") || path.starts_with("./")) path.remove_prefix(path.find('/') + 1);
  if (path.empty() || path == ".") return;
  const std::string_view top = path.substr(0, path.find('/'));
  const bool below = top.size() + 1 < path.size();
  const bool directory = below || type == EntryType::kDirectory;
  // bin is a link to usr/bin on a merged system.
  if (contains(kSystem, top) && (directory || type == EntryType::kSymlink)) system_ = true;
  if (contains(kMarkers, top) && !directory) marker_ = true;
  if (is_part(path, top)) parts_ = true;
  if (top == "rootfs" && directory) rootfs_ = true;
  if (top == "config.json" && !directory) config_ = true;
}

Result<ArchiveKind> KindOfNames::kind() const {
  if (system_) return ArchiveKind::kRootfs;
  if (marker_) return ArchiveKind::kImages;
  if (rootfs_ && config_)
    return fail("found a bundle of the OCI runtime (config.json and rootfs), expected an image; import its rootfs");
  if (parts_)
    return fail("found layers without a file that lists them, expected oci-layout and index.json, or manifest.json");
  return ArchiveKind::kRootfs;
}

Result<ArchiveKind> kind_of_archive(UniqueFd file, const std::string& shown) {
  METE_TRY(TarReader tar, TarReader::open(std::move(file), shown));
  tar.leave_out_sums();
  KindOfNames names;
  while (!names.is_decided()) {
    METE_TRY(const bool more, tar.next());
    if (!more) break;
    names.see(tar.entry().path, tar.entry().type);
  }
  auto kind = names.kind();
  if (!kind) return fail_in(shown, kind.error());
  return kind;
}

Result<ArchiveKind> kind_of_directory(const std::string& path) {
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  METE_TRY(const auto found, sorted_names(root.get(), path));
  KindOfNames names;
  for (const std::string& name : found) {
    struct stat info {};
    if (::fstatat(root.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    names.see(name, S_ISDIR(info.st_mode)   ? EntryType::kDirectory
                    : S_ISLNK(info.st_mode) ? EntryType::kSymlink
                                            : EntryType::kFile);
  }
  struct stat blobs {};
  if (::fstatat(root.get(), "blobs/sha256", &blobs, 0) == 0) names.see("blobs/sha256/", EntryType::kDirectory);
  auto kind = names.kind();
  if (!kind) return fail_in(path, kind.error());
  return kind;
}

}  // namespace mete::runtime::image
