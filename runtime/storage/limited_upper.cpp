// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/limited_upper.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/storage/ext4.h"
#include "runtime/storage/file_copy.h"
#include "runtime/storage/loop_device.h"
#include "runtime/storage/run_program.h"

namespace mete::runtime::storage {
namespace {

Status mount_image(const std::string& image, const std::string& target) {
  METE_TRY(const LoopDevice loop, attach_loop(image, LoopUse::kReadWrite));
  if (::mount(loop.path.c_str(), target.c_str(), "ext4", 0, kExt4Options) != 0) return fail_errno("mount " + image);
  return {};
}

Status resize(const std::string& file, Bytes size) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, file, O_RDWR | O_CREAT | O_TRUNC, 0600));
  if (::ftruncate(fd.get(), size.count()) != 0) return fail_errno("make " + file);
  return {};
}

// The newest stay: a machine uses few sizes, but nobody promises that.
void remove_oldest(const std::string& directory, const std::string& ending) {
  constexpr std::size_t kMostTemplates = 16;
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> found;
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator(directory, ignored)) {
    if (each.path().extension() == ending) found.emplace_back(each.last_write_time(ignored), each.path());
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  for (std::size_t i = kMostTemplates; i < found.size(); ++i) std::filesystem::remove(found[i].second, ignored);
}

bool is_limited_mounted(const Place& place) {
  struct stat info {};
  return ::stat(place.limited_upper().c_str(), &info) == 0;
}

}  // namespace

Status LimitedUpper::is_possible() const {
  if (find_program("mkfs.ext4").empty())
    return fail(
        "quota of a writable layer: found neither project quotas on the file system nor the program mkfs.ext4, "
        "expected one of them");
  if (::access("/dev/loop-control", R_OK | W_OK) != 0)
    return fail(
        "quota of a writable layer: found neither project quotas on the file system nor loop devices "
        "(CONFIG_BLK_DEV_LOOP), expected one of them");
  return {};
}

Result<std::string> LimitedUpper::template_of(Bytes limit) {
  const std::lock_guard<std::mutex> lock(templates_);
  std::string file = directory_ + "/" + std::to_string(limit.count()) + ".ext4";
  if (::access(file.c_str(), F_OK) == 0) return file;
  METE_CHECK(make_directories(directory_, 0700));
  const std::string made = file + ".new";
  METE_CHECK(make_template(made, limit));
  if (::rename(made.c_str(), file.c_str()) != 0) return fail_errno("rename " + made);
  remove_oldest(directory_, ".ext4");
  return file;
}

Status LimitedUpper::make_template(const std::string& file, Bytes limit) const {
  METE_CHECK(is_possible());
  METE_CHECK(resize(file, ext4_size(limit)));
  // Without a journal: what a container wrote need not survive a crash of the machine, and e2fsck mends the rest.
  METE_CHECK(run_program({find_program("mkfs.ext4"), "-q", "-F", "-b", "4096", "-i", "8192", "-I", "256", "-m", "0",
                          "-O", "^has_journal,^resize_inode", "-E", "nodiscard,lazy_itable_init=1", file}));
  const std::string root = mounted();
  METE_CHECK(make_directories(root, 0700));
  METE_CHECK(mount_image(file, root));
  const auto filled = [&]() -> Status {
    for (const char* each : {"/diff", "/work"}) METE_CHECK(make_directories(root + each));
    return take_surplus(root, limit);
  }();
  if (::umount2(root.c_str(), UMOUNT_NOFOLLOW) != 0) return fail_errno("unmount " + root);
  return filled;
}

Status LimitedUpper::mount(const Place& place, Bytes limit) {
  if (::access(place.image().c_str(), F_OK) != 0) {
    METE_TRY(const std::string from, template_of(limit));
    const std::string half = place.image() + ".new";
    if (::unlink(half.c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + half);
    METE_CHECK(copy_file(from, half));
    if (::rename(half.c_str(), place.image().c_str()) != 0) return fail_errno("rename " + half);
  }
  return mount_limited(place);
}

Status LimitedUpper::clear_half_made() const {
  const std::string root = mounted();
  if (::umount2(root.c_str(), UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT)
    return fail_errno("unmount " + root);
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator(directory_, ignored)) {
    if (each.path().extension() == ".new") std::filesystem::remove(each.path(), ignored);
  }
  return {};
}

Status mount_limited(const Place& place) {
  if (is_limited_mounted(place)) return {};
  auto image = open_at(AT_FDCWD, place.image(), O_RDONLY);
  if (!image) return image.error().code == ENOENT ? Status() : tl::unexpected(std::move(image.error()));
  // Mounted twice, it would be two file systems that know nothing of each other.
  if (::flock(image->get(), LOCK_EX) != 0) return fail_errno("lock " + place.image());
  if (is_limited_mounted(place)) return {};
  METE_CHECK(make_directories(place.limited()));
  METE_CHECK(check_ext4(place.image()));
  return mount_image(place.image(), place.limited());
}

}  // namespace mete::runtime::storage
