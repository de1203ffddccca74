// SPDX-License-Identifier: Apache-2.0
// A context that comes as a tar archive.
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/image/archives/archive.h"

namespace mete::runtime::build {

// True: `head`, the first 512 bytes of a stream, begins an archive; else it is a Dockerfile.
[[nodiscard]] bool begins_archive(std::string_view head);

// Unpacks it into the empty `directory`; modes and times stay, root owns all. Devices are left out; nothing is written
// outside, and no more than fits on the file system. Its end mark may be missing: docker's client does not always send
// it.
[[nodiscard]] Status unpack_context(image::ByteSource source, const std::string& directory);

// A file of a context, which must be a regular one within it.
[[nodiscard]] Result<std::string> read_in_context(const std::string& context, const std::string& path,
                                                  std::size_t most);

}  // namespace mete::runtime::build
