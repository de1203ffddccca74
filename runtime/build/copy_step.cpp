// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/copy_step.h"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#include <tuple>

#include "runtime/file.h"
#include "runtime/image/archives/archive.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::build {
namespace {

using image::Entry;
using image::EntryType;
using image::LayerWriter;

std::string place_below(const std::string& folder, const std::string& name) {
  if (name.empty()) return folder;
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

FileOwner owner_of(const CopyStep& step, const Entry& entry) {
  if (step.owner) return *step.owner;
  return step.keep_owners ? FileOwner{entry.uid, entry.gid} : FileOwner();
}

// Reads a file to its end, piece by piece.
template <class Take>
Status each_piece(int fd, const std::string& shown, Take take) {
  std::string buffer(256U << 10U, '\0');
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + shown);
    if (got == 0) return {};
    METE_CHECK(take(std::string_view(buffer.data(), static_cast<std::size_t>(got))));
  }
}

// Each field with its length, so that different files have different inputs.
class CopySum {
 public:
  explicit CopySum(const CopyStep& step) : step_(step) {}

  Status entry(const Entry& entry, int fd) {
    field(entry.path);
    field(entry.target);
    const FileOwner owner = owner_of(step_, entry);
    number(static_cast<std::uint64_t>(entry.type));
    number(step_.mode.value_or(entry.mode));
    number(owner.uid);
    number(owner.gid);
    for (const auto& [name, value] : entry.xattrs) {
      field(name);
      field(value);
    }
    return fd < 0 ? Status() : content(fd, entry.path);
  }

  Status content(int fd, const std::string& shown) {
    image::Sha256 sum;
    METE_CHECK(each_piece(fd, shown, [&](std::string_view piece) -> Status {
      sum.update(piece);
      return {};
    }));
    field(sum.hex());
    return {};
  }

  void field(std::string_view text) {
    number(text.size());
    sum_.update(text);
  }
  void number(std::uint64_t value) { sum_.update(std::to_string(value) + ":"); }
  std::string hex() { return sum_.hex(); }

 private:
  const CopyStep& step_;
  image::Sha256 sum_;
};

class Copier {
 public:
  Copier(const CopyStep& step, const SourceTree& tree, LayerWriter writer, image::Budget& budget)
      : step_(step), tree_(tree), writer_(std::move(writer)), budget_(budget) {}

  Status run() {
    for (const CopyPart& part : step_.parts) METE_CHECK(one(part));
    return writer_.finish();
  }

 private:
  [[nodiscard]] FileOwner owner() const { return step_.owner.value_or(FileOwner()); }

  // What is at the path now, links followed; nothing: no such file.
  Result<std::optional<mode_t>> kind_at(const std::string& path) const {
    auto fd = image::open_in_root(writer_.root(), path, O_PATH);
    if (!fd && (fd.error().code == ENOENT || fd.error().code == ENOTDIR)) return std::nullopt;
    if (!fd) return tl::unexpected(std::move(fd.error()));
    struct stat info {};
    if (::fstat(fd->get(), &info) != 0) return fail_errno("stat " + path);
    return std::optional<mode_t>(info.st_mode & static_cast<mode_t>(S_IFMT));
  }

  Status one(const CopyPart& part) {
    METE_TRY(const auto there, kind_at(step_.target));
    const bool is_folder = there && S_ISDIR(*there);
    const bool brings_folder = part.unpack || (part.item && part.item->is_directory);
    if (brings_folder) {
      if (there && !is_folder)
        return fail(step_.keyword + ": found the file " + step_.target + " in the image, expected a folder or nothing");
      METE_TRY([[maybe_unused]] const bool made, make_folders(writer_, step_.target, owner()));
      return part.unpack ? unpack(part) : items(part, step_.target);
    }
    std::string place = step_.target;
    if (step_.into_directory || is_folder) place = place_below(place, part.name);
    METE_TRY(const auto instead, kind_at(place));
    if (instead && S_ISDIR(*instead))
      return fail(step_.keyword + ": found the folder " + place + " in the image, expected a file or nothing");
    const auto slash = place.rfind('/');
    METE_TRY([[maybe_unused]] const bool made, make_folders(writer_, place.substr(0, slash), owner()));
    return part.item ? items(part, place) : loose_file(part, place);
  }

  void set_rights(Entry& entry) const {
    const FileOwner to = owner_of(step_, entry);
    entry.uid = to.uid;
    entry.gid = to.gid;
    if (step_.mode && entry.type != EntryType::kSymlink) entry.mode = *step_.mode;
  }

  Status copy_content(int from, int to, const std::string& shown) {
    return each_piece(from, shown, [&](std::string_view piece) -> Status {
      METE_CHECK(budget_.take(piece.size()));
      return write_all(to, piece);
    });
  }

  Status items(const CopyPart& part, const std::string& place) {
    return tree_.visit(*part.item, step_.exclude, [&](Entry entry, int fd) -> Status {
      // The folder itself keeps what it has, or is new.
      if (entry.path.empty() && entry.type == EntryType::kDirectory) return {};
      METE_CHECK(budget_.take(256));
      entry.path = place_below(place, entry.path);
      if (entry.type == EntryType::kHardlink) entry.target = place_below(place, entry.target);
      set_rights(entry);
      return writer_.add(entry, [&](int to) { return copy_content(fd, to, entry.path); });
    });
  }

