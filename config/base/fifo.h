// SPDX-License-Identifier: Apache-2.0
// A queue that allocates nothing while it is empty. (A std::deque takes 576 bytes at once: thousands of containers have
// several of them, most with a point or two.)
#pragma once

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace mete::config {

template <class T>
class Fifo {
 public:
  using const_iterator = typename std::vector<T>::const_iterator;

  [[nodiscard]] bool empty() const { return first_ == all_.size(); }
  [[nodiscard]] std::size_t size() const { return all_.size() - first_; }
  [[nodiscard]] const_iterator begin() const { return std::next(all_.begin(), static_cast<std::ptrdiff_t>(first_)); }
  [[nodiscard]] const_iterator end() const { return all_.end(); }
  [[nodiscard]] const T& operator[](std::size_t index) const { return all_[first_ + index]; }
  [[nodiscard]] T& operator[](std::size_t index) { return all_[first_ + index]; }
  // Of a queue that is not empty.
  [[nodiscard]] const T& front() const { return all_[first_]; }
  [[nodiscard]] const T& back() const { return all_.back(); }
  [[nodiscard]] T& back() { return all_.back(); }

  void push_back(T value) { all_.push_back(std::move(value)); }
  void pop_back() { all_.pop_back(); }
  // What was taken out is overwritten once it is half of all, so that a removal costs the same however long the queue.
  void pop_front() {
    ++first_;
    if (first_ * 2 < all_.size()) return;
    all_.erase(all_.begin(), std::next(all_.begin(), static_cast<std::ptrdiff_t>(first_)));
    first_ = 0;
  }
  void clear() {
    all_.clear();
    first_ = 0;
  }

 private:
  std::vector<T> all_;
  std::size_t first_ = 0;
};

}  // namespace mete::config
