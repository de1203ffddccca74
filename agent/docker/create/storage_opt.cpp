// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/create/storage_opt.h"

#include "config/convert/docker_amounts.h"

namespace mete::agent::docker {

Result<std::optional<Bytes>> layer_size_of(const Json& host) {
  const Json& options = field(host, "StorageOpt");
  if (is_nothing(options)) return std::optional<Bytes>();
  for (const auto& name : names_in(host, "StorageOpt")) {
    if (name != "size")
      return fail("HostConfig.StorageOpt: found \"" + name.substr(0, 60) +
                  "\", expected size, the one option there is");
  }
  const std::string text = text_of(options, "size");
  constexpr std::int64_t kMost = 1'000'000'000'000'000'000;
  const auto size = config::docker_size(text);
  if (!size || *size < 1 || *size > kMost)
    return fail("HostConfig.StorageOpt.size: found \"" + text.substr(0, 60) +
                "\", expected a number of bytes, or one with k, m, g or t after it");
  return Bytes(*size);
}

std::string docker_driver(std::string_view name) {
  return name == "overlay" ? "overlay2" : std::string(name);
}

}  // namespace mete::agent::docker
