// SPDX-License-Identifier: Apache-2.0
// gzip is ISA-L's where it is installed. Everything else is a libarchive reader of the format "raw".
#include "runtime/image/archives/plain_bytes.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <utility>

#include "runtime/image/archives/gunzip.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::image {
namespace {

constexpr std::size_t kBuffer = 128U << 10U;
constexpr std::string_view kGzip = "\x1f\x8b\x08";

std::string reader_error(archive* reader) {
  const char* text = ::archive_error_string(reader);
  return text == nullptr ? "unknown error" : text;
}

}  // namespace

struct PlainBytes::State {
  struct CloseReader {
    void operator()(archive* read) const { ::archive_read_free(read); }
  };

  ByteSource source;
  // Not filled with zeros, so that of a small archive's reader no more memory is touched than the archive needs.
  std::unique_ptr<char[]> file_buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
  std::string_view ahead;  // of the file: read and not yet given to anyone
  bool compressed = true;  // false: file and content have the same sum
  bool sums = true;
  Sha256 file_sum;
  Sha256 content_sum;
  std::unique_ptr<Gunzip> gunzip;
  std::string_view packed;  // gzip data that has come
  bool inside = false;      // a member of it
  std::unique_ptr<archive, CloseReader> reader;

  Result<std::string_view> take_file();
  Result<std::string_view> unpack();
  Status open_reader();
  static la_ssize_t give_file(archive* reader, void* self, const void** data);
};

Result<std::string_view> PlainBytes::State::take_file() {
  std::string_view piece = std::exchange(ahead, {});
  if (piece.empty()) {
    METE_TRY(const std::size_t got, source(file_buffer.get(), kBuffer));
    piece = {file_buffer.get(), got};
  }
  if (compressed && sums) file_sum.update(piece);
  return piece;
}

la_ssize_t PlainBytes::State::give_file(archive* reader, void* self, const void** data) {
  const auto piece = static_cast<State*>(self)->take_file();
  if (!piece) {
    ::archive_set_error(reader, EIO, "%s", piece.error().what.c_str());
    return ARCHIVE_FATAL;
  }
  *data = piece->data();
  return static_cast<la_ssize_t>(piece->size());
}

Status PlainBytes::State::open_reader() {
  reader.reset(::archive_read_new());
  archive* plain = reader.get();
  if (plain == nullptr) return fail_errno("read an archive", ENOMEM);
  // Not "all": that includes filters that start a program.
  ::archive_read_support_filter_gzip(plain);
  ::archive_read_support_filter_xz(plain);
  ::archive_read_support_filter_zstd(plain);
  ::archive_read_support_format_raw(plain);
  archive_entry* whole = nullptr;
  if (::archive_read_open(plain, this, nullptr, give_file, nullptr) != ARCHIVE_OK ||
      ::archive_read_next_header(plain, &whole) != ARCHIVE_OK) {
    return fail(reader_error(plain));
  }
  compressed = ::archive_filter_count(plain) > 1;  // the last filter is the file itself
  return {};
}

// Members of gzip one after another are one content. What follows them and is none is left out, as gzip does.
Result<std::string_view> PlainBytes::State::unpack() {
  std::size_t made = 0;
  while (made < kBuffer) {
    if (packed.empty()) {
      METE_TRY(packed, take_file());
      if (packed.empty() && inside) return fail("found a shortened gzip file, expected its end");
    }
    if (!inside && !packed.starts_with(kGzip[0])) break;
    auto step = gunzip->step(packed, buffer.get() + made, kBuffer - made);
    if (!step) return tl::unexpected(std::move(step.error()));
    packed.remove_prefix(step->taken);
    made += step->made;
    inside = !step->end;
  }
  return std::string_view(buffer.get(), made);
}

PlainBytes::PlainBytes(std::unique_ptr<State> state) : state_(std::move(state)) {}
PlainBytes::~PlainBytes() = default;

Result<std::unique_ptr<PlainBytes>> PlainBytes::open(ByteSource source) {
  auto state = std::make_unique<State>();
  state->source = std::move(source);
  std::size_t first = 0;
  while (first < kGzip.size()) {
    METE_TRY(const std::size_t got, state->source(state->file_buffer.get() + first, kBuffer - first));
    if (got == 0) break;
    first += got;
  }
  state->ahead = {state->file_buffer.get(), first};
  if (state->ahead.starts_with(kGzip)) state->gunzip = Gunzip::open();
  if (!state->gunzip) METE_CHECK(state->open_reader());
  return std::unique_ptr<PlainBytes>(new PlainBytes(std::move(state)));
}

void PlainBytes::leave_out_sums() {
  state_->sums = false;
}

Result<std::string_view> PlainBytes::next() {
  State& state = *state_;
  std::string_view piece;
  if (state.gunzip) {
    METE_TRY(piece, state.unpack());
  } else {
    const la_ssize_t got = ::archive_read_data(state.reader.get(), state.buffer.get(), kBuffer);
    if (got < 0) return fail(reader_error(state.reader.get()));
    piece = {state.buffer.get(), static_cast<std::size_t>(got)};
  }
  if (state.sums) state.content_sum.update(piece);
  return piece;
}

Status PlainBytes::finish() {
  while (true) {
    METE_TRY(const std::string_view piece, state_->take_file());
    if (piece.empty()) return {};
  }
}

PlainBytes::Sums PlainBytes::sums() {
  Sums sums;
  if (!state_->sums) return sums;
  sums.content = state_->content_sum.hex();
  sums.file = state_->compressed ? state_->file_sum.hex() : sums.content;
  return sums;
}

}  // namespace mete::runtime::image
