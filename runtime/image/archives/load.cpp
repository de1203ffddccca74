// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/load.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/file.h"
#include "runtime/image/archives/archive_kind.h"
#include "runtime/image/archives/import.h"
#include "runtime/image/archives/layout.h"
#include "runtime/image/staging.h"

namespace mete::runtime::image {
namespace {

Result<Layout> open_layout(Staging& staging, const ArchivePlace& place) {
  struct stat info {};
  if (::stat(place.path.c_str(), &info) != 0) return fail_errno(place.shown);
  if (S_ISDIR(info.st_mode)) return Layout::open(place.path, place.shown);
  METE_TRY(UniqueFd file, open_at(AT_FDCWD, place.path, O_RDONLY | O_NONBLOCK));
  METE_TRY(const ArchiveKind kind, kind_of_archive(std::move(file), place.shown));
  if (kind == ArchiveKind::kRootfs)
    return fail(place.shown + ": found a root file system, expected images; `mete import` makes an image of it");
  return unpack_layout(staging, place);
}

}  // namespace

Result<std::vector<Image>> load_images(const Store& store, const ArchivePlace& place) {
  METE_TRY(Staging staging, Staging::begin(store.directory(), Wait::kYes));
  METE_TRY(const Layout layout, open_layout(staging, place));
  std::vector<Image> loaded;
  const auto done = each_image_of(layout, [&](LayoutImage source) -> Status {
    std::vector<std::string> names = std::move(source.names);
    if (names.empty()) names.emplace_back();
    for (const std::string& name : names) {
      METE_TRY(Image image, import_image_of(staging, layout, source, name));
      loaded.push_back(std::move(image));
    }
    return {};
  });
  if (!done) return fail_in(place.shown, done.error());
  return loaded;
}

}  // namespace mete::runtime::image
