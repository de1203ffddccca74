// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/huge_pages.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "config/values/quantity.h"
#include "runtime/file.h"

namespace mete::runtime::storage {
namespace {

constexpr std::int64_t kKilobyte = 1024;

std::int64_t kilobytes_of(const std::string& size) {
  const auto bytes = config::parse_bytes(size);
  return bytes && bytes->count() % kKilobyte == 0 ? bytes->count() / kKilobyte : 0;
}

// A directory for each size (Documentation/admin-guide/mm/hugetlbpage.rst).
bool kernel_has(std::int64_t kilobytes) {
  const std::string path = "/sys/kernel/mm/hugepages/hugepages-" + std::to_string(kilobytes) + "kB";
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

std::string page_size_option(const std::string& size) {
  const std::int64_t kilobytes = kilobytes_of(size);
  if (kilobytes <= 0) return {};
  const bool megabytes = kilobytes % kKilobyte == 0;
  return "pagesize=" + std::to_string(megabytes ? kilobytes / kKilobyte : kilobytes) + (megabytes ? "M" : "K");
}

Status mount_huge_pages(const std::string& path, const std::string& size, mode_t mode) {
  const std::string option = page_size_option(size);
  if (option.empty() || !kernel_has(kilobytes_of(size)))
    return fail("found a kernel without huge pages of " + size + ", expected such as /sys/kernel/mm/hugepages lists");
  METE_CHECK(make_directories(path));
  struct statfs info {};
  if (::statfs(path.c_str(), &info) == 0 && info.f_type == HUGETLBFS_MAGIC) return {};
  char options[64];
  std::snprintf(options, sizeof options, "%s,mode=%o", option.c_str(), mode);
  if (::mount("hugetlbfs", path.c_str(), "hugetlbfs", MS_NOSUID | MS_NODEV, options) == 0) return {};
  if (errno == ENODEV) return fail("found a kernel without hugetlbfs, expected one with CONFIG_HUGETLBFS");
  return fail_errno("mount hugetlbfs on " + path);
}

}  // namespace mete::runtime::storage
