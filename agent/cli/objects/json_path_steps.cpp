// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/json_path_steps.h"

#include <algorithm>
#include <charconv>

namespace mete::agent::cli::json_path {
namespace {

constexpr std::size_t kDeepest = 64;  // filters in filters

std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 20;
  return text.empty() ? "the end" : "\"" + std::string(text.substr(0, kShown)) + "\"";
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

std::optional<long> take_number(std::string_view& text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool in_name(char c) {
  return c == '_' || c == '-' || c == '/' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

// ".name" with \. for a dot that belongs to the name.
std::string take_name(std::string_view& text) {
  std::string name;
  while (!text.empty()) {
    if (text.size() > 1 && text[0] == '\\') {
      name += text[1];
      text.remove_prefix(2);
    } else if (in_name(text.front())) {
      name += text.front();
      text.remove_prefix(1);
    } else {
      break;
    }
  }
  return name;
}

class Reader {
 public:
  explicit Reader(std::size_t depth) : depth_(depth) {}

  Result<Path> path(std::string_view& text) const {
    Path path;
    while (!text.empty()) {
      if (take(text, "..")) {
        path.push_back({{Descendants{}}, {}});
        if (text.empty() || text.front() == '[' || text.front() == '*') {
          if (take(text, "*")) path.push_back({{Every{}}, {}});
          continue;
        }
        METE_CHECK(field(text, path));
      } else if (take(text, ".")) {
        // "{.}" is the value itself; ".[0]" is "[0]".
        if (text.empty() || text.front() == '[' || text.front() == '}' || text.front() == ' ') continue;
        if (take(text, "*")) {
          path.push_back({{Every{}}, {}});
          continue;
        }
        METE_CHECK(field(text, path));
      } else if (take(text, "[")) {
        METE_TRY(Step step, brackets(text));
        path.push_back(std::move(step));
      } else {
        break;
      }
    }
    return path;
  }

 private:
  static Status field(std::string_view& text, Path& path) {
    const std::string_view before = text;
    std::string name = take_name(text);
    if (name.empty()) return fail("found " + shown(before) + ", expected a name");
    path.push_back({{Field{std::move(name)}}, {}});
    return {};
  }

  Result<Step> brackets(std::string_view& text) const {
    Step step;
    if (take(text, "?(")) {
      METE_TRY(Filter one, filter(text));
      step.filter.push_back(std::move(one));
      if (!take(text, ")]")) return fail("found " + shown(text) + ", expected \")]\"");
      return step;
    }
    while (true) {
      skip_blanks(text);
      METE_CHECK(choice(text, step));
      skip_blanks(text);
      if (take(text, ",")) continue;
      if (take(text, "]")) return step;
      return fail("found " + shown(text) + ", expected \"]\"");
    }
  }

  static Status choice(std::string_view& text, Step& step) {
    if (take(text, "*")) {
      step.choices.emplace_back(Every{});
      return {};
    }
    if (text.starts_with('\'') || text.starts_with('"')) {
      METE_TRY(std::string name, take_quoted(text));
      step.choices.emplace_back(Field{std::move(name)});
      return {};
    }
    const std::string_view before = text;
    Slice slice{take_number(text), std::nullopt, 1};
    if (!take(text, ":")) {
      if (!slice.from) return fail("found " + shown(before) + ", expected a number, a name in quotes, * or ?(...)");
      step.choices.emplace_back(*slice.from);
      return {};
    }
    slice.to = take_number(text);
    if (take(text, ":")) slice.step = take_number(text).value_or(1);
    if (slice.step < 1) return fail("found the step " + std::to_string(slice.step) + ", expected 1 or more");
    step.choices.emplace_back(slice);
    return {};
  }

  Result<Filter> filter(std::string_view& text) const {
    if (depth_ >= kDeepest) return fail("found filters in filters, expected at most 64");
    Filter filter;
    METE_TRY(filter.left, side(text));
    skip_blanks(text);
    constexpr std::pair<std::string_view, Filter::Op> kOps[] = {
        {"==", Filter::Op::kEqual},   {"!=", Filter::Op::kNotEqual}, {"<=", Filter::Op::kAtMost},
        {">=", Filter::Op::kAtLeast}, {"<", Filter::Op::kLess},      {">", Filter::Op::kMore}};
    const auto* const op =
        std::find_if(std::begin(kOps), std::end(kOps), [&](const auto& each) { return text.starts_with(each.first); });
    if (op == std::end(kOps)) return filter;
    text.remove_prefix(op->first.size());
    filter.op = op->second;
    METE_TRY(filter.right, side(text));
    skip_blanks(text);
    return filter;
  }

  Result<Filter::Side> side(std::string_view& text) const {
    skip_blanks(text);
    Filter::Side side;
    const bool here = take(text, "@");
    if (here || take(text, "$")) {
      side.from_root = !here;
      METE_TRY(side.path, Reader(depth_ + 1).path(text));
      return side;
    }
    if (text.starts_with('\'') || text.starts_with('"')) {
      METE_TRY(side.literal, take_quoted(text));
      return side;
    }
    const std::size_t end = std::min(text.find_first_of(" )=<>!"), text.size());
    const Json literal = Json::parse(text.substr(0, end), nullptr, false);
    if (literal.is_discarded() || literal.is_structured())
      return fail("found " + shown(text) + ", expected @ with a path, a number, true, false or text in quotes");
    side.literal = literal;
    text.remove_prefix(end);
    return side;
  }

  std::size_t depth_;
};

void add_all(const Json& value, std::vector<const Json*>& to) {
  for (const auto& each : value) to.push_back(&each);
}

void add_descendants(const Json& value, std::vector<const Json*>& to) {
  to.push_back(&value);
  if (!value.is_structured()) return;
  for (const auto& each : value) add_descendants(each, to);
}

void add_slice(const Json& list, const Slice& slice, std::vector<const Json*>& to) {
  const auto size = static_cast<long>(list.size());
  const auto place = [size](long index) { return std::clamp(index < 0 ? index + size : index, 0L, size); };
  const long end = slice.to ? place(*slice.to) : size;
  for (long i = place(slice.from.value_or(0)); i < end; i += slice.step)
    to.push_back(&list[static_cast<std::size_t>(i)]);
}

struct Chooser {
  const Json& value;
  std::vector<const Json*>& to;

  void operator()(const Field& field) const {
    if (value.is_object() && value.contains(field.name)) to.push_back(&value[field.name]);
  }
  void operator()(const Every& /*unused*/) const {
    if (value.is_structured()) add_all(value, to);
  }
  void operator()(const Descendants& /*unused*/) const { add_descendants(value, to); }
  void operator()(const Slice& slice) const {
    if (value.is_array()) add_slice(value, slice, to);
  }
  void operator()(long index) const {
    const auto size = value.is_array() ? static_cast<long>(value.size()) : 0;
    const long at = index < 0 ? index + size : index;
    if (at >= 0 && at < size) to.push_back(&value[static_cast<std::size_t>(at)]);
  }
};

std::optional<Json> value_of(const Filter::Side& side, const Scope& scope) {
  if (side.literal) return side.literal;
  const auto found = find(side.path, {scope.root, side.from_root ? scope.root : scope.here});
  return found.empty() ? std::nullopt : std::optional<Json>(*found.front());
}

bool holds(const Filter& filter, const Scope& scope) {
  const auto left = value_of(filter.left, scope);
  if (filter.op == Filter::Op::kExists) return left.has_value();
  const auto right = value_of(filter.right, scope);
  if (!left || !right) return false;
  const bool comparable = left->type() == right->type() || (left->is_number() && right->is_number());
  switch (filter.op) {
    case Filter::Op::kEqual:
      return comparable && *left == *right;
    case Filter::Op::kNotEqual:
      return !comparable || *left != *right;
    case Filter::Op::kLess:
      return comparable && *left < *right;
    case Filter::Op::kAtMost:
      return comparable && *left <= *right;
    case Filter::Op::kMore:
      return comparable && *left > *right;
    default:
      return comparable && *left >= *right;
  }
}

}  // namespace

Result<Path> take_path(std::string_view& text) {
  return Reader(0).path(text);
}

Result<std::string> take_quoted(std::string_view& text) {
  const char quote = text.front();
  std::string read;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      text.remove_prefix(i + 1);
      return read;
    }
    if (text[i] != '\\' || i + 1 == text.size()) {
      read += text[i];
      continue;
    }
    const char escaped = text[++i];
    read += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'r' ? '\r' : escaped;
  }
  return fail("found " + shown(text) + ", expected a quote at its end");
}

std::vector<const Json*> find(const Path& path, const Scope& scope) {
  std::vector<const Json*> found = {&scope.here};
  for (const auto& step : path) {
    std::vector<const Json*> next;
    for (const Json* value : found) {
      if (step.filter.empty()) {
        for (const auto& choice : step.choices) std::visit(Chooser{*value, next}, choice);
        continue;
      }
      if (!value->is_structured()) continue;
      for (const auto& each : *value) {
        if (holds(step.filter.front(), {scope.root, each})) next.push_back(&each);
      }
    }
    found = std::move(next);
  }
  return found;
}

}  // namespace mete::agent::cli::json_path
