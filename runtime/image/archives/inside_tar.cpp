// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/inside_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "runtime/file.h"
#include "runtime/image/archives/utf8_names.h"
#include "runtime/image/layer_writer.h"
#include "runtime/image/tree.h"

namespace mete::runtime::image {
namespace {

constexpr int kDeepest = 200;  // nesting of directories

struct FreeTar {
  void operator()(archive* tar) const { ::archive_write_free(tar); }
};
struct FreeTarEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};

// The directory that the path's last part is in, and that part.
struct Split {
  UniqueFd parent;
  std::string name;  // empty: the root, or a directory named by "." or ".."
};

Result<Split> split_path(int root, const std::string& given) {
  std::string path = given;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto slash = path.rfind('/');
  Split split;
  split.name = slash == std::string::npos ? path : path.substr(slash + 1);
  std::string folder = slash == std::string::npos ? "/" : path.substr(0, slash + 1);
  if (split.name == "." || split.name == "..") {
    folder = path;
    split.name.clear();
  }
  METE_TRY(split.parent, open_in_root(root, folder, O_PATH | O_DIRECTORY));
  return split;
}

class InsideTar {
 public:
  explicit InsideTar(int out) : out_(out) {}

  Status open() {
    tar_.reset(::archive_write_new());
    ::archive_write_set_format_pax_restricted(tar_.get());
    ::archive_write_set_bytes_in_last_block(tar_.get(), 1);
    return ::archive_write_open_fd(tar_.get(), out_) == ARCHIVE_OK ? Status() : failed();
  }

  Status add(int parent, const std::string& name, const std::string& shown, int depth = 0) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("stat " + shown);
    if (S_ISSOCK(info.st_mode)) return {};
    if (depth > kDeepest) return fail(shown + ": found directories deeper than " + std::to_string(kDeepest));
    if (S_ISLNK(info.st_mode)) {
      METE_TRY(const std::string target, read_link_at(parent, name, shown));
      return header(shown, info, target);
    }
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return header(shown, info, {});
    const UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) return fail_errno("open " + shown);
    // What was opened may be another file by now.
    if (::fstat(fd.get(), &info) != 0) return fail_errno("stat " + shown);
    if (S_ISREG(info.st_mode)) return file(fd.get(), shown, info);
    if (!S_ISDIR(info.st_mode)) return {};
    METE_CHECK(header(shown + "/", info, {}));
    return children(fd.get(), shown, depth);
  }

  Status whole(int directory, const std::string& shown) {
    struct stat info {};
    if (::fstat(directory, &info) != 0) return fail_errno("stat " + shown);
    METE_CHECK(header(shown + "/", info, {}));
    return children(directory, shown, 0);
  }

  Status close() { return ::archive_write_close(tar_.get()) == ARCHIVE_OK ? Status() : failed(); }

 private:
  Status failed() {
    const char* text = ::archive_error_string(tar_.get());
    return tl::unexpected(
        Error{::archive_errno(tar_.get()), std::string("write an archive: ") + (text ? text : "it failed")});
  }

  Status header(const std::string& path, const struct stat& info, const std::string& link) {
    const std::unique_ptr<archive_entry, FreeTarEntry> entry(::archive_entry_new());
    ::archive_entry_copy_stat(entry.get(), &info);
    ::archive_entry_set_pathname(entry.get(), path.c_str());
    if (!link.empty()) ::archive_entry_set_symlink(entry.get(), link.c_str());
    if (!S_ISREG(info.st_mode)) ::archive_entry_set_size(entry.get(), 0);
    const Utf8Names utf8;
    const int result = ::archive_write_header(tar_.get(), entry.get());
    return result == ARCHIVE_OK || result == ARCHIVE_WARN ? Status() : failed();
  }

  // As many bytes as the header says, whatever becomes of the file meanwhile.
  Status file(int fd, const std::string& shown, const struct stat& info) {
    METE_CHECK(header(shown, info, {}));
    std::int64_t left = info.st_size;
    while (left > 0) {
      const auto most =
          static_cast<std::size_t>(std::min<std::int64_t>(left, static_cast<std::int64_t>(buffer_.size())));
      const ssize_t got = ::read(fd, buffer_.data(), most);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read " + shown);
      if (got == 0) return {};  // it was cut: the archive has zeros for the rest
      if (::archive_write_data(tar_.get(), buffer_.data(), static_cast<std::size_t>(got)) != got) return failed();
      left -= got;
    }
    return {};
  }

  Status children(int fd, const std::string& shown, int depth) {
    METE_TRY(const auto names, sorted_names(fd, shown));
    for (const auto& name : names) METE_CHECK(add(fd, name, shown + "/" + name, depth + 1));
    return {};
  }

  int out_;
  std::string buffer_ = std::string(128U << 10U, '\0');
  std::unique_ptr<archive, FreeTar> tar_;
};

}  // namespace

