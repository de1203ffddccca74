// SPDX-License-Identifier: Apache-2.0
// Writes a tar archive of files, front to back. Nothing in it depends on this machine or the time: owner 0, the epoch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/base/result.h"

struct archive;

namespace mete::runtime::image {

class TarStream {
 public:
  [[nodiscard]] static Result<TarStream> open(int out);
  TarStream(TarStream&&) noexcept = default;
  TarStream& operator=(TarStream&&) noexcept = default;

  [[nodiscard]] Status directory(const std::string& path);
  [[nodiscard]] Status file(const std::string& path, std::string_view text);
  // From the start of `fd`, which has `size` bytes.
  [[nodiscard]] Status file(const std::string& path, int fd, std::int64_t size);
  // Writes the end mark.
  [[nodiscard]] Status close();

 private:
  struct Free {
    void operator()(archive* writer) const;
  };
  TarStream() = default;
  [[nodiscard]] Status header(const std::string& path, unsigned type_and_mode, std::int64_t size);
  [[nodiscard]] Status bytes(std::string_view text);
  [[nodiscard]] Status failed() const;
  std::unique_ptr<archive, Free> writer_;
};

}  // namespace mete::runtime::image
