// SPDX-License-Identifier: Apache-2.0
// Disks that pods of this machine share by one mount each. FOLDER/LINK has of a disk `mount`, where it is mounted, and
// in `users` an empty file for each pod that uses it, by its uid: made before the mount, so that what is mounted is
// found again after a crash. A lock on FOLDER/LINK/lock is held while one of them changes.
#pragma once

#include <set>
#include <string>

#include "config/base/result.h"
#include "config/model/volume.h"

namespace mete::runtime::storage {

// Where the disk is, and what is there now: a link to a block device. The error says what is found.
[[nodiscard]] Result<std::string> find_disk(const config::DiskVolume& volume, const std::string& links);

// The directory where it is mounted, and `uid` one of its users. Never formats it. Waits for the disk. The error: it
// has no file system of this type, or it is mounted read-only for others and is to be written.
[[nodiscard]] Result<std::string> mount_disk(const config::DiskVolume& volume, const std::string& device,
                                             const std::string& folder, const std::string& uid);
// Where mount_disk() mounts it.
[[nodiscard]] std::string disk_mount_point(const config::DiskVolume& volume, const std::string& folder);

// `uid` uses none any more; disks without a user are unmounted. A process that is still in one is an error (EBUSY).
[[nodiscard]] Status release_disks(const std::string& folder, const std::string& uid);

// The same of all users that are not among these: what a crash has left.
[[nodiscard]] Status release_other_disks(const std::string& folder, const std::set<std::string>& known);

}  // namespace mete::runtime::storage
