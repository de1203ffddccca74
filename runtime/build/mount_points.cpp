// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/mount_points.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/file.h"
#include "runtime/image/layer_writer.h"
#include "runtime/image/tree.h"

namespace mete::runtime::build {
namespace {

// The image's path of an open file of it.
Result<std::string> image_path(int image, int fd) {
  METE_TRY(const std::string top, image::read_link_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(image), "the image"));
  METE_TRY(const std::string path, image::read_link_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(fd), "a folder"));
  return path.size() <= top.size() ? std::string() : path.substr(top.size() + 1);
}

class PointMaker {
 public:
  PointMaker(int image, int layer) : image_(image), layer_(layer) {}

  Status one(const MountPoint& point) {
    const auto slash = point.path.rfind('/');
    METE_TRY(const std::string folder, real_folder(point.path.substr(0, slash)));
    const std::string name = point.path.substr(slash + 1);
    if (name.empty()) return {};
    const std::string place = folder.empty() ? name : folder + "/" + name;
    struct stat info {};
    if (::fstatat(layer_, place.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return {};
    const bool there = in_image(place, info);
    if (there && !(point.is_file && S_ISLNK(info.st_mode))) return {};
    METE_CHECK(folders(folder));
    if (!point.is_file) return make_folder(place, nullptr);
    const UniqueFd file(::openat(layer_, place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    return file.valid() ? Status() : fail_errno("make a place to mount /" + place);
  }

 private:
  bool in_image(const std::string& place, struct stat& info) const {
    const auto slash = place.rfind('/');
    const auto parent =
        image::open_in_root(image_, slash == std::string::npos ? "" : place.substr(0, slash), O_PATH | O_DIRECTORY);
    const std::string name = place.substr(slash == std::string::npos ? 0 : slash + 1);
    return parent && ::fstatat(parent->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  }

  // Where the image's links lead; parts that it does not have stay as they are.
  Result<std::string> real_folder(const std::string& path) const {
    const auto fd = image::open_in_root(image_, path, O_PATH | O_DIRECTORY);
    if (fd) return image_path(image_, fd->get());
    const auto slash = path.rfind('/');
    if (slash == std::string::npos || path.empty()) return tl::unexpected(fd.error());
    METE_TRY(const std::string above, real_folder(path.substr(0, slash)));
    const std::string name = path.substr(slash + 1);
    return above.empty() ? name : above + "/" + name;
  }

  Status make_folder(const std::string& place, const struct stat* like) const {
    if (::mkdirat(layer_, place.c_str(), 0755) != 0) return errno == EEXIST ? Status() : fail_errno("mkdir /" + place);
    const mode_t mode = like != nullptr ? like->st_mode & 07777U : 0755U;
    if (like != nullptr && ::fchownat(layer_, place.c_str(), like->st_uid, like->st_gid, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("set owner of /" + place);
    if (::fchmodat(layer_, place.c_str(), mode, 0) != 0) return fail_errno("set mode of /" + place);
    return {};
  }

  Status folders(const std::string& path) const {
    if (path.empty()) return {};
    const auto slash = path.rfind('/');
    if (slash != std::string::npos) METE_CHECK(folders(path.substr(0, slash)));
    struct stat info {};
    return make_folder(path, in_image(path, info) ? &info : nullptr);
  }

  int image_;
  int layer_;
};

}  // namespace

Status make_mount_points(int image, const std::string& layer, const std::vector<MountPoint>& points) {
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  PointMaker maker(image, root.get());
  for (const MountPoint& point : points) METE_CHECK(maker.one(point));
  return {};
}

}  // namespace mete::runtime::build
