// SPDX-License-Identifier: Apache-2.0
// An optional value that few of its owners have: one pointer when empty. Copying into a box with a value reuses that
// value's memory, so that a warm copy allocates nothing.
#pragma once

#include <memory>
#include <utility>

namespace mete::collectors {

template <class T>
class Box {
 public:
  Box() = default;
  Box(const Box& other) : value_(other ? std::make_unique<T>(*other) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (!other) {
      value_.reset();
    } else {
      make() = *other;
    }
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  explicit operator bool() const { return value_ != nullptr; }
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  // The value; makes one when the box is empty.
  T& make() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace mete::collectors
