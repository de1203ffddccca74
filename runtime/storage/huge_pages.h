// SPDX-License-Identifier: Apache-2.0
// Volumes of huge pages (emptyDir, medium HugePages): a hugetlbfs of one page size.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/base/result.h"

namespace mete::runtime::storage {

// The option of mount(2) for pages of this size, as Kubernetes writes it: "2Mi" -> "pagesize=2M"; empty: it is no size
// of whole kilobytes. Pure.
[[nodiscard]] std::string page_size_option(const std::string& size);

// Makes the directory and mounts the file system where it is not mounted yet. Errors say what the kernel lacks:
// hugetlbfs, or pages of this size.
[[nodiscard]] Status mount_huge_pages(const std::string& path, const std::string& size, mode_t mode);

}  // namespace mete::runtime::storage
