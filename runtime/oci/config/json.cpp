// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/json.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "runtime/json.h"

namespace mete::runtime::oci {
namespace {

std::string_view kind_of(const nlohmann::json& value) {
  using Type = nlohmann::json::value_t;
  switch (value.type()) {
    case Type::object:
      return "an object";
    case Type::array:
      return "a list";
    case Type::string:
      return "a text";
    case Type::boolean:
      return "a boolean";
    case Type::number_integer:
    case Type::number_unsigned:
      return "a number";
    case Type::number_float:
      return "a fraction";
    default:
      return "something else";
  }
}

// Highest nesting of lists and objects: the document tree is freed by recursion.
constexpr int kDeepest = 64;

// Checks the depth before the tree is built; only counts.
Status check_depth(std::string_view text, const std::string& name) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest)
        return fail(name + ": found lists and objects nested deeper than " + std::to_string(kDeepest));
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return {};
}

}  // namespace

void Problems::add(const std::string& path, std::string_view found, std::string_view expected) {
  if (first_) return;
  first_ = Error{0, path};
  first_->what.append(": found ").append(found).append(", expected ").append(expected);
}

void Problems::refuse(const std::string& path, std::string_view why) {
  if (!first_) first_ = Error{0, path + ": " + std::string(why)};
}

Status Problems::status() const {
  if (first_) return tl::unexpected<Error>(*first_);
  return {};
}

Node::Node(const nlohmann::json* value, Problems& problems, std::string path)
    : value_(value != nullptr && value->is_null() ? nullptr : value), problems_(&problems), path_(std::move(path)) {}

bool Node::asks() const {
  if (value_ == nullptr) return false;
  if (value_->is_boolean()) return value_->get<bool>();
  if (value_->is_number()) return *value_ != 0;
  if (value_->is_string()) return !value_->get_ref<const std::string&>().empty();
  return !value_->empty();
}

Node Node::operator[](std::string_view key) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  path += key;
  if (value_ == nullptr) return {nullptr, *problems_, std::move(path)};
  if (!value_->is_object()) {
    wrong_type("an object");
    return {nullptr, *problems_, std::move(path)};
  }
  const auto at = value_->find(key);
  return {at == value_->end() ? nullptr : &*at, *problems_, std::move(path)};
}

std::vector<Node> Node::items() const {
  std::vector<Node> all;
  if (value_ == nullptr) return all;
  if (!value_->is_array()) {
    wrong_type("a list");
    return all;
  }
  all.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i)
    all.emplace_back(&(*value_)[i], *problems_, path_ + "[" + std::to_string(i) + "]");
  return all;
}

std::vector<std::pair<std::string, Node>> Node::members() const {
  std::vector<std::pair<std::string, Node>> all;
  if (value_ == nullptr) return all;
  if (!value_->is_object()) {
    wrong_type("an object");
    return all;
  }
  for (const auto& [key, value] : value_->items()) all.emplace_back(key, Node(&value, *problems_, path_ + "." + key));
  return all;
}

std::string Node::text(std::string_view otherwise) const {
  if (value_ == nullptr) return std::string(otherwise);
  if (!value_->is_string()) {
    wrong_type("a text");
    return std::string(otherwise);
  }
  const auto& text = value_->get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) bad("a NUL byte", "a text without one");
  return text;
}

std::vector<std::string> Node::texts() const {
  std::vector<std::string> all;
  if (value_ == nullptr) return all;
  if (!value_->is_array()) {
    wrong_type("a list of texts");
    return all;
  }
  all.reserve(value_->size());
  for (const auto& each : *value_) {
    if (!each.is_string()) {
      bad(kind_of(each), "texts alone in this list");
      return all;
    }
    all.push_back(each.get_ref<const std::string&>());
    if (all.back().find('\0') != std::string::npos) bad("a NUL byte", "texts without one");
  }
  return all;
}

bool Node::boolean(bool otherwise) const {
  if (value_ == nullptr) return otherwise;
  if (value_->is_boolean()) return value_->get<bool>();
  wrong_type("true or false");
  return otherwise;
}

std::int64_t Node::integer(std::int64_t otherwise, std::int64_t lowest, std::int64_t highest) const {
  const std::int64_t number = i64(otherwise);
  if (number >= lowest && number <= highest) return number;
  if (present()) bad(std::to_string(number), std::to_string(lowest) + " to " + std::to_string(highest));
  return otherwise;
}

std::uint64_t Node::u64(std::uint64_t otherwise) const {
  if (value_ == nullptr) return otherwise;
  if (value_->is_number_unsigned()) return value_->get<std::uint64_t>();
  if (value_->is_number_integer()) {
    bad(std::to_string(value_->get<std::int64_t>()), "a number that is not negative");
  } else {
    wrong_type("a whole number");
  }
  return otherwise;
}

std::int64_t Node::i64(std::int64_t otherwise) const {
  if (value_ == nullptr) return otherwise;
  if (value_->is_number_unsigned()) {
    const auto number = value_->get<std::uint64_t>();
    if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return static_cast<std::int64_t>(number);
    bad(std::to_string(number), "a number of 63 bits");
  } else if (value_->is_number_integer()) {
    return value_->get<std::int64_t>();
  } else {
    wrong_type("a whole number");
  }
  return otherwise;
}

std::uint32_t Node::u32(std::uint32_t otherwise) const {
  const std::uint64_t number = u64(otherwise);
  if (number <= std::numeric_limits<std::uint32_t>::max()) return static_cast<std::uint32_t>(number);
  bad(std::to_string(number), "a number of 32 bits");
  return otherwise;
}

void Node::bad(std::string_view found, std::string_view expected) const {
  problems_->add(path_, found, expected);
}

void Node::refuse(std::string_view why) const {
  problems_->refuse(path_, why);
}

void Node::wrong_type(std::string_view expected) const {
  bad(kind_of(*value_), expected);
}

Result<nlohmann::json> parse_json(std::string_view text, const std::string& name) {
  METE_CHECK(check_depth(text, name));
  // Without exceptions the parser reports failure without a reason; after a failure the text is parsed again for the
  // reason.
  auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_discarded()) return document;
  try {
    const auto again = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const auto line =
        1 +
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size())), '\n');
    const char* const colon = std::strstr(error.what(), ": ");
    return fail(name + ": line " + std::to_string(line) +
                ": not JSON: " + (colon == nullptr ? error.what() : colon + 2));
  } catch (const nlohmann::json::exception& error) {  // a number that no machine type holds
    const char* const bracket = std::strstr(error.what(), "] ");
    return fail(name + ": not JSON: " + (bracket == nullptr ? error.what() : bracket + 2));
  }
  return fail(name + ": not JSON");
}

}  // namespace mete::runtime::oci
