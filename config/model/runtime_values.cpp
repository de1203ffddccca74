// SPDX-License-Identifier: Apache-2.0
#include "config/model/runtime_values.h"

namespace mete::config {

std::string runtime_value(std::string_view key) {
  std::string mark(1, '\0');
  mark.append(key).push_back('\0');
  return mark;
}

std::string fill_runtime_values(std::string_view text, const std::function<std::string(std::string_view key)>& value) {
  std::string out;
  while (true) {
    const auto begin = text.find('\0');
    const auto end = begin == std::string_view::npos ? begin : text.find('\0', begin + 1);
    if (end == std::string_view::npos) return out.append(text);
    out += text.substr(0, begin);
    out += value(text.substr(begin + 1, end - begin - 1));
    text.remove_prefix(end + 1);
  }
}

}  // namespace mete::config
