// SPDX-License-Identifier: Apache-2.0
// Any bytes as a tar archive, plain or compressed, whole or in pieces: no crash and no endless work.
#include <fcntl.h>

#include <algorithm>
#include <string_view>

#include "runtime/image/archives/archive.h"
#include "runtime/image/archives/archive_kind.h"
#include "tests/fuzz/chosen.h"

namespace {

using namespace mete::runtime;

// In pieces of `piece` bytes.
image::ByteSource source_of(std::string_view bytes, std::size_t piece) {
  return [bytes, piece](char* buffer, std::size_t size) mutable -> mete::Result<std::size_t> {
    const std::size_t part = std::min({piece, size, bytes.size()});
    bytes.copy(buffer, part);
    bytes.remove_prefix(part);
    return part;
  };
}

// What is written goes nowhere.
int nowhere() {
  static const int fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  return fd;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto tar = image::TarReader::open(source_of(bytes, size % 7 == 0 ? 1 + size / 7 : size + 1), "fuzz");
  if (!tar) return 0;
  constexpr int kMostEntries = 1000;
  static const auto kDisk = image::Budget::of("/");
  mete::fuzz::require(kDisk.has_value());
  image::Budget budget = *kDisk;
  image::KindOfNames names;
  for (int i = 0; i < kMostEntries; ++i) {
    const auto more = tar->next();
    if (!more) return 0;
    if (!*more) break;
    const image::Entry& entry = tar->entry();
    mete::fuzz::require(!entry.path.empty());
    names.see(entry.path, entry.type);
    if (tar->is_whiteout_device()) mete::fuzz::require(tar->is_device());
    // Every other archive is only listed, as to find out of what kind it is.
    if (size % 2 == 0 && entry.type == image::EntryType::kFile && !tar->write_content(nowhere(), budget)) return 0;
  }
  (void)names.kind();
  const auto sums = tar->finish();
  if (sums) mete::fuzz::require(sums->content.size() == 64 && sums->file.size() == 64);
  return 0;
}
