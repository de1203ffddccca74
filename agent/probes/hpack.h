// SPDX-License-Identifier: Apache-2.0
// What an HTTP/2 server says in its headers (HPACK, RFC 7541), for a client that allows no dynamic table. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mete::agent::hpack {

// In their order. Of the static table only `:status` is known by name and value; a header that the table names
// otherwise has an empty name. Empty: malformed, or it refers to a dynamic table.
using Headers = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::optional<Headers> decode(std::string_view block);

// Empty: malformed.
[[nodiscard]] std::optional<std::string> decode_huffman(std::string_view bytes);

// A header that is in no table. `index`: of its name in the static table; 0: `name` says it.
void append_literal(std::string& block, std::uint32_t index, std::string_view name, std::string_view value);

}  // namespace mete::agent::hpack
