// SPDX-License-Identifier: Apache-2.0
// Reads JSON documents of other programs. Every access knows its path; a wrong type is recorded, not thrown, and
// reading continues with a default. The caller asks for the first problem once, at the end.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::oci {

class Problems {
 public:
  // "process.args: found a number, expected a list"; only the first is kept.
  void add(const std::string& path, std::string_view found, std::string_view expected);
  // For a field that is set and cannot be carried out.
  void refuse(const std::string& path, std::string_view why);
  [[nodiscard]] Status status() const;

 private:
  std::optional<Error> first_;
};

// A place in a document; the document must outlive it. The place may hold nothing, or null.
class Node {
 public:
  Node(const nlohmann::json* value, Problems& problems, std::string path);

  [[nodiscard]] bool present() const { return value_ != nullptr; }
  // True when the value is present and is not an empty list, object or text, 0 or false.
  [[nodiscard]] bool asks() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Problems& problems() const { return *problems_; }

  [[nodiscard]] Node operator[](std::string_view key) const;  // member of an object
  [[nodiscard]] std::vector<Node> items() const;              // of a list
  [[nodiscard]] std::vector<std::pair<std::string, Node>> members() const;

  // An absent value gives the default. A text with a NUL byte is refused: the kernel would cut it there.
  [[nodiscard]] std::string text(std::string_view otherwise = {}) const;
  [[nodiscard]] std::vector<std::string> texts() const;
  [[nodiscard]] bool boolean(bool otherwise = false) const;
  [[nodiscard]] std::int64_t integer(std::int64_t otherwise, std::int64_t lowest, std::int64_t highest) const;
  [[nodiscard]] std::uint64_t u64(std::uint64_t otherwise = 0) const;
  [[nodiscard]] std::int64_t i64(std::int64_t otherwise = 0) const;
  [[nodiscard]] std::uint32_t u32(std::uint32_t otherwise = 0) const;

  // Records a problem at this place.
  void bad(std::string_view found, std::string_view expected) const;
  void refuse(std::string_view why) const;

 private:
  void wrong_type(std::string_view expected) const;

  const nlohmann::json* value_;
  Problems* problems_;
  std::string path_;
};

// Parses the text. The error begins with `name` and contains the line and what was found.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text, const std::string& name);

}  // namespace mete::runtime::oci
