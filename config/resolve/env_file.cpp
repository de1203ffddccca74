// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/env_file.h"

#include <algorithm>

#include "config/model/runtime_values.h"

namespace mete::config {
namespace {

constexpr std::string_view kPrefix = "file/";
constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed_line(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

class EnvFile {
 public:
  explicit EnvFile(std::string_view text) : rest_(text) {}

  Result<std::optional<std::string>> value_of(std::string_view wanted) {
    while (!rest_.empty()) {
      const std::string_view line = trimmed_line(take_line());
      if (line.empty() || line.front() == '#') continue;
      const auto equals = line.find('=');
      if (equals == std::string_view::npos) return wrong("found no `=`, expected KEY=VALUE");
      const std::string_view key = trimmed_line(line.substr(0, equals));
      METE_TRY(std::string value, value_from(trimmed_line(line.substr(equals + 1))));
      if (key.empty() || key.size() > kLongestFileKey) return wrong("expected a key of 1 to 128 characters");
      if (value.size() > kLongestFileValue) return wrong("expected a value of at most 32 KiB");
      if (value.find('\0') != std::string::npos) return wrong("found a NUL character, expected text");
      if (key == wanted) return std::optional<std::string>(std::move(value));
    }
    return std::optional<std::string>();
  }

 private:
  std::string_view take_line() {
    ++line_;
    const std::string_view line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(rest_.size(), line.size() + 1));
    return line;
  }

  // `text`: what follows the `=`. A quoted value may go on in the lines below.
  Result<std::string> value_from(std::string_view text) {
    if (!text.starts_with('\'')) return std::string(text);
    text.remove_prefix(1);
    std::string value;
    const int first = line_;
    while (text.find('\'') == std::string_view::npos) {
      value.append(text).push_back('\n');
      if (rest_.empty()) {
        line_ = first;
        return wrong("a quote is opened and never closed");
      }
      text = take_line();
    }
    const auto end = text.find('\'');
    value.append(text.substr(0, end));
    if (!trimmed_line(text.substr(end + 1)).empty()) return wrong("found text after the closing quote, expected none");
    return value;
  }

  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& what) const {
    return fail("line " + std::to_string(line_) + ": " + what);
  }

  std::string_view rest_;
  int line_ = 0;
};

// "file/o/VOLUME/KEY=PATH": neither a volume's name has '/' nor a key '='.
std::optional<FileKeyRef> parse_mark(std::string_view key) {
  if (!key.starts_with(kPrefix)) return std::nullopt;
  key.remove_prefix(kPrefix.size());
  FileKeyRef ref;
  ref.optional = key.starts_with("o/");
  key.remove_prefix(2);
  const auto slash = key.find('/');
  ref.volume = key.substr(0, slash);
  key.remove_prefix(slash + 1);
  const auto equals = key.find('=');
  ref.key = key.substr(0, equals);
  ref.path = key.substr(equals + 1);
  return ref;
}

class Filler {
 public:
  explicit Filler(const FileValues& values) : values_(values) {}

  // Empty: the text is nothing but a value that is missing.
  Result<std::optional<std::string>> fill(const std::string& text) {
    bool lone_and_missing = false;
    Status done;
    std::string filled = fill_runtime_values(text, [&](std::string_view key) {
      const auto ref = parse_mark(key);
      if (!ref) return runtime_value(key);
      auto value = values_(*ref);
      if (value && !*value && !ref->optional) {
        value = fail("fileKeyRef: key \"" + ref->key + "\" not found in file \"" + ref->path + "\" of volume \"" +
                     ref->volume + "\"");
      }
      if (!value) {
        done = tl::unexpected(value.error());
        return std::string();
      }
      lone_and_missing = !*value && text == file_value_mark(*ref);
      return value->value_or("");
    });
    if (!done) return tl::unexpected(done.error());
    if (lone_and_missing) return std::optional<std::string>();
    return std::optional<std::string>(std::move(filled));
  }

  Status fill_all(std::vector<std::string>& texts) {
    for (auto& text : texts) {
      METE_TRY(const auto filled, fill(text));
      text = filled.value_or("");
    }
    return {};
  }

 private:
  const FileValues& values_;
};

}  // namespace

Result<std::optional<std::string>> env_file_value(std::string_view text, std::string_view key) {
  if (text.size() > kLargestEnvFile)
    return fail("found " + std::to_string(text.size()) + " bytes, expected at most 65536");
  return EnvFile(text).value_of(key);
}

std::string file_value_mark(const FileKeyRef& ref) {
  return runtime_value(std::string(kPrefix) + (ref.optional ? "o/" : "-/") + ref.volume + "/" + ref.key + "=" +
                       ref.path);
}

Result<ContainerPlan> with_file_values(ContainerPlan plan, const FileValues& values) {
  Filler filler(values);
  std::vector<EnvValue> env;
  for (auto& each : plan.env) {
    METE_TRY(auto value, filler.fill(each.value));
    if (value) env.push_back({std::move(each.name), std::move(*value)});
  }
  plan.env = std::move(env);
  METE_CHECK(filler.fill_all(plan.command));
  METE_CHECK(filler.fill_all(plan.args));
  METE_CHECK(filler.fill_all(plan.sub_paths));
  return plan;
}

}  // namespace mete::config
