// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/detach_keys.h"

#include <algorithm>
#include <string_view>

namespace mete::agent::docker {
namespace {

bool is_key(std::string_view key) {
  constexpr std::string_view kControl = "ctrl-";
  constexpr std::string_view kControlled = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
  if (key.size() == 1 || key == "DEL") return true;
  return key.size() == kControl.size() + 1 && key.starts_with(kControl) &&
         kControlled.find(key.back()) != std::string_view::npos;
}

}  // namespace

bool are_detach_keys(const std::string& text) {
  if (text.empty()) return true;
  std::string_view rest = text;
  while (true) {
    const auto comma = rest.find(',');
    if (!is_key(rest.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace mete::agent::docker
