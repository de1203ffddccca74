// SPDX-License-Identifier: Apache-2.0
// A number that the kernel may not give: used as std::optional, in the size of the number itself. A sample has a
// hundred of them, and a thousand samples are kept. The number that stands for "none" is one that no file has: of those
// with a sign the smallest, of those without one 2^63, which no counter reaches, and one that has fallen below zero is
// far above.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include "config/base/units.h"
#include "runtime/cgroup/limits/limits.h"

namespace mete::collectors {

template <class T>
struct None;
template <>
struct None<std::uint64_t> {
  static constexpr std::uint64_t value = std::uint64_t{1} << 63U;
};
template <>
struct None<Bytes> {
  static constexpr Bytes value{std::numeric_limits<std::int64_t>::min()};
};
template <>
struct None<std::chrono::nanoseconds> {
  static constexpr std::chrono::nanoseconds value = std::chrono::nanoseconds::min();
};
template <>
struct None<runtime::cgroup::Limit<Bytes>> {
  static constexpr runtime::cgroup::Limit<Bytes> value{None<Bytes>::value};
};

template <class T>
class Known {
 public:
  constexpr Known() = default;
  constexpr Known(std::nullopt_t) {}           // NOLINT(google-explicit-constructor): as std::optional, here and below
  constexpr Known(T value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  template <class U>
  requires(!std::same_as<std::remove_cvref_t<U>, T> && std::convertible_to<U, T>) constexpr Known(U value)
      : value_(static_cast<T>(value)) {}          // NOLINT(google-explicit-constructor)
  constexpr Known(const std::optional<T>& value)  // NOLINT(google-explicit-constructor)
      : value_(value.value_or(None<T>::value)) {}
  constexpr operator std::optional<T>() const {  // NOLINT(google-explicit-constructor)
    return has_value() ? std::optional<T>(value_) : std::nullopt;
  }

  [[nodiscard]] constexpr bool has_value() const { return !(value_ == None<T>::value); }
  constexpr explicit operator bool() const { return has_value(); }
  constexpr const T& operator*() const { return value_; }
  constexpr T& operator*() { return value_; }
  constexpr const T* operator->() const { return &value_; }
  [[nodiscard]] constexpr T value_or(T otherwise) const { return has_value() ? value_ : otherwise; }
  constexpr void reset() { value_ = None<T>::value; }

  friend constexpr bool operator==(const Known&, const Known&) = default;
  friend constexpr bool operator==(const Known& a, const std::optional<T>& b) { return a == Known(b); }
  friend constexpr bool operator==(const Known& a, std::nullopt_t /*none*/) { return !a.has_value(); }
  template <class U>
  requires(std::convertible_to<U, T> && !std::same_as<U, Known>) friend constexpr bool operator==(const Known& a,
                                                                                                  const U& b) {
    return a.has_value() && a.value_ == b;
  }

 private:
  T value_ = None<T>::value;
};

}  // namespace mete::collectors
