// SPDX-License-Identifier: Apache-2.0
// One YAML document as a plain tree with a place for every node, so that the readers need not know the YAML library.
// Aliases and merge keys (`<<`) are already resolved. Internal to config/.
#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace mete::config {

struct NodeEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  bool plain = false;              // scalar written without quotes, so that `1` may be a number
  std::string text;                // scalar
  std::vector<YamlNode> items;     // list
  std::vector<NodeEntry> entries;  // mapping, in order, with duplicate keys
  int line = 1;                    // in the file, from 1
  int column = 1;
};

struct NodeEntry {
  std::string key;
  int line = 1;  // of the key
  int column = 1;
  YamlNode value;
};

struct ParseError {
  int line = 1;
  int column = 1;
  std::string message;
};

// The first value under `key`; nullptr when there is none or `node` is no mapping.
[[nodiscard]] const YamlNode* find(const YamlNode& node, std::string_view key);

// Parses text that holds one document (null when it is empty). Depth and number of nodes, aliases expanded, are
// bounded by kMaxNesting and kMaxNodes. Never throws.
[[nodiscard]] tl::expected<YamlNode, ParseError> parse_document(std::string_view text, int first_line);

// The errors that show without parsing: too long, not UTF-8, NUL or other control characters. Empty: none.
[[nodiscard]] std::vector<ParseError> check_text(std::string_view text, int first_line);

}  // namespace mete::config
