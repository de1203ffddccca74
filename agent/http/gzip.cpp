// SPDX-License-Identifier: Apache-2.0
#include "agent/http/gzip.h"

#include <zlib.h>

#include <array>
#include <utility>

namespace mete::agent {

struct GzipWriter::Stream {
  z_stream z{};
  bool open = false;
  ~Stream() {
    if (open) ::deflateEnd(&z);
  }
};

GzipWriter::GzipWriter(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
GzipWriter::GzipWriter(GzipWriter&&) noexcept = default;
GzipWriter& GzipWriter::operator=(GzipWriter&&) noexcept = default;
GzipWriter::~GzipWriter() = default;

Result<GzipWriter> GzipWriter::create() {
  constexpr int kFastest = 1;
  constexpr int kGzipWindow = 15 + 16;  // deflateInit2: 16 more asks for a gzip head
  constexpr int kMemory = 8;
  auto stream = std::make_unique<Stream>();
  if (::deflateInit2(&stream->z, kFastest, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
    return fail("gzip: zlib found no memory");
  }
  stream->open = true;
  return GzipWriter(std::move(stream));
}

Status GzipWriter::deflate(std::string_view text, int flush, std::string& out) {
  z_stream& z = stream_->z;
  // zlib does not write to its input; its interface is older than const.
  z.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  z.avail_in = static_cast<uInt>(text.size());
  std::array<char, 16'384> buffer;
  int code = Z_OK;
  do {
    z.next_out = reinterpret_cast<Bytef*>(buffer.data());
    z.avail_out = static_cast<uInt>(buffer.size());
    code = ::deflate(&z, flush);
    if (code == Z_STREAM_ERROR) return fail("gzip: zlib refused the stream");
    out.append(buffer.data(), buffer.size() - z.avail_out);
  } while (z.avail_out == 0);
  return {};
}

Status GzipWriter::append(std::string_view text, std::string& out) {
  constexpr std::size_t kMost = 1U << 30U;  // zlib counts its input in 32 bits
  for (; text.size() > kMost; text.remove_prefix(kMost)) METE_CHECK(deflate(text.substr(0, kMost), Z_NO_FLUSH, out));
  return deflate(text, Z_NO_FLUSH, out);
}

Status GzipWriter::finish(std::string& out) {
  return deflate({}, Z_FINISH, out);
}

}  // namespace mete::agent
