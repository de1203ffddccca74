// SPDX-License-Identifier: Apache-2.0
#include "enforcers/pressure_notice.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using namespace std::chrono_literals;

const Moment kPressureBegin = Moment(1h);

// Stalled for `share` of every 100 ms; returns when it was told, in milliseconds.
std::vector<long> told_at(PressureNotice& notice, double share, Moment from, std::chrono::milliseconds length) {
  std::vector<long> told;
  for (auto at = 0ms; at <= length; at += 100ms) {
    const auto stalled =
        static_cast<std::uint64_t>(share * 1e6 * static_cast<double>((from + at - kPressureBegin) / 1ms));
    if (notice.due(from + at, stalled)) told.push_back(at / 1ms);
  }
  return told;
}

TEST(PressureNotice, ATenthOfASecondIsToldOnceASecond) {
  PressureNotice notice;
  EXPECT_EQ(told_at(notice, 0.1, kPressureBegin, 3500ms), (std::vector<long>{1000, 2000, 3000}));
}

TEST(PressureNotice, LessIsNotTold) {
  PressureNotice notice;
  EXPECT_TRUE(told_at(notice, 0.09, kPressureBegin, 5s).empty());
  EXPECT_TRUE(notice.stalls());
}

TEST(PressureNotice, NewsIsWhatFollowsAPause) {
  PressureNotice notice;
  ASSERT_TRUE(notice.due(kPressureBegin));
  EXPECT_TRUE(notice.is_news());
  EXPECT_FALSE(notice.due(kPressureBegin + 999ms));
  ASSERT_TRUE(notice.due(kPressureBegin + 1s));
  EXPECT_FALSE(notice.is_news());
  ASSERT_TRUE(notice.due(kPressureBegin + 11s));
  EXPECT_TRUE(notice.is_news());
}

}  // namespace
}  // namespace mete::enforcers
