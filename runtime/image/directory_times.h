// SPDX-License-Identifier: Apache-2.0
// The times of a layer's directories until all entries are made, because each entry made in a directory changes its
// time. Takes the same memory for ten directories and a million: what is more goes into a file without a name.
#pragma once

#include <ctime>
#include <functional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::image {

class DirectoryTimes {
 public:
  // `root`: the layer's directory, on whose file system the file is made.
  [[nodiscard]] Status add(int root, const std::string& path, const timespec& time);
  using Use = std::function<Status(const std::string& path, const timespec& time)>;
  // In the order in which they were added. Forgets them.
  [[nodiscard]] Status each(const Use& use);

 private:
  [[nodiscard]] Status spill(int root);
  std::string pending_;
  UniqueFd file_;  // what came before `pending_`
};

}  // namespace mete::runtime::image
