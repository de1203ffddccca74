// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/layer_tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <map>
#include <memory>

#include "runtime/file.h"
#include "runtime/image/archives/utf8_names.h"
#include "runtime/image/sha256.h"
#include "runtime/image/tree.h"

namespace mete::runtime::image {
namespace {

constexpr int kBlock = 64 << 10;

struct FreeWriter {
  void operator()(archive* writer) const { ::archive_write_free(writer); }
};
using Writer = std::unique_ptr<archive, FreeWriter>;

struct FreeEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};
using TarEntry = std::unique_ptr<archive_entry, FreeEntry>;

// The tar goes through one writer and, to be compressed, through a second; the bytes of both are summed. Without `out`
// (-1) nothing is compressed, and nothing written.
class TarOut {
 public:
  TarOut(int out, Packing packing) : out_(out), packing_(packing) {}

  Status open() {
    tar_.reset(::archive_write_new());
    ::archive_write_set_format_pax_restricted(tar_.get());
    ::archive_write_set_bytes_per_block(tar_.get(), kBlock);
    ::archive_write_set_bytes_in_last_block(tar_.get(), 1);
    if (out_ >= 0 && packing_ == Packing::kGzip) METE_CHECK(open_gzip());
    if (::archive_write_open(tar_.get(), this, nullptr, write_plain, nullptr) != ARCHIVE_OK) return failed(tar_.get());
    return {};
  }

  Status open_gzip() {
    gzip_.reset(::archive_write_new());
    ::archive_write_set_format_raw(gzip_.get());
    ::archive_write_add_filter_gzip(gzip_.get());
    ::archive_write_set_bytes_per_block(gzip_.get(), kBlock);
    ::archive_write_set_bytes_in_last_block(gzip_.get(), 1);  // otherwise zeros would follow the compressed bytes
    // Without the option the header has the time of the compression.
    if (::archive_write_set_filter_option(gzip_.get(), "gzip", "timestamp", nullptr) != ARCHIVE_OK)
      return failed(gzip_.get());
    if (::archive_write_open(gzip_.get(), this, nullptr, write_out, nullptr) != ARCHIVE_OK) return failed(gzip_.get());
    const TarEntry whole(::archive_entry_new());
    ::archive_entry_set_pathname(whole.get(), "layer");
    ::archive_entry_set_filetype(whole.get(), AE_IFREG);
    if (::archive_write_header(gzip_.get(), whole.get()) != ARCHIVE_OK) return failed(gzip_.get());
    return {};
  }

  Status header(archive_entry* entry) {
    const Utf8Names utf8;
    const int result = ::archive_write_header(tar_.get(), entry);
    return result == ARCHIVE_OK || result == ARCHIVE_WARN ? Status() : failed(tar_.get());
  }

  Status content(int fd, const std::string& shown) {
    while (true) {
      const ssize_t got = ::read(fd, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read " + shown);
      if (got == 0) return {};
      if (::archive_write_data(tar_.get(), buffer_.data(), static_cast<std::size_t>(got)) != got)
        return failed(tar_.get());
    }
  }

  Result<LayerTar> close() {
    if (::archive_write_close(tar_.get()) != ARCHIVE_OK) return tl::unexpected(failed(tar_.get()).error());
    if (gzip_ && ::archive_write_close(gzip_.get()) != ARCHIVE_OK) return tl::unexpected(failed(gzip_.get()).error());
    return LayerTar{"sha256:" + plain_sum_.hex(), "sha256:" + sum_.hex(), size_};
  }

 private:
  static Status failed(archive* writer) {
    const char* text = ::archive_error_string(writer);
    return tl::unexpected(Error{::archive_errno(writer), std::string("write a layer: ") + (text ? text : "it failed")});
  }

  static la_ssize_t write_plain(archive* writer, void* self, const void* data, std::size_t size) {
    auto& own = *static_cast<TarOut*>(self);
    own.plain_sum_.update({static_cast<const char*>(data), size});
    if (own.out_ < 0) return static_cast<la_ssize_t>(size);
    if (!own.gzip_) return write_out(writer, self, data, size);
    if (::archive_write_data(own.gzip_.get(), data, size) == static_cast<la_ssize_t>(size))
      return static_cast<la_ssize_t>(size);
    ::archive_set_error(writer, EIO, "%s", ::archive_error_string(own.gzip_.get()));
    return -1;
  }

  static la_ssize_t write_out(archive* writer, void* self, const void* data, std::size_t size) {
    auto& own = *static_cast<TarOut*>(self);
    const std::string_view bytes(static_cast<const char*>(data), size);
    own.sum_.update(bytes);
    own.size_ += static_cast<std::int64_t>(size);
    if (const Status written = write_all(own.out_, bytes); !written) {
      ::archive_set_error(writer, written.error().code, "%s", written.error().what.c_str());
      return -1;
    }
    return static_cast<la_ssize_t>(size);
  }

  int out_;
  Packing packing_;
  Sha256 plain_sum_;
  Sha256 sum_;
  std::int64_t size_ = 0;
  std::string buffer_ = std::string(128U << 10U, '\0');
  Writer gzip_;  // freed after tar_, which writes into it
  Writer tar_;
};

class LayerWalk {
 public:
  explicit LayerWalk(TarOut& out) : out_(out) {}

