// SPDX-License-Identifier: Apache-2.0
// Parts of a running container's file system as tar archives, in and out (docker cp). Everything is resolved by
// descriptor with the container's root as "/": no link of the image, and nobody who exchanges one meanwhile, leads out
// of it (CVE-2018-15664). Nothing of the container is executed.
#pragma once

#include <cstdint>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/image/archives/archive.h"

namespace mete::runtime::image {

// What a path names, the last link not followed.
struct InsideStat {
  std::string name;         // the last part of the path; "/" for the root
  std::int64_t size = 0;    // bytes
  std::uint32_t mode = 0;   // st_mode
  std::int64_t mtime = 0;   // nanoseconds since the epoch
  std::string link_target;  // absolute within the container; empty: no link
};
[[nodiscard]] Result<InsideStat> stat_inside(int root, const std::string& path);

// Writes what the path names, a directory with all below it, as an archive whose names begin with the last part of the
// path. Sockets are left out: tar has none.
[[nodiscard]] Status write_inside_tar(int root, const std::string& path, int out);

// Unpacks into the directory that the path names. `keep_kinds`: a directory is not replaced by something else, nor the
// other way round. Errors: ENOENT, ENOTDIR for the path.
[[nodiscard]] Status extract_inside(int root, const std::string& path, ByteSource archive, bool keep_kinds);

}  // namespace mete::runtime::image
