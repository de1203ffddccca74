// SPDX-License-Identifier: Apache-2.0
// Two libarchive readers in a row: the first decompresses, the second reads the tar. The bytes before the first and
// between the two are hashed.
#include "runtime/image/archives/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/image/archives/utf8_names.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::image {
namespace {

constexpr std::size_t kBuffer = 128U << 10U;
constexpr std::size_t kTarBlock = 512;

std::string reason(archive* reader) {
  const char* text = ::archive_error_string(reader);
  return text == nullptr ? "unknown error" : text;
}

std::string text_or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

}  // namespace

struct TarReader::State {
  struct CloseArchive {
    void operator()(archive* reader) const { ::archive_read_free(reader); }
  };
  using Reader = std::unique_ptr<archive, CloseArchive>;

  ByteSource source;
  std::string shown;
  Reader plain;  // decompresses the file
  Reader tar;
  bool compressed = true;  // false: file and content have the same sum
  bool sums = true;
  Sha256 file_sum;
  Sha256 content_sum;
  std::string file_buffer = std::string(kBuffer, '\0');
  std::string content_buffer = std::string(kBuffer, '\0');
  std::string tail;  // the last bytes of the tar
  archive_entry* at = nullptr;
  Entry entry;

  static la_ssize_t read_file(archive* reader, void* self, const void** data);
  static la_ssize_t read_plain(archive* reader, void* self, const void** data);
  void pass(std::string_view bytes);
  void fill_entry();
};

la_ssize_t TarReader::State::read_file(archive* reader, void* self, const void** data) {
  auto& state = *static_cast<State*>(self);
  const auto got = state.source(state.file_buffer.data(), state.file_buffer.size());
  if (!got) {
    ::archive_set_error(reader, EIO, "%s", got.error().what.c_str());
    return ARCHIVE_FATAL;
  }
  if (state.compressed && state.sums) state.file_sum.update(std::string_view(state.file_buffer.data(), *got));
  *data = state.file_buffer.data();
  return static_cast<la_ssize_t>(*got);
}

la_ssize_t TarReader::State::read_plain(archive* reader, void* self, const void** data) {
  auto& state = *static_cast<State*>(self);
  const la_ssize_t got =
      ::archive_read_data(state.plain.get(), state.content_buffer.data(), state.content_buffer.size());
  if (got < 0) {
    ::archive_set_error(reader, EIO, "%s", reason(state.plain.get()).c_str());
    return ARCHIVE_FATAL;
  }
  state.pass(std::string_view(state.content_buffer.data(), static_cast<std::size_t>(got)));
  *data = state.content_buffer.data();
  return got;
}

void TarReader::State::pass(std::string_view bytes) {
  if (sums) content_sum.update(bytes);
  tail.append(bytes.substr(bytes.size() - std::min(bytes.size(), kTarBlock)));
  if (tail.size() > kTarBlock) tail.erase(0, tail.size() - kTarBlock);
}

TarReader::TarReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

Result<TarReader> TarReader::open(UniqueFd file, std::string shown) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("stat " + shown);
  if (!S_ISREG(info.st_mode)) return fail(shown + ": found no regular file, expected a tar archive");
  if (info.st_size == 0) return fail(shown + ": found an empty file, expected a tar archive");
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("seek in " + shown);
  // std::function copies what it calls.
  const auto shared = std::make_shared<UniqueFd>(std::move(file));
  return open(
      [shared](char* buffer, std::size_t size) -> Result<std::size_t> {
        ssize_t got = -1;
        do {
          got = ::read(shared->get(), buffer, size);
        } while (got < 0 && errno == EINTR);
        if (got < 0) return fail_errno("read");
        return static_cast<std::size_t>(got);
      },
      std::move(shown));
}

Result<TarReader> TarReader::open(ByteSource source, std::string shown) {
  auto state = std::make_unique<State>();
  state->source = std::move(source);
  state->shown = std::move(shown);
  state->plain.reset(::archive_read_new());
  state->tar.reset(::archive_read_new());
  archive* plain = state->plain.get();
  archive* tar = state->tar.get();
  if (plain == nullptr || tar == nullptr) return fail_errno("read " + state->shown, ENOMEM);
  // Not "all": that includes filters that start a program.
  ::archive_read_support_filter_gzip(plain);
  ::archive_read_support_filter_xz(plain);
  ::archive_read_support_filter_zstd(plain);
  ::archive_read_support_format_raw(plain);
  ::archive_read_support_format_tar(tar);
  archive_entry* whole = nullptr;
  if (::archive_read_open(plain, state.get(), nullptr, State::read_file, nullptr) != ARCHIVE_OK ||
      ::archive_read_next_header(plain, &whole) != ARCHIVE_OK) {
    return fail(state->shown + ": " + reason(plain));
  }
  state->compressed = ::archive_filter_count(plain) > 1;  // the last filter is the file itself
  if (::archive_read_open(tar, state.get(), nullptr, State::read_plain, nullptr) != ARCHIVE_OK) {
    return fail(state->shown + ": found no tar archive, or a damaged one: " + reason(tar));
  }
  return TarReader(std::move(state));
}

