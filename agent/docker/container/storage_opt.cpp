// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/storage_opt.h"

#include <charconv>
#include <cmath>

namespace mete::agent::docker {
namespace {

// "10G", "1.5gb", "64MiB", "1048576"
std::optional<Bytes> bytes_of(std::string text) {
  for (char& each : text) each = each >= 'A' && each <= 'Z' ? static_cast<char>(each + 32) : each;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.size() > 1 && unit.ends_with("ib")) unit.remove_suffix(2);
  if (unit.size() > 1 && unit.ends_with('b')) unit.remove_suffix(1);
  constexpr std::string_view kUnits = "bkmgtp";
  const auto power = unit.empty() ? 0 : kUnits.find(unit);
  if (unit.size() > 1 || power == std::string_view::npos) return std::nullopt;
  const double bytes = std::ldexp(number, 10 * static_cast<int>(power));
  constexpr double kMost = 1e18;
  if (!(bytes >= 1) || bytes > kMost) return std::nullopt;
  return Bytes(static_cast<std::int64_t>(bytes));
}

}  // namespace

Result<std::optional<Bytes>> layer_size_of(const Json& host) {
  const Json& options = field(host, "StorageOpt");
  if (is_nothing(options)) return std::optional<Bytes>();
  for (const auto& name : names_in(host, "StorageOpt")) {
    if (name != "size")
      return fail("HostConfig.StorageOpt: found \"" + name.substr(0, 60) +
                  "\", expected size, the one option there is");
  }
  const std::string text = text_of(options, "size");
  const auto size = bytes_of(text);
  if (!size)
    return fail("HostConfig.StorageOpt.size: found \"" + text.substr(0, 60) +
                "\", expected a number of bytes, or one with k, m, g or t after it");
  return size;
}

std::string docker_driver(std::string_view name) {
  return name == "overlay" ? "overlay2" : std::string(name);
}

}  // namespace mete::agent::docker
