// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/context_archive.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/build/copy_step.h"
#include "runtime/file.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::build {
namespace {

constexpr const char* kShown = "the context on standard input";

}  // namespace

bool begins_archive(std::string_view head) {
  return !compression_of(head).empty() || (head.size() >= 512 && head.substr(257, 5) == "ustar");
}

Status unpack_context(image::ByteSource source, const std::string& directory) {
  METE_TRY(image::Budget budget, image::Budget::of(directory));
  METE_TRY(image::LayerWriter writer, image::LayerWriter::open(directory));
  METE_TRY(image::TarReader tar, image::TarReader::open(std::move(source), kShown));
  tar.accept_missing_end();
  while (true) {
    METE_TRY(const bool more, tar.next());
    if (!more) break;
    if (tar.is_device() || tar.is_whiteout_device()) continue;
    image::Entry entry = tar.entry();
    entry.uid = entry.gid = 0;
    METE_CHECK(budget.take(256));  // its inode
    auto added = writer.add(entry, [&](int fd) { return tar.write_content(fd, budget); });
    if (!added) return fail_in(kShown, added.error());
  }
  METE_CHECK(writer.finish());
  METE_TRY(const image::ArchiveSums sums, tar.finish());
  if (!sums.whole) return fail(std::string(kShown) + ": found a tar archive without its end, expected a whole one");
  return {};
}

Result<std::string> read_in_context(const std::string& context, const std::string& path, std::size_t most) {
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, context, O_RDONLY | O_DIRECTORY));
  METE_TRY(const UniqueFd fd, image::open_in_root(root.get(), path, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("stat " + path);
  if (!S_ISREG(info.st_mode)) return fail(path + ": found no regular file in the context, expected one");
  return read_all(fd.get(), path, most);
}

}  // namespace mete::runtime::build
