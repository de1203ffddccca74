// SPDX-License-Identifier: Apache-2.0
// gzip (RFC 1952) as a stream, at level 1: after rendering, compression takes the largest share of a scrape.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::agent {

// Used by one thread at a time. The only error: zlib has no memory.
class GzipWriter {
 public:
  [[nodiscard]] static Result<GzipWriter> create();
  GzipWriter(GzipWriter&&) noexcept;
  GzipWriter& operator=(GzipWriter&&) noexcept;
  ~GzipWriter();

  // Appends finished output to `out`; that may be nothing yet.
  [[nodiscard]] Status append(std::string_view text, std::string& out);
  // Appends the rest and the trailer. No text may follow.
  [[nodiscard]] Status finish(std::string& out);

 private:
  struct Stream;
  explicit GzipWriter(std::unique_ptr<Stream> stream);
  [[nodiscard]] Status deflate(std::string_view text, int flush, std::string& out);
  std::unique_ptr<Stream> stream_;
};

}  // namespace mete::agent
