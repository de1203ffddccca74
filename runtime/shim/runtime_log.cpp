// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/runtime_log.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace mete::runtime::shim {
namespace {

void append_utf8(std::uint32_t code, std::string& to) {
  const auto byte = [&](std::uint32_t value) { to += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0U | code >> 6U);
    byte(0x80U | (code & 0x3FU));
  } else {
    byte(0xE0U | code >> 12U);
    byte(0x80U | (code >> 6U & 0x3FU));
    byte(0x80U | (code & 0x3FU));
  }
}

char plain_escape(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return letter;  // the quote, the backslash, the slash
  }
}

// A JSON text that begins after its quote. Takes it off `rest` with the quote at its end; empty: it has no end.
std::optional<std::string> take_text(std::string_view& rest) {
  std::string text;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return text;
    }
    if (rest[i] != '\\') {
      text += rest[i];
      continue;
    }
    if (++i == rest.size()) break;
    if (rest[i] != 'u') {
      text += plain_escape(rest[i]);
      continue;
    }
    std::uint32_t code = 0;
    if (rest.size() - i < 5) break;
    const char* const digits = rest.data() + i + 1;
    if (std::from_chars(digits, digits + 4, code, 16).ptr != digits + 4) break;
    append_utf8(code, text);
    i += 4;
  }
  return std::nullopt;
}

// The value of a member whose value is a text. Members of objects inside are taken for the line's own: no runtime
// writes any.
std::string member(std::string_view line, std::string_view name) {
  bool wanted = false;
  while (!line.empty()) {
    const char c = line.front();
    line.remove_prefix(1);
    if (c != '"') {
      if (c == ',') wanted = false;
      continue;
    }
    const auto text = take_text(line);
    if (!text) return {};
    if (wanted) return *text;
    const auto after = line.find_first_not_of(" \t");
    wanted = after != std::string_view::npos && line[after] == ':' && *text == name;
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string all(text);
  std::transform(all.begin(), all.end(), all.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return all;
}

}  // namespace

std::string last_error(std::string_view log) {
  std::string found;
  while (!log.empty()) {
    const auto end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    const std::string level = member(line, "level");
    if (level != "error" && level != "fatal" && level != "panic") continue;
    if (std::string message = member(line, "msg"); !message.empty()) found = std::move(message);
  }
  return found;
}

int code_of_runtime_error(std::string_view message, std::string_view command) {
  const std::string text = lower(message);
  const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  // crun does not always name it.
  const bool about_it = (!command.empty() && says(lower(command))) || says("open executable");
  if (!about_it) return 128;
  if (says("executable file not found") || says("no such file or directory")) return 127;
  if (says("permission denied") || says("is a directory") || says("exec format error")) return 126;
  return 128;
}

}  // namespace mete::runtime::shim
