// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/erofs_layers.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/image/sha256.h"
#include "runtime/storage/loop_device.h"
#include "runtime/storage/run_program.h"

namespace mete::runtime::storage {
namespace {

Result<std::string> sum_of_image(const std::string& file) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, file, O_RDONLY));
  image::Sha256 sum;
  std::string buffer(1U << 20U, '\0');
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + file);
    if (got == 0) return sum.hex();
    sum.update({buffer.data(), static_cast<std::size_t>(got)});
  }
}

Status sync_file(const std::string& file) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, file, O_RDONLY));
  return ::fsync(fd.get()) == 0 ? Status() : fail_errno("write " + file);
}

Status mount_erofs(const std::string& image, const std::string& target) {
  constexpr unsigned long kFlags = MS_RDONLY;
  if (::mount(image.c_str(), target.c_str(), "erofs", kFlags, "") == 0) return {};
  if (errno != ENOTBLK) return fail_errno("mount " + image);
  METE_TRY(const LoopDevice loop, attach_loop(image, LoopUse::kReadOnly));
  if (::mount(loop.path.c_str(), target.c_str(), "erofs", kFlags, "") != 0) return fail_errno("mount " + image);
  return {};
}

Status unmount_erofs(const std::string& path) {
  if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT) return {};
  return fail_errno("unmount " + path);
}

}  // namespace

bool ErofsLayers::has(const std::string& layer) const {
  struct statfs info {};
  return ::statfs((directory_ + "/" + layer).c_str(), &info) == 0 && info.f_type == EROFS_SUPER_MAGIC_V1;
}

Status ErofsLayers::mount(const std::string& layer) {
  if (has(layer)) return {};
  const std::lock_guard<std::mutex> lock(changes_);
  if (has(layer)) return {};
  const std::string path = directory_ + "/" + layer;
  // The sum is written last: without it the image is half.
  if (::access((path + ".sum").c_str(), F_OK) == 0) {
    METE_CHECK(check_sum(layer));
  } else {
    METE_CHECK(make_image(layer));
  }
  METE_CHECK(make_directories(path));
  return mount_erofs(path + ".img", path);
}

Status ErofsLayers::make_image(const std::string& layer) const {
  METE_CHECK(make_directories(directory_, 0700));
  const std::string image = directory_ + "/" + layer + ".img";
  (void)::unlink(image.c_str());
  METE_CHECK(run_program({find_program("mkfs.erofs"), "-d1", image, layers_ + "/" + layer}));
  METE_CHECK(sync_file(image));
  METE_TRY(const std::string sum, sum_of_image(image));
  return replace_file(directory_ + "/" + layer + ".sum", sum);
}

Status ErofsLayers::check_sum(const std::string& layer) const {
  const std::string path = directory_ + "/" + layer;
  METE_TRY(const std::string expected, read_file(AT_FDCWD, path + ".sum"));
  METE_TRY(const std::string found, sum_of_image(path + ".img"));
  if (found == expected) return {};
  return fail(path + ".img: found the sum " + found + ", expected " + expected +
              " as when it was made; remove it and the .sum beside it, and both are made anew");
}

std::vector<std::string> ErofsLayers::names() const {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator(directory_, ignored)) {
    if (each.path().extension() == ".img") found.push_back(each.path().stem().string());
  }
  return found;
}

Status ErofsLayers::prune() {
  const std::lock_guard<std::mutex> lock(changes_);
  for (const std::string& layer : names()) {
    if (::access((layers_ + "/" + layer).c_str(), F_OK) == 0) continue;
    const std::string path = directory_ + "/" + layer;
    METE_CHECK(unmount_erofs(path));
    for (const char* ending : {".sum", ".img"}) (void)::unlink((path + ending).c_str());
    (void)::rmdir(path.c_str());
  }
  return {};
}

Status ErofsLayers::close() {
  const std::lock_guard<std::mutex> lock(changes_);
  for (const std::string& layer : names()) METE_CHECK(unmount_erofs(directory_ + "/" + layer));
  return {};
}

}  // namespace mete::runtime::storage
