// SPDX-License-Identifier: Apache-2.0
// The file that a command reads an archive from or writes one to; without a name, standard input or output.
#pragma once

#include <functional>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/image/archives/archive.h"

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
