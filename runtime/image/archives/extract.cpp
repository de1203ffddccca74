// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "runtime/image/archives/archive.h"

namespace mete::runtime::image {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaqueMarker = ".wh..wh..opq";
constexpr std::string_view kAufs = ".wh..wh.";  // bookkeeping files of aufs, which this form of whiteouts comes from

struct SplitPath {
  std::string directory;
  std::string name;
};

SplitPath split_path(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Status extract_entry(TarReader& tar, LayerWriter& layer, Budget& budget, Whiteouts whiteouts) {
  const Entry& entry = tar.entry();
  const auto [directory, name] = split_path(entry.path);
  if (whiteouts == Whiteouts::kRefuse && (tar.is_whiteout_device() || name.starts_with(kWhiteout)))
    return fail("\"" + entry.path + "\": found a whiteout, expected a file: nothing lies below that it could hide");
  if (tar.is_whiteout_device()) return layer.whiteout(entry.path);
  if (tar.is_device()) return {};  // the agent gives a container its devices
  if (name == kOpaqueMarker) return layer.opaque(directory);
  if (name.starts_with(kAufs)) return {};
  if (name.starts_with(kWhiteout)) {
    const std::string hidden = name.substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == "..") {
      return fail("\"" + entry.path + "\": found a whiteout without a name, expected one");
    }
    return layer.whiteout(directory + "/" + hidden);
  }
  // Every entry costs an inode, even an empty one.
  METE_CHECK(budget.take(256));
  return layer.add(entry, [&](int fd) { return tar.write_content(fd, budget); });
}

Error in_archive(const std::string& shown, Error error) {
  if (error.what.find(shown) == std::string::npos) error.what = shown + ": " + error.what;
  return error;
}

}  // namespace

Result<ArchiveSums> extract_layer(UniqueFd file, const std::string& shown, LayerWriter& layer, Budget& budget,
                                  Whiteouts whiteouts) {
  METE_TRY(TarReader tar, TarReader::open(std::move(file), shown));
  return extract_layer(std::move(tar), shown, layer, budget, whiteouts);
}

Result<ArchiveSums> extract_layer(TarReader tar, const std::string& shown, LayerWriter& layer, Budget& budget,
                                  Whiteouts whiteouts) {
  while (true) {
    METE_TRY(const bool more, tar.next());
    if (!more) break;
    auto done = extract_entry(tar, layer, budget, whiteouts);
    if (!done) return tl::unexpected(in_archive(shown, std::move(done.error())));
  }
  METE_CHECK(layer.finish());
  return tar.finish();
}

Status extract_layout(UniqueFd file, const std::string& shown, LayerWriter& into, Budget& budget) {
  METE_TRY(TarReader tar, TarReader::open(std::move(file), shown));
  tar.leave_out_sums();
  while (true) {
    METE_TRY(const bool more, tar.next());
    if (!more) break;
    if (tar.is_device()) continue;
    Entry entry;
    entry.type = tar.entry().type;
    entry.path = tar.entry().path;
    entry.target = tar.entry().target;
    entry.mode = entry.type == EntryType::kDirectory ? 0700 : 0600;
    METE_CHECK(budget.take(256));
    auto done = into.add(entry, [&](int fd) { return tar.write_content(fd, budget); });
    if (!done) return tl::unexpected(in_archive(shown, std::move(done.error())));
  }
  METE_TRY(const ArchiveSums sums, tar.finish());
  if (!sums.whole) return fail(shown + ": found a tar archive without its end, expected a whole one");
  return {};
}

}  // namespace mete::runtime::image
