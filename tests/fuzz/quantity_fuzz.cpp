// SPDX-License-Identifier: Apache-2.0
// Any bytes as an amount; and what parses obeys a law or two.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/base/base64.h"
#include "config/resolve/expand.h"
#include "config/values/names.h"
#include "config/values/quantity.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto bytes = parse_bytes(text);
  const auto cpu = parse_cpu(text);
  if (cpu) require(bytes.has_value());  // thousandths need more room than whole ones
  if (bytes) {
    const auto again = parse_bytes(std::to_string(bytes->count()));
    require(again && *again == *bytes);
  }
  require(parse_count(text).has_value() == bytes.has_value());
  const auto duration = parse_duration(text);
  require(!duration || duration->count() >= 0);
  const auto percent = parse_percent(text);
  require(!percent || percent->count() >= 0);
  const auto factor = parse_factor(text);
  require(!factor || factor->count() >= 0);

  const auto decoded = decode_base64(text);
  require(!decoded || decoded->size() <= size);
  const auto expanded = expand(text, [](std::string_view name) -> std::optional<std::string> {
    if (name.size() % 2 == 0) return std::nullopt;
    return std::string("$(x)");
  });
  require(expanded.size() <= 4 * size);
  if (check_relative_path(text)) require(!check_absolute_path(text).has_value());
  return 0;
}
