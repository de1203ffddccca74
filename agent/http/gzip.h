// SPDX-License-Identifier: Apache-2.0
// gzip (RFC 1952) as a stream, level 1: after the writer itself compressing dominates a scrape.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/result.h"

namespace mete::agent {

// One thread at a time. The error is zlib's: it has no memory.
class GzipWriter {
 public:
  [[nodiscard]] static Result<GzipWriter> create();
  GzipWriter(GzipWriter&&) noexcept;
  GzipWriter& operator=(GzipWriter&&) noexcept;
  ~GzipWriter();

  // Appends what is ready to `out`; that may be nothing yet.
  [[nodiscard]] Status append(std::string_view text, std::string& out);
  // The rest, and the trailer. Nothing may be appended after it.
  [[nodiscard]] Status finish(std::string& out);

 private:
  struct Stream;
  explicit GzipWriter(std::unique_ptr<Stream> stream);
  [[nodiscard]] Status deflate(std::string_view text, int flush, std::string& out);
  std::unique_ptr<Stream> stream_;
};

}  // namespace mete::agent
