// SPDX-License-Identifier: Apache-2.0
#include "config/base/fifo.h"

#include <gtest/gtest.h>

#include <deque>

namespace mete::config {
namespace {

TEST(Fifo, IsADequeWhateverIsPutInAndTakenOut) {
  Fifo<int> fifo;
  std::deque<int> deque;
  const auto check = [&] {
    ASSERT_EQ(fifo.empty(), deque.empty());
    ASSERT_EQ(std::vector<int>(fifo.begin(), fifo.end()), std::vector<int>(deque.begin(), deque.end()));
    ASSERT_EQ(fifo.size(), deque.size());
    if (deque.empty()) return;
    EXPECT_EQ(fifo.front(), deque.front());
    EXPECT_EQ(fifo.back(), deque.back());
    EXPECT_EQ(fifo[deque.size() / 2], deque[deque.size() / 2]);
  };
  unsigned seed = 7;
  for (int i = 0; i < 4000; ++i) {
    seed = seed * 1103515245U + 12345U;
    const unsigned what = seed >> 16U & 15U;
    if (what < 8 || deque.empty()) {
      fifo.push_back(i);
      deque.push_back(i);
    } else if (what < 14) {
      fifo.pop_front();
      deque.pop_front();
    } else {
      fifo.pop_back();
      deque.pop_back();
    }
    check();
    if (i % 500 != 499) continue;
    fifo.clear();
    deque.clear();
    check();
  }
}

}  // namespace
}  // namespace mete::config
