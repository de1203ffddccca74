// SPDX-License-Identifier: Apache-2.0
// Amounts and words as docker and compose write them, some of them in Kubernetes' form. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mete::config {

// "512m", "1.5GiB", "1048576", "2 kb" in bytes, cut to whole ones: what docker's clients and engine take (go-units:
// RAMInBytes, whose k, m, g, t and p are powers of 1024, and FromHumanSize, where they are powers of 1000). Empty: it
// is no size, or one of 2^63 bytes and more. The least and the most are each caller's own.
enum class SizeUnits : std::uint8_t { kBinary, kDecimal };
[[nodiscard]] std::optional<std::int64_t> docker_size(std::string_view text, SizeUnits units = SizeUnits::kBinary);

// "512m", "1.5gb", "1048576" -> "512Mi", "1536Mi", "1Mi"; docker's units are powers of 1024. Empty: it is no size.
[[nodiscard]] std::optional<std::string> size_from_docker(std::string_view text);

// "1m30s", "500ms", "10" -> whole seconds, rounded up. Empty: it is no duration.
[[nodiscard]] std::optional<int> seconds_from_docker(std::string_view text);

// A command in one text, as a shell splits it: blanks, quotes and backslashes. Empty: a quote is not closed.
[[nodiscard]] std::optional<std::vector<std::string>> shell_words(std::string_view text);

// Lines KEY=VALUE of an env file, in order; a value in quotes loses them. A line without `=` has no second part.
[[nodiscard]] std::vector<std::pair<std::string, std::optional<std::string>>> env_file_lines(std::string_view text);

// A DNS label made of the name: "My_App" -> "my-app".
[[nodiscard]] std::string label_from(std::string_view name);

}  // namespace mete::config
