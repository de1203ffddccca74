// SPDX-License-Identifier: Apache-2.0
// A thin volume in a place (place.h): its note, its mount.
#pragma once

#include <functional>

#include "config/base/result.h"
#include "runtime/storage/mapper/thin_pool.h"
#include "runtime/storage/place.h"

namespace mete::runtime::storage {

// Makes a file system on a new volume, or gives it that of `origin`, and mounts it at place.thin(), with a file system
// of `size` bytes. `finish` is called before the note is written, without which the volume is nobody's.
[[nodiscard]] Status make_thin(ThinPool& pool, const Place& place, Bytes size, std::optional<std::uint32_t> origin,
                               const std::function<Status(const ThinVolume&)>& finish);

// The volume of the place. The error: it has no note that can be read.
[[nodiscard]] Result<VolumeNote> note_in(const Place& place);

// Mounts the volume of the place's note, where it is not mounted: the machine was started again since. Without a note
// does nothing. Takes the pool's lock, which the caller has not.
[[nodiscard]] Status mount_thin(const Place& place, MapperAccess access);

// Unmounts the place's volume and takes its note away: the next sweep of the pool removes the volume.
[[nodiscard]] Status release_thin(const Place& place);

}  // namespace mete::runtime::storage
