// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/import.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "runtime/file.h"
#include "runtime/image/archives/archive.h"
#include "runtime/image/archives/archive_kind.h"
#include "runtime/image/archives/layout.h"
#include "runtime/image/merged.h"
#include "runtime/image/sha256.h"
#include "runtime/image/tree.h"
#include "runtime/image/users.h"

namespace mete::runtime::image {
namespace {

Result<MergedView> view_of(const Staging& staging, const std::vector<std::string>& layers) {
  std::vector<std::string> paths;
  paths.reserve(layers.size());
  for (const std::string& layer : layers) paths.push_back(staging.layer_path(layer));
  return MergedView::open(paths);
}

// overlayfs refuses the same directory twice. The upper one is kept: it hides the lower one completely.
void drop_repeated(std::vector<std::string>& layers) {
  std::set<std::string> seen;
  std::erase_if(layers, [&](const std::string& layer) { return !seen.insert(layer).second; });
}

Result<Image> import_rootfs_directory(Staging& staging, const std::string& path, const std::string& name) {
  METE_TRY(const std::string directory, staging.make_directory());
  METE_TRY(LayerWriter layer, LayerWriter::open(directory));
  METE_TRY(const std::string sum, copy_tree(path, staging.store(), layer, staging.budget()));
  METE_CHECK(layer.finish());
  METE_CHECK(staging.add_layer(directory, Staging::layer_name(sum)));
  return finish_rootfs(staging, name, sum);
}

Result<Image> import_directory(Staging& staging, const std::string& path, const std::string& name) {
  METE_TRY(const ArchiveKind kind, kind_of_directory(path));
  if (kind == ArchiveKind::kRootfs) return import_rootfs_directory(staging, path, name);
  METE_TRY(const Layout layout, Layout::open(path, path));
  METE_TRY(LayoutImage image, image_of(layout, name));
  return import_image_of(staging, layout, std::move(image), name);
}

}  // namespace

Result<Image> finish_image(Staging& staging, Image image) {
  drop_repeated(image.layers);
  METE_TRY(const MergedView view, view_of(staging, image.layers));
  METE_TRY(const std::string passwd, view.text("etc/passwd"));
  METE_TRY(const std::string group, view.text("etc/group"));
  METE_TRY(ResolvedUser user, resolve_user(image.config.user, passwd, group));
  image.config.uid = user.uid;
  image.config.gid = user.gid;
  image.config.groups = std::move(user.groups);
  image.size = 0;
  for (const std::string& layer : image.layers) {
    METE_TRY(const std::int64_t size, staging.layer_size(layer));
    image.size += size;
  }
  if (is_nameless(image)) {
    METE_TRY(const bool named, staging.has_name(image.id));
    if (named) return image;
  }
  METE_CHECK(staging.commit(image));
  return image;
}

Result<Image> finish_rootfs(Staging& staging, const std::string& name, const std::string& sum) {
  Image image;
  image.name = name;
  image.layers = {Staging::layer_name(sum)};
  image.created = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  METE_TRY(const MergedView view, view_of(staging, image.layers));
  METE_TRY(const auto shell, view.file("bin/sh"));
  if (shell) image.config.cmd = {"/bin/sh"};
  image.id = sha256_hex("rootfs " + sum);
  return finish_image(staging, std::move(image));
}

Result<std::string> add_rootfs_layer(Staging& staging, const ArchivePlace& place, Whiteouts whiteouts) {
  METE_TRY(UniqueFd file, open_at(AT_FDCWD, place.path, O_RDONLY | O_NONBLOCK));
  METE_TRY(const std::string directory, staging.make_directory());
  METE_TRY(LayerWriter layer, LayerWriter::open(directory));
  METE_TRY(const ArchiveSums sums, extract_layer(std::move(file), place.shown, layer, staging.budget(), whiteouts));
  // Without a digest, only the end mark tells a whole archive from a part.
  if (!sums.whole) return fail(place.shown + ": found a tar archive without its end, expected a whole one");
  METE_CHECK(staging.add_layer(directory, Staging::layer_name(sums.content)));
  return sums.content;
}

Result<Layout> unpack_layout(Staging& staging, const ArchivePlace& place) {
  METE_TRY(UniqueFd file, open_at(AT_FDCWD, place.path, O_RDONLY | O_NONBLOCK));
  METE_TRY(const std::string directory, staging.make_directory());
  METE_TRY(LayerWriter files, LayerWriter::open(directory));
  METE_CHECK(extract_layout(std::move(file), place.shown, files, staging.budget()));
  return Layout::open(directory, place.shown);
}

Result<Image> import_image(Staging& staging, const ArchivePlace& place, const std::string& name) {
  struct stat info {};
  if (::stat(place.path.c_str(), &info) != 0) return fail_errno(place.shown);
  if (S_ISDIR(info.st_mode)) return import_directory(staging, place.path, name);
  METE_TRY(UniqueFd file, open_at(AT_FDCWD, place.path, O_RDONLY | O_NONBLOCK));
  METE_TRY(const ArchiveKind kind, kind_of_archive(std::move(file), place.shown));
  if (kind == ArchiveKind::kRootfs) {
    METE_TRY(const std::string sum, add_rootfs_layer(staging, place));
    return finish_rootfs(staging, name, sum);
  }
  METE_TRY(const Layout layout, unpack_layout(staging, place));
  METE_TRY(LayoutImage image, image_of(layout, name));
  return import_image_of(staging, layout, std::move(image), name);
}

}  // namespace mete::runtime::image