  Status root(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return fail_errno("stat the layer");
    // As other tools: no entry for the root as long as it is what every unpacked layer has.
    if ((info.st_mode & 07777U) != 0755 || info.st_uid != 0 || info.st_gid != 0) {
      const TarEntry entry = entry_of("./", info);
      METE_CHECK(out_.header(entry.get()));
    }
    return children(fd, "");
  }

 private:
  static TarEntry entry_of(const std::string& path, const struct stat& info) {
    TarEntry entry(::archive_entry_new());
    ::archive_entry_set_pathname(entry.get(), path.c_str());
    ::archive_entry_set_mode(entry.get(), info.st_mode);
    ::archive_entry_set_uid(entry.get(), info.st_uid);
    ::archive_entry_set_gid(entry.get(), info.st_gid);
    ::archive_entry_set_mtime(entry.get(), info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    ::archive_entry_set_size(entry.get(), S_ISREG(info.st_mode) ? info.st_size : 0);
    return entry;
  }

  // An empty file whose name says what is hidden.
  Status marker(const std::string& path) {
    const TarEntry entry(::archive_entry_new());
    ::archive_entry_set_pathname(entry.get(), path.c_str());
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0600);
    ::archive_entry_set_mtime(entry.get(), 0, 0);
    ::archive_entry_set_size(entry.get(), 0);
    return out_.header(entry.get());
  }

  static Status add_xattrs(int fd, const std::string& path, archive_entry* to) {
    Entry attributes;
    attributes.path = path;
    METE_CHECK(read_kept_xattrs(fd, attributes));
    for (const auto& [name, value] : attributes.xattrs)
      ::archive_entry_xattr_add_entry(to, name.c_str(), value.data(), value.size());
    return {};
  }

  Status children(int fd, const std::string& path) {
    METE_TRY(const auto names, sorted_names(fd, path));
    for (const std::string& name : names) METE_CHECK(child(fd, name, path.empty() ? name : path + "/" + name));
    return {};
  }

  Status directory(int fd, const std::string& path, const struct stat& info) {
    const TarEntry entry = entry_of(path + "/", info);
    METE_CHECK(add_xattrs(fd, path, entry.get()));
    METE_CHECK(out_.header(entry.get()));
    char opaque = 0;
    if (::fgetxattr(fd, "trusted.overlay.opaque", &opaque, 1) == 1 && opaque == 'y')
      METE_CHECK(marker(path + "/.wh..wh..opq"));
    return children(fd, path);
  }

  Status child(int parent, const std::string& name, const std::string& path) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("stat " + path);
    if (S_ISSOCK(info.st_mode)) return {};
    if (S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0))
      return marker(path.substr(0, path.size() - name.size()) + ".wh." + name);
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) return {};
    if (S_ISLNK(info.st_mode)) {
      METE_TRY(const std::string target, read_link_at(parent, name, path));
      const TarEntry entry = entry_of(path, info);
      ::archive_entry_set_symlink(entry.get(), target.c_str());
      return out_.header(entry.get());
    }
    if (S_ISFIFO(info.st_mode)) {
      const TarEntry entry = entry_of(path, info);
      return out_.header(entry.get());
    }
    const UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) return fail_errno("open " + path);
    return S_ISDIR(info.st_mode) ? directory(fd.get(), path, info) : file(fd.get(), path, info);
  }

  Status file(int fd, const std::string& path, const struct stat& info) {
    const TarEntry entry = entry_of(path, info);
    if (info.st_nlink > 1) {
      const auto [first, is_first] = linked_.emplace(std::pair(info.st_dev, info.st_ino), path);
      if (!is_first) {
        ::archive_entry_set_hardlink(entry.get(), first->second.c_str());
        ::archive_entry_set_size(entry.get(), 0);
        return out_.header(entry.get());
      }
    }
    METE_CHECK(add_xattrs(fd, path, entry.get()));
    METE_CHECK(out_.header(entry.get()));
    return out_.content(fd, path);
  }

  TarOut& out_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with several names -> the first name
};

}  // namespace

Result<std::string> layer_diff_id(const std::string& layer) {
  METE_TRY(const LayerTar tar, write_layer_tar(layer, -1, Packing::kNone));
  return tar.diff_id;
}

Result<LayerTar> write_layer_tar(const std::string& layer, int out, Packing packing) {
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TarOut tar(out, packing);
  METE_CHECK(tar.open());
  LayerWalk walk(tar);
  METE_CHECK(walk.root(root.get()));
  return tar.close();
}

}  // namespace mete::runtime::image
