// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace mete::testing {

// A directory of the test's own, removed with everything in it.
class TempDir {
 public:
  explicit TempDir(const std::string& below = "/tmp") {
    std::string path = below + "/mete-test-XXXXXX";
    if (const char* made = ::mkdtemp(path.data()); made != nullptr) path_ = made;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace mete::testing
