// SPDX-License-Identifier: Apache-2.0
// What is written down of a thin pool. The kernel does not tell which volumes a pool has: a volume is in the book
// before it is made, and until it is deleted.
//
//   pool 1f2e3d4c file          whose names in device mapper begin with mete-1f2e3d4c- ; "device PATH", "pool NAME"
//   metadata 16777216           bytes at the beginning of its device
//   transaction 17              of the pool, when the last volume was made
//   volume 12 10737418240 PATH  its number, its size, and the folder that has its place, from the book's folder on
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/base/units.h"

namespace mete::runtime::storage {

enum class PoolKind : std::uint8_t { kFile, kDevice, kForeign };

struct PoolSource {
  PoolKind kind = PoolKind::kFile;
  std::string name = {};  // the path of a device, the name of a foreign pool
  bool operator==(const PoolSource&) const = default;
};

struct ThinVolume {
  std::uint32_t id = 0;
  Bytes size;
  std::string owner = {};  // a folder; a folder in it, or itself, has the note of the volume (place.h)
};

struct ThinBook {
  std::string pool = {};  // eight hexadecimal digits
  PoolSource source = {};
  Bytes metadata;
  std::uint64_t transaction = 0;
  std::vector<ThinVolume> volumes = {};
};

[[nodiscard]] std::string text_of(const ThinBook& book);
// The error names the line.
[[nodiscard]] Result<ThinBook> parse_book(std::string_view text);

// A number that no volume in the book has. Numbers have 24 bits (drivers/md/dm-thin.c: MAX_DEV_ID).
[[nodiscard]] std::uint32_t free_volume_id(const ThinBook& book);

// What a pool's transaction tells about the book: the same, or one less where a volume was half made. The error: book
// and pool are of different times, and a number may be another volume's.
enum class PoolAge { kSame, kHalfMade };
[[nodiscard]] Result<PoolAge> compare_transaction(const ThinBook& book, std::uint64_t of_pool);

// The note in a place: "12 ../../storage/devicemapper", the volume and the book's folder, from the place on.
struct VolumeNote {
  std::uint32_t id = 0;
  std::string directory = {};
};
[[nodiscard]] std::string text_of(const VolumeNote& note);
[[nodiscard]] std::optional<VolumeNote> parse_note(std::string_view text);

}  // namespace mete::runtime::storage
