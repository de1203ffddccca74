// SPDX-License-Identifier: Apache-2.0
// Manifest text to objects. Pure: reads no file, throws nothing, and is safe on any bytes (size, depth and alias
// expansion are bounded before the YAML library sees them).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/documents.h"

namespace mete::config {

inline constexpr std::size_t kMaxManifestBytes = 8U << 20U;  // text longer than this is refused unread
inline constexpr int kMaxNesting = 64;                       // mappings and lists within each other
inline constexpr std::size_t kMaxNodes = 100'000;            // of one document, aliases counted each time they are used

// Reads every document of `text`. All errors of all documents are collected; an object with an error is left out.
// `file` is only named in locations. `first_line` is the line of the file that `text` starts at.
[[nodiscard]] Documents read_documents(std::string_view text, std::string_view file, int first_line = 1);

struct DocumentText {
  std::string text;    // without its `---` line
  int first_line = 1;  // of `text` within the whole; pass it to read_documents
};

// Cuts at `---` lines (and `...` ends); documents of nothing but blanks and comments are left out.
[[nodiscard]] std::vector<DocumentText> split_documents(std::string_view text);

}  // namespace mete::config
