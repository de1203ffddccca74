// SPDX-License-Identifier: Apache-2.0
#include "config/model/bandwidth.h"

#include <algorithm>

#include "config/values/quantity.h"

namespace mete::config {
namespace {

constexpr std::int64_t kLeastBits = 1000;
constexpr std::int64_t kMostBits = 1'000'000'000'000'000;
constexpr std::int64_t kLeastBurst = 2048;
constexpr std::int64_t kMostBurst = std::int64_t{1} << 30;

std::optional<std::int64_t> slower(const std::optional<std::int64_t>& a, const std::optional<std::int64_t>& b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

Result<std::int64_t> parse_bits(std::string_view text) {
  const auto bits = parse_count(text);
  if (bits && *bits >= kLeastBits && *bits <= kMostBits) return *bits;
  return fail("found \"" + std::string(text) + "\", expected bits a second from 1k to 1P, such as 10M");
}

Result<std::int64_t> parse_burst(std::string_view text) {
  const auto bytes = parse_bytes(text);
  if (bytes && bytes->count() >= kLeastBurst && bytes->count() <= kMostBurst) return bytes->count();
  return fail("found \"" + std::string(text) + "\", expected bytes from 2Ki to 1Gi, such as 256Ki");
}

Status set_bandwidth(Bandwidth& to, std::string_view word) {
  const auto equal = word.find('=');
  const std::string key(word.substr(0, equal));
  const std::string_view value = equal == std::string_view::npos ? std::string_view() : word.substr(equal + 1);
  const auto take = [&](auto parse, std::optional<std::int64_t>& field) -> Status {
    const auto amount = parse(value);
    if (!amount) return fail(key + ": " + amount.error().what);
    field = *amount;
    return {};
  };
  if (key == "ingress") return take(parse_bits, to.ingress);
  if (key == "egress") return take(parse_bits, to.egress);
  if (key == "burst") return take(parse_burst, to.burst);
  return fail("found \"" + std::string(word) + "\", expected ingress=BITS, egress=BITS or burst=BYTES");
}

Bandwidth merged(const Bandwidth& under, const Bandwidth& over) {
  return {over.ingress ? over.ingress : under.ingress, over.egress ? over.egress : under.egress,
          over.burst ? over.burst : under.burst};
}

Bandwidth bounded(const Bandwidth& asked, const Bandwidth& bound) {
  return {slower(asked.ingress, bound.ingress), slower(asked.egress, bound.egress),
          bound.burst ? bound.burst : asked.burst};
}

}  // namespace mete::config
