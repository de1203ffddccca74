// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "runtime/fd.h"

namespace mete::agent {

// The program at a path, which its processes see read-only (runtime/process/launch/own_image.h): one that is executed
// from here need not be executed a second time to protect its file from what it starts.
class ReadOnlyProgram {
 public:
  explicit ReadOnlyProgram(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] const std::string& path() const { return path_; }
  // A detached mount of the file that is at the path now; -1: there may be none, and the path is executed.
  [[nodiscard]] int mount();

 private:
  std::string path_;
  runtime::UniqueFd mount_;
  std::array<std::int64_t, 4> version_{};  // of the file
};

}  // namespace mete::agent
