// SPDX-License-Identifier: Apache-2.0
// Quantities as types: bytes, CPUs and plain integers do not mix. Times are std::chrono. Only the exporter converts to
// seconds and bytes.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace mete {

template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(std::int64_t count) : count_(count) {}
  [[nodiscard]] constexpr std::int64_t count() const { return count_; }
  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity& operator+=(Quantity other) {
    count_ += other.count_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    count_ -= other.count_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.count_ + b.count_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.count_ - b.count_); }

 private:
  std::int64_t count_ = 0;
};

using Bytes = Quantity<struct BytesTag>;
using MilliCpu = Quantity<struct MilliCpuTag>;  // 1000 = one core
using Ratio = Quantity<struct RatioTag>;        // in millionths: 25 % = 250'000, a factor of 1.2 = 1'200'000

namespace literals {
consteval Bytes operator""_B(unsigned long long n) {
  return Bytes(static_cast<std::int64_t>(n));
}
consteval Bytes operator""_KiB(unsigned long long n) {
  return Bytes(static_cast<std::int64_t>(n << 10));
}
consteval Bytes operator""_MiB(unsigned long long n) {
  return Bytes(static_cast<std::int64_t>(n << 20));
}
consteval Bytes operator""_GiB(unsigned long long n) {
  return Bytes(static_cast<std::int64_t>(n << 30));
}
consteval MilliCpu operator""_mCPU(unsigned long long n) {
  return MilliCpu(static_cast<std::int64_t>(n));
}
}  // namespace literals

}  // namespace mete
