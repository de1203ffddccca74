// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/import.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "runtime/file.h"
#include "runtime/image/archive.h"
#include "runtime/image/layout.h"
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

Result<Image> import_rootfs_archive(Staging& staging, const std::string& path, const std::string& name) {
  METE_TRY(UniqueFd file, open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK));
  METE_TRY(const std::string directory, staging.make_directory());
  METE_TRY(LayerWriter layer, LayerWriter::open(directory));
  METE_TRY(const ArchiveSums sums, extract_layer(std::move(file), path, layer, staging.budget()));
  // Without a digest, only the end mark tells a whole archive from a part.
  if (!sums.whole) return fail(path + ": found a tar archive without its end, expected a whole one");
  METE_CHECK(staging.add_layer(directory, Staging::layer_name(sums.content)));
  return finish_rootfs(staging, name, sums.content);
}

Result<Image> import_layout_archive(Staging& staging, const std::string& path, const std::string& name) {
  METE_TRY(UniqueFd file, open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK));
  METE_TRY(const std::string directory, staging.make_directory());
  METE_TRY(LayerWriter layout, LayerWriter::open(directory));
  METE_CHECK(extract_layout(std::move(file), path, layout, staging.budget()));
  METE_TRY(const Layout files, Layout::open(directory, path));
  return import_layout(staging, files, name);
}

bool is_layout_directory(const std::string& path) {
  struct stat info {};
  return ::stat((path + "/oci-layout").c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::stat((path + "/index.json").c_str(), &info) == 0 && S_ISREG(info.st_mode);
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
    METE_TRY(const std::int64_t size, tree_size(staging.layer_path(layer)));
    image.size += size;
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

Result<Image> import_image(Staging& staging, const std::string& path, const std::string& name) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
  if (S_ISDIR(info.st_mode)) {
    if (!is_layout_directory(path)) return import_rootfs_directory(staging, path, name);
    METE_TRY(const Layout files, Layout::open(path, path));
    return import_layout(staging, files, name);
  }
  METE_TRY(UniqueFd file, open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK));
  METE_TRY(const ArchiveKind kind, kind_of_archive(std::move(file), path));
  return kind == ArchiveKind::kLayout ? import_layout_archive(staging, path, name)
                                      : import_rootfs_archive(staging, path, name);
}

}  // namespace mete::runtime::image
