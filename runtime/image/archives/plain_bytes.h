// SPDX-License-Identifier: Apache-2.0
// The bytes of an archive without their compression (gzip, xz, zstd or none), in one pass. What comes in and what goes
// out are hashed on the way.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::runtime::image {

// Fills the start of the buffer and returns how much of it; 0: the end.
using ByteSource = std::function<Result<std::size_t>(char* buffer, std::size_t size)>;

class PlainBytes {
 public:
  // Errors do not name the archive.
  [[nodiscard]] static Result<std::unique_ptr<PlainBytes>> open(ByteSource source);
  ~PlainBytes();
  PlainBytes(const PlainBytes&) = delete;
  PlainBytes& operator=(const PlainBytes&) = delete;

  void leave_out_sums();
  // The next piece, valid until the next call. Empty: the end.
  [[nodiscard]] Result<std::string_view> next();
  // Reads what lies behind the compressed data: it belongs to the sum of the file.
  [[nodiscard]] Status finish();
  struct Sums {
    std::string file;     // sha256 of what came in
    std::string content;  // of what went out
  };
  // Once, after finish(). Empty ones where they are left out.
  [[nodiscard]] Sums sums();

 private:
  struct State;
  explicit PlainBytes(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mete::runtime::image