Result<InsideStat> stat_inside(int root, const std::string& path) {
  METE_TRY(const Split split, split_path(root, path));
  struct stat info {};
  const char* const name = split.name.c_str();
  const int flags = AT_SYMLINK_NOFOLLOW | (split.name.empty() ? AT_EMPTY_PATH : 0);
  if (::fstatat(split.parent.get(), name, &info, flags) != 0) return fail_errno("stat " + path);
  InsideStat stat;
  stat.name = split.name.empty() ? "/" : split.name;
  stat.size = info.st_size;
  stat.mode = info.st_mode;
  stat.mtime = info.st_mtim.tv_sec * 1'000'000'000L + info.st_mtim.tv_nsec;
  if (S_ISLNK(info.st_mode)) {
    METE_TRY(stat.link_target, read_link_at(split.parent.get(), split.name, path));
    const auto slash = path.rfind('/');
    if (!stat.link_target.starts_with('/'))
      stat.link_target.insert(0, slash == std::string::npos ? "/" : path.substr(0, slash + 1));
  }
  return stat;
}

Status write_inside_tar(int root, const std::string& path, int out) {
  METE_TRY(const Split split, split_path(root, path));
  InsideTar tar(out);
  METE_CHECK(tar.open());
  if (split.name.empty()) {
    METE_TRY(const UniqueFd whole, open_in_root(root, path, O_RDONLY | O_DIRECTORY));
    METE_CHECK(tar.whole(whole.get(), "."));
  } else {
    METE_CHECK(tar.add(split.parent.get(), split.name, split.name));
  }
  return tar.close();
}

Status extract_inside(int root, const std::string& path, ByteSource archive, bool keep_kinds) {
  METE_TRY(UniqueFd directory, open_in_root(root, path, O_RDONLY | O_DIRECTORY));
  const std::string through = "/proc/self/fd/" + std::to_string(directory.get());
  METE_TRY(Budget budget, Budget::of(through));
  const UniqueFd own(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 3));
  METE_TRY(LayerWriter writer, LayerWriter::in(std::move(directory)));
  METE_TRY(TarReader tar, TarReader::open(std::move(archive), "the archive"));
  while (true) {
    METE_TRY(const bool more, tar.next());
    if (!more) break;
    const Entry& entry = tar.entry();
    if (tar.is_device()) continue;
    if (keep_kinds) {
      auto there = open_in_root(own.get(), entry.path, O_PATH | O_NOFOLLOW);
      struct stat info {};
      const bool is_there = there && ::fstat(there->get(), &info) == 0;
      if (is_there && S_ISDIR(info.st_mode) != (entry.type == EntryType::kDirectory))
        return fail("cannot overwrite " + std::string(S_ISDIR(info.st_mode) ? "directory" : "non-directory") + " \"" +
                    entry.path + "\" with " + (S_ISDIR(info.st_mode) ? "a non-directory" : "a directory"));
    }
    METE_CHECK(writer.add(entry, [&](int fd) { return tar.write_content(fd, budget); }));
  }
  return writer.finish();
}

}  // namespace mete::runtime::image
