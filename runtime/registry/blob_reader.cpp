// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/blob_reader.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "runtime/file.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::registry {
namespace {

constexpr int kMostFailures = 5;
constexpr std::size_t kPiece = 128U << 10U;
constexpr std::int64_t kMostDocument = 4 << 20;

}  // namespace

BlobReader::BlobReader(Session& session, std::string repository, image::Descriptor blob, Progress progress)
    : session_(session), repository_(std::move(repository)), blob_(std::move(blob)), progress_(std::move(progress)) {}

std::string BlobReader::shown() const {
  return session_.registry() + "/" + repository_ + "@" + blob_.digest;
}

Status BlobReader::skip(std::int64_t bytes) {
  std::string piece(kPiece, '\0');
  while (bytes > 0) {
    METE_TRY(const std::size_t got,
             session_.http().read(piece.data(), std::min(piece.size(), static_cast<std::size_t>(bytes))));
    if (got == 0) return tl::unexpected(Error{ECONNRESET, shown() + ": the answer is cut"});
    bytes -= static_cast<std::int64_t>(got);
  }
  return {};
}

Status BlobReader::open() {
  Call call;
  call.target = "/v2/" + repository_ + "/blobs/" + blob_.digest;
  call.scopes = {"repository:" + repository_ + ":pull"};
  call.seconds = 0;
  if (got_ > 0) call.headers.push_back("Range: bytes=" + std::to_string(got_) + "-");
  METE_TRY(const HttpHead head, session_.open(call));
  if (head.status == 429 || head.status >= 500)
    return tl::unexpected(Error{ECONNRESET, refusal(shown(), {head, ""}).what});
  if (head.status != 200 && head.status != 206) {
    auto body = session_.http().read_all(64U << 10U);
    return tl::unexpected(refusal(shown(), {head, body.value_or("")}));
  }
  open_ = true;
  if (got_ == 0) return {};
  // A server may send all of it again.
  if (head.status == 200) return skip(got_);
  const std::string expected = "bytes " + std::to_string(got_) + "-";
  if (const std::string range = head.header("content-range"); !range.starts_with(expected))
    return fail(shown() + ": found the range \"" + range + "\", expected " + expected);
  return {};
}

Result<std::size_t> BlobReader::read(char* buffer, std::size_t size) {
  while (true) {
    Status opened = open_ ? Status() : open();
    Result<std::size_t> part = 0U;
    if (opened) {
      part = session_.http().read(buffer, size);
    } else {
      part = tl::unexpected(std::move(opened.error()));
    }
    if (part && (*part > 0 || got_ == blob_.size)) {
      got_ += static_cast<std::int64_t>(*part);
      failures_ = 0;
      if (got_ > blob_.size)
        return fail(shown() + ": found more than " + std::to_string(blob_.size) + " bytes, expected that many");
      if (progress_) progress_(got_);
      return *part;
    }
    // An end that comes too early may be the connection's, not the registry's lie.
    const bool cut = part || part.error().code == ECONNRESET || (part.error().code == ECONNREFUSED && got_ > 0);
    if (!cut) return tl::unexpected(std::move(part.error()));
    if (++failures_ > kMostFailures) {
      return fail(shown() + ": found " + std::to_string(got_) + " bytes in " + std::to_string(failures_) +
                  " attempts, expected " + std::to_string(blob_.size) + (part ? "" : ": " + part.error().what));
    }
    session_.http().end();
    open_ = false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50 << failures_));
  }
}

Result<std::string> read_document(Session& session, const std::string& repository, const image::Descriptor& blob) {
  const std::string shown = session.registry() + "/" + repository + "@" + blob.digest;
  if (blob.size < 0 || blob.size > kMostDocument)
    return fail(shown + ": found a document of " + std::to_string(blob.size) + " bytes, expected at most " +
                std::to_string(kMostDocument));
  BlobReader reader(session, repository, blob, nullptr);
  std::string text;
  std::string piece(kPiece, '\0');
  while (true) {
    METE_TRY(const std::size_t got, reader.read(piece.data(), piece.size()));
    if (got == 0) break;
    text.append(piece, 0, got);
  }
  if (const std::string found = "sha256:" + image::sha256_hex(text); found != blob.digest)
    return fail(shown + ": found content with the digest " + found + ", expected " + blob.digest);
  return text;
}

Status read_to_file(Session& session, const std::string& repository, const image::Descriptor& blob, int fd) {
  BlobReader reader(session, repository, blob, nullptr);
  image::Sha256 sum;
  std::string piece(kPiece, '\0');
  while (true) {
    METE_TRY(const std::size_t got, reader.read(piece.data(), piece.size()));
    if (got == 0) break;
    const std::string_view part(piece.data(), got);
    sum.update(part);
    METE_CHECK(write_all(fd, part));
  }
  if ("sha256:" + sum.hex() != blob.digest)
    return fail(session.registry() + "/" + repository + ": found another content than " + blob.digest);
  return {};
}

}  // namespace mete::runtime::registry
