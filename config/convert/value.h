// SPDX-License-Identifier: Apache-2.0
// A manifest that is being made, and its text as YAML. Internal to config/.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mete::config {

// A text, number, truth, list or mapping in the order in which it was filled; or nothing, which is not written.
class Value {
 public:
  Value() = default;
  Value(std::string text) : content_(std::move(text)) {}                  // NOLINT(google-explicit-constructor)
  Value(const char* text) : content_(std::string(text)) {}                // NOLINT(google-explicit-constructor)
  Value(bool truth) : content_(Word{truth ? "true" : "false"}) {}         // NOLINT(google-explicit-constructor)
  Value(std::int64_t number) : content_(Word{std::to_string(number)}) {}  // NOLINT(google-explicit-constructor)
  Value(int number) : Value(std::int64_t{number}) {}                      // NOLINT(google-explicit-constructor)

  // The member of this name, made when it is missing; what was no mapping becomes one.
  Value& operator[](const std::string& key);
  void push(Value item);
  // Appends what is in `more`, a list.
  void append(Value more);
  // Nothing, or a list or mapping with nothing in it.
  [[nodiscard]] bool empty() const;

  // Lines of YAML, each with its line end.
  [[nodiscard]] std::string yaml() const;

 private:
  struct Word {
    std::string text;
  };
  using List = std::vector<Value>;
  using Map = std::vector<std::pair<std::string, Value>>;
  [[nodiscard]] std::string scalar() const;
  void write(std::string& out, std::size_t indent) const;
  void write_list(std::string& out, std::size_t indent) const;
  void write_map(std::string& out, std::size_t indent, bool behind_dash) const;

  std::variant<std::monostate, std::string, Word, List, Map> content_;
};

// A scalar of YAML that is read as this text again: in quotes where it needs them.
[[nodiscard]] std::string yaml_scalar(const std::string& text);

}  // namespace mete::config
