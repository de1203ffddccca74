// SPDX-License-Identifier: Apache-2.0
// Bodies of requests that may have any size, such as archives: they go into a file piece by piece, so that neither the
// memory of the server nor its loop bears them.
#pragma once

#include <functional>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent {

struct HttpSpool {
  // Whether the body of such a request goes into a file. `path` is decoded, and has no query.
  std::function<bool(const std::string& method, const std::string& path)> takes;
  // A file without a name, empty.
  std::function<Result<runtime::UniqueFd>()> make;
  // Appends `piece` on another thread, and calls `done` on the loop. `file` stays open until then.
  std::function<void(int file, std::string piece, std::function<void(Status)> done)> write;
};

}  // namespace mete::agent
