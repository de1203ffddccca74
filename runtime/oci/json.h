// SPDX-License-Identifier: Apache-2.0
// Reading JSON of others: every access knows its path, a wrong type is noted and not thrown, and reading goes on with a
// default. Whoever reads asks for the first problem once, at the end.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

namespace mete::runtime::oci {

class Problems {
 public:
  // "process.args: found a number, expected a list"; only the first is kept.
  void add(const std::string& path, std::string_view found, std::string_view expected);
  // For what is asked for and cannot be done.
  void refuse(const std::string& path, std::string_view why);
  [[nodiscard]] Status status() const;

 private:
  std::optional<Error> first_;
};

// A place in a document, which must outlive it; there may be nothing (or null) at it.
class Node {
 public:
  Node(const nlohmann::json* value, Problems& problems, std::string path);

  [[nodiscard]] bool present() const { return value_ != nullptr; }
  // Present and neither an empty list, an empty object, an empty text, 0 nor false: something is asked for.
  [[nodiscard]] bool asks() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Problems& problems() const { return *problems_; }

  [[nodiscard]] Node operator[](std::string_view key) const;  // member of an object
  [[nodiscard]] std::vector<Node> items() const;              // of a list
  [[nodiscard]] std::vector<std::pair<std::string, Node>> members() const;

  // Absent: the default. A text with a NUL byte is refused: it would be cut where the kernel reads it.
  [[nodiscard]] std::string text(std::string_view otherwise = {}) const;
  [[nodiscard]] std::vector<std::string> texts() const;
  [[nodiscard]] bool boolean(bool otherwise = false) const;
  [[nodiscard]] std::int64_t integer(std::int64_t otherwise, std::int64_t lowest, std::int64_t highest) const;
  [[nodiscard]] std::uint64_t u64(std::uint64_t otherwise = 0) const;
  [[nodiscard]] std::int64_t i64(std::int64_t otherwise = 0) const;
  [[nodiscard]] std::uint32_t u32(std::uint32_t otherwise = 0) const;

  // Notes a problem at this place.
  void bad(std::string_view found, std::string_view expected) const;
  void refuse(std::string_view why) const;

 private:
  void wrong_type(std::string_view expected) const;

  const nlohmann::json* value_;
  Problems* problems_;
  std::string path_;
};

// The text as a document. `name` is put before the error, which says the line and what was found.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text, const std::string& name);

}  // namespace mete::runtime::oci
