// SPDX-License-Identifier: Apache-2.0
// What belongs to each of many numbers that the kernel hands out in ascending order, in 24 bytes each: a thousand pods
// have twelve thousand inotify watches. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace mete::agent {

template <class T>
class WatchTable {
 public:
  using Shared = std::shared_ptr<const T>;

  // In place of what the number had. Fast for a number above all others. `value` is not null.
  void set(int number, Shared value) {
    const auto at = place_of(number);
    if (at != entries_.end() && at->number == number) {
      if (at->value == nullptr) --empty_;
      at->value = std::move(value);
    } else {
      entries_.insert(at, {number, std::move(value)});
    }
  }
  // Null: nothing.
  [[nodiscard]] Shared find(int number) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), number, before);
    return at != entries_.end() && at->number == number ? at->value : nullptr;
  }
  // False: it had nothing.
  bool erase(int number) {
    const auto at = place_of(number);
    if (at == entries_.end() || at->number != number || at->value == nullptr) return false;
    at->value.reset();
    ++empty_;
    if (empty_ > kFewest && empty_ > entries_.size() / 2) close_gaps();
    return true;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size() - empty_; }
  // In the order of their numbers. Numbers that follow each other and share a value count once.
  [[nodiscard]] std::vector<Shared> values() const {
    std::vector<Shared> all;
    for (const Entry& entry : entries_) {
      if (entry.value != nullptr && (all.empty() || all.back() != entry.value)) all.push_back(entry.value);
    }
    return all;
  }

 private:
  static constexpr std::size_t kFewest = 64;
  struct Entry {
    int number;
    Shared value;  // null: erased; the place is used again when many are
  };
  static bool before(const Entry& entry, int number) { return entry.number < number; }
  [[nodiscard]] auto place_of(int number) { return std::lower_bound(entries_.begin(), entries_.end(), number, before); }
  void close_gaps() {
    std::erase_if(entries_, [](const Entry& entry) { return entry.value == nullptr; });
    entries_.shrink_to_fit();
    empty_ = 0;
  }

  std::vector<Entry> entries_;  // sorted
  std::size_t empty_ = 0;
};

}  // namespace mete::agent