  Status loose_file(const CopyPart& part, const std::string& place) {
    Entry entry{.path = place, .mode = part.mode, .mtime = {part.time, 0}};
    set_rights(entry);
    return writer_.add(entry, [&](int to) -> Status {
      if (part.content) return write_all(to, *part.content);
      METE_TRY(const UniqueFd from, open_at(AT_FDCWD, part.file, O_RDONLY));
      return copy_content(from.get(), to, place);
    });
  }

  Status unpack(const CopyPart& part) {
    METE_TRY(UniqueFd file, tree_.file(*part.item));
    METE_TRY(image::TarReader tar, image::TarReader::open(std::move(file), part.item->path));
    while (true) {
      METE_TRY(const bool more, tar.next());
      if (!more) break;
      if (tar.is_device() || tar.is_whiteout_device()) continue;
      Entry entry = tar.entry();
      METE_CHECK(budget_.take(256));
      entry.path = place_below(step_.target, entry.path);
      if (entry.type == EntryType::kHardlink) entry.target = place_below(step_.target, entry.target);
      if (step_.owner || step_.mode) {
        const FileOwner own{entry.uid, entry.gid};
        set_rights(entry);
        if (!step_.owner) std::tie(entry.uid, entry.gid) = std::tie(own.uid, own.gid);
      }
      auto added = writer_.add(entry, [&](int fd) { return tar.write_content(fd, budget_); });
      if (!added) return fail_in(part.item->path, added.error());
    }
    METE_TRY(const image::ArchiveSums sums, tar.finish());
    if (!sums.whole) return fail(part.item->path + ": found a tar archive without its end, expected a whole one");
    return {};
  }

  const CopyStep& step_;
  const SourceTree& tree_;
  LayerWriter writer_;
  image::Budget& budget_;
};

}  // namespace

std::string_view compression_of(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\x1f\x8b"sv)) return "gzip";
  if (head.starts_with("\xfd"
                       "7zXZ\0"sv))
    return "xz";
  if (head.starts_with("\x28\xb5\x2f\xfd"sv)) return "zstd";
  if (head.starts_with("BZh"sv)) return "bzip2";
  return "";
}

Result<bool> is_archive(const SourceTree& tree, const SourceItem& item) {
  METE_TRY(UniqueFd file, tree.file(item));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("stat " + item.path);
  constexpr std::size_t kHeader = 512;
  if (!S_ISREG(info.st_mode)) return false;
  std::string head(kHeader, '\0');
  const ssize_t got = ::pread(file.get(), head.data(), head.size(), 0);
  if (got < 0) return fail_errno("read " + item.path);
  head.resize(static_cast<std::size_t>(got));
  const std::string_view compression = compression_of(head);
  if (compression == "bzip2")
    return fail("found " + item.path +
                " with bzip2, expected tar, plain or with gzip, xz or zstd: COPY takes it as a file");
  if (compression.empty() && (head.size() < kHeader || head.substr(257, 5) != "ustar")) return false;
  auto tar = image::TarReader::open(std::move(file), item.path);
  if (!tar) return false;
  const auto first = tar->next();
  return first && *first;
}

Result<std::string> copy_sum(const CopyStep& step, const SourceTree& tree) {
  CopySum sum(step);
  for (const CopyPart& part : step.parts) {
    sum.field(part.name);
    if (part.content) {
      sum.number(part.mode);
      sum.field(*part.content);
    } else if (!part.file.empty()) {
      METE_TRY(const UniqueFd file, open_at(AT_FDCWD, part.file, O_RDONLY));
      METE_CHECK(sum.entry({.mode = part.mode}, file.get()));
    } else if (part.unpack) {
      METE_TRY(const UniqueFd file, tree.file(*part.item));
      METE_CHECK(sum.entry({.target = "unpacked"}, file.get()));
    } else {
      METE_CHECK(
          tree.visit(*part.item, step.exclude, [&](const Entry& entry, int fd) { return sum.entry(entry, fd); }));
    }
  }
  return sum.hex();
}

Status carry_out_copy(const CopyStep& step, const SourceTree& tree, const std::string& root, image::Budget& budget) {
  METE_TRY(LayerWriter writer, LayerWriter::open(root));
  return Copier(step, tree, std::move(writer), budget).run();
}

Result<bool> make_folders(LayerWriter& writer, const std::string& path, const FileOwner& owner) {
  if (path.empty() || path == "/") return false;
  const auto there = image::open_in_root(writer.root(), path, O_PATH | O_DIRECTORY);
  if (there) return false;
  if (there.error().code == ENOTDIR) return fail(path + ": found a file in the image, expected a folder or nothing");
  if (there.error().code != ENOENT) return tl::unexpected(there.error());
  METE_TRY([[maybe_unused]] const bool above, make_folders(writer, path.substr(0, path.rfind('/')), owner));
  METE_CHECK(writer.add({.type = EntryType::kDirectory,
                         .path = path,
                         .mode = 0755,
                         .uid = owner.uid,
                         .gid = owner.gid,
                         .mtime = {std::time(nullptr), 0}}));
  return true;
}

}  // namespace mete::runtime::build
