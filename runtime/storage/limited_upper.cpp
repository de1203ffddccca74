// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/limited_upper.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/storage/file_copy.h"
#include "runtime/storage/loop_device.h"
#include "runtime/storage/run_program.h"

namespace mete::runtime::storage {
namespace {

constexpr std::int64_t kFileBlock = 4096;

// noinit_itable: the file has zeros where inode tables are, and a thread that writes them would allocate them all.
// discard: what the container removes is given back to the machine's disk.
constexpr const char* kLimitedOptions = "discard,noinit_itable";

Status mount_image(const std::string& image, const std::string& target) {
  METE_TRY(const LoopDevice loop, attach_loop(image, LoopUse::kReadWrite));
  if (::mount(loop.path.c_str(), target.c_str(), "ext4", 0, kLimitedOptions) != 0) return fail_errno("mount " + image);
  return {};
}

Status resize(const std::string& file, Bytes size) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, file, O_RDWR | O_CREAT | O_TRUNC, 0600));
  if (::ftruncate(fd.get(), size.count()) != 0) return fail_errno("make " + file);
  return {};
}

// Takes what the file system has more than `limit`, so that writes fail exactly there.
Status take_surplus(const std::string& root, Bytes limit) {
  for (const char* each : {"/upper", "/work"}) METE_CHECK(make_directories(root + each));
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, root + "/.surplus", O_RDWR | O_CREAT, 0600));
  struct statvfs info {};
  if (::fstatvfs(fd.get(), &info) != 0) return fail_errno("look at " + root);
  const auto free = static_cast<std::int64_t>(info.f_bavail * info.f_frsize);
  if (free < limit.count())
    return fail(root + ": found " + std::to_string(free) + " bytes free, expected at least " +
                std::to_string(limit.count()));
  const std::int64_t surplus = (free - limit.count()) / kFileBlock * kFileBlock;
  if (surplus > 0 && ::fallocate(fd.get(), 0, 0, surplus) != 0) return fail_errno("fill " + root);
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

// The machine may have crashed since the file system was mounted. First what is mended without a doubt, then the rest:
// better a container with a file lost than one that never starts. Exit codes 1 and 2: there were errors, and are none.
Status check(const std::string& image) {
  const std::string program = find_program("e2fsck");
  if (program.empty() || run_program({program, "-p", image}, 2)) return {};
  return run_program({program, "-y", image}, 2);
}

bool is_limited_mounted(const Place& place) {
  struct stat info {};
  return ::stat((place.limited() + "/upper").c_str(), &info) == 0;
}

}  // namespace

Bytes image_size(Bytes limit) {
  // Inode tables take a 32nd part (256 bytes for 8 KiB), bitmaps and descriptors less; 2 % are kept by the kernel.
  constexpr std::int64_t kTables = 2 << 20;
  const std::int64_t size = limit.count() + limit.count() / 16 + kTables;
  return Bytes((size + kFileBlock - 1) / kFileBlock * kFileBlock);
}

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
  METE_CHECK(resize(file, image_size(limit)));
  // Without a journal: what a container wrote need not survive a crash of the machine, and e2fsck mends the rest.
  METE_CHECK(run_program({find_program("mkfs.ext4"), "-q", "-F", "-b", "4096", "-i", "8192", "-I", "256", "-m", "0",
                          "-O", "^has_journal,^resize_inode", "-E", "nodiscard,lazy_itable_init=1", file}));
  const std::string root = mounted();
  METE_CHECK(make_directories(root, 0700));
  METE_CHECK(mount_image(file, root));
  const auto filled = take_surplus(root, limit);
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
  METE_CHECK(check(place.image()));
  return mount_image(place.image(), place.limited());
}

}  // namespace mete::runtime::storage
