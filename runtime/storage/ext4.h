// SPDX-License-Identifier: Apache-2.0
// File systems of ext4 that hold what a container writes: on a file (limited_upper.h), on a thin volume (mapper/).
#pragma once

#include <string>

#include "config/base/result.h"
#include "config/base/units.h"

namespace mete::runtime::storage {

// noinit_itable: the device has zeros where inode tables are, and a thread that writes them would allocate them all.
// discard: what the container removes is given back to the machine's disk.
inline constexpr const char* kExt4Options = "discard,noinit_itable";

// The size of a file system that has room for `limit` bytes beside its own tables. Pure.
[[nodiscard]] Bytes ext4_size(Bytes limit);

// The bytes that may be written below the mounted `directory`.
[[nodiscard]] Result<Bytes> free_bytes_of(const std::string& directory);

// Takes what the mounted file system of `directory` has more than `limit`, in a file there, so that writes fail exactly
// at the limit.
[[nodiscard]] Status take_surplus(const std::string& directory, Bytes limit);

// The machine may have crashed since the file system was mounted: first what is mended without a doubt, then the rest.
// Better a container with a file lost than one that never starts. `path`: a file or a device that is not mounted.
[[nodiscard]] Status check_ext4(const std::string& path);

// Makes the file system that is mounted at `directory` as large as its device, `size` bytes, is now.
[[nodiscard]] Status grow_ext4(const std::string& directory, Bytes size);

}  // namespace mete::runtime::storage
