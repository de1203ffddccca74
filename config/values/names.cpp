// SPDX-License-Identifier: Apache-2.0
#include "config/values/names.h"

#include <algorithm>

namespace mete::config {
namespace {

constexpr std::size_t kLabelLength = 63;
constexpr std::size_t kSubdomainLength = 253;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_letter_or_digit(char c) {
  return is_alphanumeric(c) || (c >= 'A' && c <= 'Z');
}

bool is_name_part(char c) {
  return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
}

constexpr std::size_t kPathLength = 4095;  // PATH_MAX without its NUL
constexpr std::size_t kPartLength = 255;   // NAME_MAX

bool has_long_or_parent_part(std::string_view path) {
  while (true) {
    const auto part = path.substr(0, path.find('/'));
    if (part == ".." || part.size() > kPartLength) return true;
    if (part.size() == path.size()) return false;
    path.remove_prefix(part.size() + 1);
  }
}

Status check_path(std::string_view path, bool absolute) {
  const bool right_kind = !path.empty() && (path[0] == '/') == absolute;
  if (right_kind && path.size() <= kPathLength && !has_long_or_parent_part(path)) return {};
  return fail("found \"" + std::string(path.substr(0, kPartLength)) + "\", expected " +
              (absolute ? "an absolute" : "a relative") + " path without \"..\"");
}

bool is_part_of_name(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

}  // namespace

Status check_dns_label(std::string_view name) {
  if (name.size() <= kLabelLength && is_part_of_name(name)) return {};
  return fail("found \"" + std::string(name) +
              "\", expected at most 63 lower case letters, digits and '-', with a letter or digit at both ends");
}

Status check_port_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  const bool fine = !name.empty() && name.size() <= 15 && std::all_of(name.begin(), name.end(), allowed) &&
                    name.find_first_of("abcdefghijklmnopqrstuvwxyz") != std::string_view::npos && name.front() != '-' &&
                    name.back() != '-' && name.find("--") == std::string_view::npos;
  if (fine) return {};
  return fail("found \"" + std::string(name) +
              "\", expected at most 15 lower case letters, digits and single '-' between them, with a letter");
}

Status check_dns_subdomain(std::string_view name) {
  const auto error = [&] {
    return fail(
        "found \"" + std::string(name) +
        "\", expected at most 253 lower case letters, digits, '-' and '.', with a letter or digit at both ends");
  };
  if (name.size() > kSubdomainLength) return error();
  std::size_t start = 0;
  while (true) {
    const auto dot = name.find('.', start);
    if (!is_part_of_name(name.substr(start, dot - start))) return error();
    if (dot == std::string_view::npos) return {};
    start = dot + 1;
  }
}

Status check_label_value(std::string_view value) {
  const bool fits = value.size() <= kLabelLength && std::all_of(value.begin(), value.end(), is_name_part);
  if (value.empty() || (fits && is_letter_or_digit(value.front()) && is_letter_or_digit(value.back()))) return {};
  return fail("found \"" + std::string(value) +
              "\", expected at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends");
}

Status check_label_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash != std::string_view::npos) METE_CHECK(check_dns_subdomain(key.substr(0, slash)));
  const auto name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  if (name.empty()) return fail("found \"" + std::string(key) + "\", expected a label name such as \"app\"");
  return check_label_value(name);
}

Status check_data_key(std::string_view key) {
  const bool fits = !key.empty() && key.size() <= kSubdomainLength && std::all_of(key.begin(), key.end(), is_name_part);
  if (fits && key != "." && key.substr(0, 2) != "..") return {};
  return fail("found \"" + std::string(key) + "\", expected at most 253 letters, digits, '-', '_' and '.'");
}

Status check_env_name(std::string_view name) {
  const auto allowed = [](char c) { return c > 0x20 && c < 0x7F && c != '='; };
  if (!name.empty() && std::all_of(name.begin(), name.end(), allowed)) return {};
  return fail("found \"" + std::string(name) + "\", expected a variable's name, without '=' and blanks");
}

Status check_absolute_path(std::string_view path) {
  return check_path(path, true);
}

Status check_relative_path(std::string_view path) {
  return check_path(path, false);
}

Status check_working_dir(std::string_view path) {
  return check_path(path, path.starts_with('/'));
}

Status check_mount_path(std::string_view path) {
  METE_CHECK(check_working_dir(path));
  if (normal_path(path) == "/") return fail("found \"" + std::string(path) + "\", expected a path below /");
  if (path.find(':') == std::string_view::npos) return {};
  return fail("found \"" + std::string(path) + "\", expected a path without ':'");
}

std::string normal_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const auto end = path.find('/');
    const std::string_view part = path.substr(0, end);
    if (!part.empty() && part != ".") out.append("/").append(part);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return out.empty() ? "/" : out;
}

}  // namespace mete::config
