// SPDX-License-Identifier: Apache-2.0
// Values that few of their owners have, at the cost of one pointer for the others. Box is an optional; Rare is always a
// value, which mostly equals T(). Copying into one that holds a value reuses that value's memory, so that a warm copy
// allocates nothing.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace mete {

template <class T>
class Box {
 public:
  Box() = default;
  Box(std::nullopt_t) {}  // NOLINT(google-explicit-constructor): as std::optional, here and below
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT(google-explicit-constructor)
  template <class U>
  requires(!std::same_as<U, T> && std::convertible_to<U, T>) Box(U&& value)
      : Box(T(std::forward<U>(value))) {}  // NOLINT
  Box(std::optional<T> value) {            // NOLINT(google-explicit-constructor)
    if (value) value_ = std::make_unique<T>(std::move(*value));
  }
  Box(const Box& other) : value_(other ? std::make_unique<T>(*other) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (this == &other) return *this;
    if (!other) {
      value_.reset();
    } else if (value_) {
      *value_ = *other;
    } else {
      value_ = std::make_unique<T>(*other);
    }
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  explicit operator bool() const { return value_ != nullptr; }
  [[nodiscard]] bool has_value() const { return value_ != nullptr; }
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  T& operator*() { return *value_; }
  T* operator->() { return value_.get(); }
  [[nodiscard]] T value_or(T otherwise) const { return value_ ? *value_ : std::move(otherwise); }
  // The value; makes one when the box is empty.
  T& make() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }
  template <class... Args>
  T& emplace(Args&&... args) {
    value_ = std::make_unique<T>(std::forward<Args>(args)...);
    return *value_;
  }
  void reset() { value_.reset(); }

  bool operator==(const Box& other) const {
    return has_value() == other.has_value() && (!has_value() || *value_ == *other.value_);
  }
  bool operator==(const T& other) const { return has_value() && *value_ == other; }

 private:
  std::unique_ptr<T> value_;
};

template <class T>
class Rare {
 public:
  Rare() = default;
  Rare(T value) {  // NOLINT(google-explicit-constructor)
    if (!(value == usual())) box_ = std::move(value);
  }

  const T& operator*() const { return box_ ? *box_ : usual(); }
  const T* operator->() const { return &**this; }
  T& edit() { return box_.make(); }

  bool operator==(const Rare& other) const { return (!box_ && !other.box_) || **this == *other; }

 private:
  static const T& usual() {
    static const T value{};
    return value;
  }
  Box<T> box_;
};

}  // namespace mete