void TarReader::State::fill_entry() {
  entry = Entry{};
  entry.path = text_or_empty(::archive_entry_pathname(at));
  entry.mode = ::archive_entry_perm(at);
  entry.uid = static_cast<uid_t>(::archive_entry_uid(at));
  entry.gid = static_cast<gid_t>(::archive_entry_gid(at));
  entry.mtime = {::archive_entry_mtime(at), ::archive_entry_mtime_nsec(at)};
  switch (::archive_entry_filetype(at)) {
    case AE_IFDIR:
      entry.type = EntryType::kDirectory;
      break;
    case AE_IFLNK:
      entry.type = EntryType::kSymlink;
      entry.target = text_or_empty(::archive_entry_symlink(at));
      break;
    case AE_IFIFO:
      entry.type = EntryType::kFifo;
      break;
    case AE_IFSOCK:
      entry.type = EntryType::kSocket;
      break;
    default:
      break;
  }
  if (const char* target = ::archive_entry_hardlink(at); target != nullptr) {
    entry.type = EntryType::kHardlink;
    entry.target = target;
  }
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  ::archive_entry_xattr_reset(at);
  while (::archive_entry_xattr_next(at, &name, &value, &size) == ARCHIVE_OK) {
    entry.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
}

Result<bool> TarReader::next() {
  const Utf8Names utf8;
  const int result = ::archive_read_next_header(state_->tar.get(), &state_->at);
  if (result == ARCHIVE_EOF) return false;
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
    return fail(state_->shown + ": found no tar archive, or a damaged one: " + reason(state_->tar.get()));
  }
  state_->fill_entry();
  if (state_->entry.path.empty()) return fail(state_->shown + ": found an entry without a name, expected one");
  return true;
}

void TarReader::leave_out_sums() {
  state_->sums = false;
}

const Entry& TarReader::entry() const {
  return state_->entry;
}

bool TarReader::is_device() const {
  const auto type = ::archive_entry_filetype(state_->at);
  return state_->entry.type == EntryType::kFile && (type == AE_IFCHR || type == AE_IFBLK);
}

bool TarReader::is_whiteout_device() const {
  return is_device() && ::archive_entry_filetype(state_->at) == AE_IFCHR &&
         ::archive_entry_rdevmajor(state_->at) == 0 && ::archive_entry_rdevminor(state_->at) == 0;
}

Status TarReader::write_content(int fd, Budget& budget) {
  // The whole size is taken before the first byte, so that the error names the file and not the disk. A sparse file
  // takes only the bytes that are written.
  const bool sparse = ::archive_entry_sparse_count(state_->at) > 0;
  const la_int64_t whole = ::archive_entry_size(state_->at);
  if (whole < 0) return fail(state_->shown + ": " + state_->entry.path + ": found a negative size");
  if (!sparse) METE_CHECK(budget.take(static_cast<std::uint64_t>(whole)));
  while (true) {
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = ::archive_read_data_block(state_->tar.get(), &data, &size, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) {
      return fail(state_->shown + ": " + state_->entry.path +
                  ": found a damaged or shortened archive: " + reason(state_->tar.get()));
    }
    if (sparse) METE_CHECK(budget.take(size));
    for (std::size_t done = 0; done < size;) {
      const ssize_t put = ::pwrite(fd, static_cast<const char*>(data) + done, size - done,
                                   static_cast<off_t>(offset) + static_cast<off_t>(done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail_errno("write " + state_->entry.path);
      done += static_cast<std::size_t>(put);
    }
  }
  // A sparse file may end with a hole.
  if (::ftruncate(fd, whole) != 0) return fail_errno("write " + state_->entry.path);
  return {};
}

Result<ArchiveSums> TarReader::finish() {
  State& state = *state_;
  const void* ignored = nullptr;
  while (true) {
    const la_ssize_t got = State::read_plain(state.tar.get(), &state, &ignored);
    if (got < 0) return fail(state.shown + ": found a damaged or shortened archive: " + reason(state.tar.get()));
    if (got == 0) break;
  }
  while (true) {  // data behind the compressed stream
    const la_ssize_t got = State::read_file(state.plain.get(), &state, &ignored);
    if (got < 0) return fail(state.shown + ": " + reason(state.plain.get()));
    if (got == 0) break;
  }
  const bool zeros = state.tail.find_first_not_of('\0') == std::string::npos;
  ArchiveSums sums;
  sums.whole = zeros && state.tail.size() == kTarBlock;
  if (!state.sums) return sums;
  sums.content = state.content_sum.hex();
  sums.file = state.compressed ? state.file_sum.hex() : sums.content;
  return sums;
}

}  // namespace mete::runtime::image
