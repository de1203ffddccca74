// SPDX-License-Identifier: Apache-2.0
// Turns manifest text into objects. Pure: reads no file and throws nothing. Safe on any bytes: size, depth and alias
// expansion are bounded before the YAML library parses the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/model/documents.h"

namespace mete::config {

inline constexpr std::size_t kMaxManifestBytes = 8U << 20U;  // longer text is an error and is not parsed
inline constexpr int kMaxNesting = 64;                       // nesting of mappings and lists
inline constexpr std::size_t kMaxNodes = 100'000;            // of one document; an alias counts each time it is used

// Reads every document of `text` and collects all errors of all documents; an object with an error is left out. `file`
// is used in locations only. `first_line` is the line of the file at which `text` begins.
[[nodiscard]] Documents read_documents(std::string_view text, std::string_view file, int first_line = 1);

struct DocumentText {
  std::string text;    // without its `---` line
  int first_line = 1;  // line of `text` within the file; argument of read_documents
};

// Splits the text at `---` lines (and `...` ends). Documents with only blanks and comments are left out.
[[nodiscard]] std::vector<DocumentText> split_documents(std::string_view text);

// The items of a document that is a list (List, PodList, ...), each as a document of its own: JSON on the item's line.
// Empty: it is no list, or cannot be read.
[[nodiscard]] std::vector<DocumentText> list_items(const DocumentText& document);

// The spec of the Pod of this name as JSON; empty when the text has none.
[[nodiscard]] std::string pod_spec_json(std::string_view text, std::string_view space, std::string_view name);

}  // namespace mete::config
