// SPDX-License-Identifier: Apache-2.0
// Where archives come from and go to.
#pragma once

#include <functional>
#include <string>

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/image/archive.h"

namespace mete::agent::cli {

struct Input {
  runtime::UniqueFd file;  // holds what came by a pipe; `place` names it
  runtime::image::ArchivePlace place;
};

// `path` "-" is standard input. What is no regular file is copied into a file without a name in `directory` first,
// because archives are read twice.
[[nodiscard]] Result<Input> input_of(const std::string& path, const std::string& directory);

// Calls `write` with a descriptor. A file is there as a whole or not at all; `path` empty: standard output.
[[nodiscard]] Status write_output(const std::string& path, const std::function<Status(int)>& write);

}  // namespace mete::agent::cli
