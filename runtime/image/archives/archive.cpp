// SPDX-License-Identifier: Apache-2.0
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

  std::string shown;
  std::unique_ptr<PlainBytes> bytes;
  std::unique_ptr<archive, CloseArchive> tar;
  std::string tail;         // the last bytes of the tar
  std::uint64_t taken = 0;  // bytes of the tar so far
  bool all_taken = false;
  bool accepts_missing_end = false;
  bool ended_early = false;  // behind the content of an entry, without an end mark
  archive_entry* at = nullptr;
  Entry entry;

  Result<std::string_view> take();
  static la_ssize_t give_tar(archive* reader, void* self, const void** data);
  void fill_entry();
};

Result<std::string_view> TarReader::State::take() {
  METE_TRY(const std::string_view piece, bytes->next());
  taken += piece.size();
  all_taken = piece.empty();
  tail.append(piece.substr(piece.size() - std::min(piece.size(), kTarBlock)));
  if (tail.size() > kTarBlock) tail.erase(0, tail.size() - kTarBlock);
  return piece;
}

la_ssize_t TarReader::State::give_tar(archive* reader, void* self, const void** data) {
  const auto piece = static_cast<State*>(self)->take();
  if (!piece) {
    ::archive_set_error(reader, EIO, "%s", piece.error().what.c_str());
    return ARCHIVE_FATAL;
  }
  *data = piece->data();
  return static_cast<la_ssize_t>(piece->size());
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
  state->shown = std::move(shown);
  auto bytes = PlainBytes::open(std::move(source));
  if (!bytes) return fail_in(state->shown, bytes.error());
  state->bytes = std::move(*bytes);
  state->tar.reset(::archive_read_new());
  archive* tar = state->tar.get();
  if (tar == nullptr) return fail_errno("read " + state->shown, ENOMEM);
  ::archive_read_support_format_tar(tar);
  if (::archive_read_open(tar, state.get(), nullptr, State::give_tar, nullptr) != ARCHIVE_OK) {
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
  if (state_->ended_early) return false;
  const Utf8Names utf8;
  const bool is_first = state_->at == nullptr;
  const int result = ::archive_read_next_header(state_->tar.get(), &state_->at);
  if (result == ARCHIVE_EOF) {
    const la_int64_t at = ::archive_filter_bytes(state_->tar.get(), 0);
    state_->ended_early = !is_first && state_->all_taken && at >= 0 && static_cast<std::uint64_t>(at) == state_->taken;
    return false;
  }
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
    return fail(state_->shown + ": found no tar archive, or a damaged one: " + reason(state_->tar.get()));
  }
  state_->fill_entry();
  if (state_->entry.path.empty()) return fail(state_->shown + ": found an entry without a name, expected one");
  return true;
}

void TarReader::accept_missing_end() {
  state_->accepts_missing_end = true;
}

void TarReader::leave_out_sums() {
  state_->bytes->leave_out_sums();
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
  la_int64_t written = 0;
  while (true) {
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = ::archive_read_data_block(state_->tar.get(), &data, &size, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) {
      // All content was there: what the reader missed is its padding.
      state_->ended_early = state_->accepts_missing_end && state_->all_taken && !sparse && written == whole;
      if (state_->ended_early) break;
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
    written += static_cast<la_int64_t>(size);
  }
  // A sparse file may end with a hole.
  if (sparse && ::ftruncate(fd, whole) != 0) return fail_errno("write " + state_->entry.path);
  return {};
}

Result<ArchiveSums> TarReader::finish() {
  State& state = *state_;
  while (true) {
    const auto piece = state.take();
    if (!piece) return fail(state.shown + ": found a damaged or shortened archive: " + piece.error().what);
    if (piece->empty()) break;
  }
  if (const auto done = state.bytes->finish(); !done) return fail_in(state.shown, done.error());
  const bool zeros = state.tail.find_first_not_of('\0') == std::string::npos;
  ArchiveSums sums;
  sums.whole = (zeros && state.tail.size() == kTarBlock) || (state.accepts_missing_end && state.ended_early);
  auto [file, content] = state.bytes->sums();
  sums.file = std::move(file);
  sums.content = std::move(content);
  return sums;
}

}  // namespace mete::runtime::image
