// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/tar_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/image/archives/utf8_names.h"

namespace mete::runtime::image {

void TarStream::Free::operator()(archive* writer) const {
  ::archive_write_free(writer);
}

Result<TarStream> TarStream::open(int out) {
  TarStream stream;
  stream.writer_.reset(::archive_write_new());
  ::archive_write_set_format_pax_restricted(stream.writer_.get());
  ::archive_write_set_bytes_in_last_block(stream.writer_.get(), 1);
  if (::archive_write_open_fd(stream.writer_.get(), out) != ARCHIVE_OK) return tl::unexpected(stream.failed().error());
  return stream;
}

Status TarStream::failed() const {
  const char* text = ::archive_error_string(writer_.get());
  return tl::unexpected(
      Error{::archive_errno(writer_.get()), std::string("write an archive: ") + (text ? text : "it failed")});
}

Status TarStream::header(const std::string& path, unsigned type_and_mode, std::int64_t size) {
  const Utf8Names utf8;
  const std::unique_ptr<archive_entry, decltype(&::archive_entry_free)> entry(::archive_entry_new(),
                                                                              ::archive_entry_free);
  ::archive_entry_set_pathname(entry.get(), path.c_str());
  ::archive_entry_set_mode(entry.get(), type_and_mode);
  ::archive_entry_set_size(entry.get(), size);
  ::archive_entry_set_mtime(entry.get(), 0, 0);
  return ::archive_write_header(writer_.get(), entry.get()) == ARCHIVE_OK ? Status() : failed();
}

Status TarStream::bytes(std::string_view text) {
  if (::archive_write_data(writer_.get(), text.data(), text.size()) == static_cast<la_ssize_t>(text.size())) return {};
  return failed();
}

Status TarStream::directory(const std::string& path) {
  return header(path + "/", S_IFDIR | 0755U, 0);
}

Status TarStream::file(const std::string& path, std::string_view text) {
  METE_CHECK(header(path, S_IFREG | 0644U, static_cast<std::int64_t>(text.size())));
  return bytes(text);
}

Status TarStream::file(const std::string& path, int fd, std::int64_t size) {
  METE_CHECK(header(path, S_IFREG | 0644U, size));
  std::string buffer(256U << 10U, '\0');
  for (std::int64_t done = 0; done < size;) {
    const auto want = std::min<std::int64_t>(size - done, static_cast<std::int64_t>(buffer.size()));
    const ssize_t got = ::pread(fd, buffer.data(), static_cast<std::size_t>(want), done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno("read " + path, got < 0 ? errno : EIO);
    METE_CHECK(bytes({buffer.data(), static_cast<std::size_t>(got)}));
    done += got;
  }
  return {};
}

Status TarStream::close() {
  return ::archive_write_close(writer_.get()) == ARCHIVE_OK ? Status() : failed();
}

}  // namespace mete::runtime::image
