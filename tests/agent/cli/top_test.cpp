// SPDX-License-Identifier: Apache-2.0
// The numbers, the screen and the keys of `mete top`, without a terminal.
#include <gtest/gtest.h>

#include "agent/cli/top/keys.h"
#include "agent/cli/top/model.h"
#include "agent/cli/top/view.h"
#include "agent/export/stats_json.h"

namespace mete::agent::cli {
namespace {

Stats answer(double at, const char* cgroups) {
  return Stats::parse(R"({"at":)" + std::to_string(at) + R"(,"machine":{"cores":2,"memoryBytes":1000},"cgroups":)" +
                      cgroups + "}");
}

const char* const kBefore = R"([
  {"path":"/","cgroup":1,"kind":"root","at":10,"cpuSeconds":100,"workingSetBytes":500},
  {"path":"/mete","cgroup":2,"kind":"other","at":10,"cpuSeconds":5},
  {"path":"/mete/a","cgroup":3,"kind":"container","runtime":"mete","namespace":"default","pod":"a","container":"x","state":"running","at":10,
   "cpuSeconds":5,"periods":100,"throttledPeriods":10,"pressure":{"cpu":{"some":1}}},
  {"path":"/docker/b","cgroup":4,"kind":"container","runtime":"docker","name":"bee","at":10,"cpuSeconds":50}])";
const char* const kNow = R"([
  {"path":"/","cgroup":1,"kind":"root","at":12,"cpuSeconds":102,"workingSetBytes":500},
  {"path":"/mete","cgroup":2,"kind":"other","at":12,"cpuSeconds":6},
  {"path":"/mete/a","cgroup":3,"kind":"container","runtime":"mete","namespace":"default","pod":"a","container":"x","state":"running","at":12,
   "cpuSeconds":6,"periods":120,"throttledPeriods":15,"workingSetBytes":25,"effectiveMemoryLimitBytes":100,"pressure":{"cpu":{"some":1.5}}},
  {"path":"/docker/b","cgroup":9,"kind":"container","runtime":"docker","name":"bee","at":12,"cpuSeconds":1}])";

TopPicture picture() {
  const Stats before = answer(10, kBefore);
  return compare(&before, answer(12, kNow));
}

const TopRow& row(const std::vector<TopRow>& rows, const std::string& path) {
  for (const TopRow& each : rows) {
    if (each.path == path) return each;
  }
  throw std::runtime_error("no row " + path);
}

TEST(TopModel, RatesAreOfTwoAnswers) {
  const TopPicture shown = picture();
  const TopRow& a = row(shown.rows, "/mete/a");
  EXPECT_DOUBLE_EQ(a.cpu.value(), 50);
  EXPECT_DOUBLE_EQ(a.throttled.value(), 25);
  EXPECT_DOUBLE_EQ(a.memory_percent().value(), 25);
  EXPECT_DOUBLE_EQ(a.pressure_cpu.value(), 25);
  EXPECT_FALSE(a.read.has_value()) << "absent is not 0";
  EXPECT_FALSE(row(shown.rows, "/docker/b").cpu.has_value()) << "made again: nothing to compare with";
  EXPECT_DOUBLE_EQ(shown.cpu.value(), 50);
  EXPECT_EQ(shown.containers, 2U);
  EXPECT_FALSE(compare(nullptr, answer(12, kNow)).rows[2].cpu.has_value());
}

TEST(TopModel, CountersThatWentBackCountFromZero) {
  const Stats before = answer(1, R"([{"path":"/a","cgroup":1,"at":1,"cpuSeconds":9}])");
  const Stats now = answer(2, R"([{"path":"/a","cgroup":1,"at":2,"cpuSeconds":0.5}])");
  EXPECT_DOUBLE_EQ(compare(&before, now).rows[0].cpu.value(), 50);
}

TEST(TopModel, WhatIsShownAndInWhichOrder) {
  const TopPicture shown = picture();
  TopView view;
  auto rows = visible(shown, view);
  ASSERT_EQ(rows.size(), 2U) << "containers only";
  EXPECT_EQ(rows[0].title(), "default/a/x");
  view.reverse = true;
  EXPECT_EQ(visible(shown, view)[0].title(), "bee");
  view = {};
  view.all = true;
  EXPECT_EQ(visible(shown, view).size(), 4U);
  view.filter = "BEE";
  EXPECT_EQ(visible(shown, view).size(), 1U);
}

TEST(TopModel, TheTreeKeepsAncestorsAndFolds) {
  const TopPicture shown = picture();
  TopView view;
  view.tree = true;
  auto rows = visible(shown, view);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].path, "/");
  EXPECT_EQ(row(rows, "/mete").depth, 1);
  EXPECT_EQ(row(rows, "/mete/a").depth, 2);
  EXPECT_EQ(row(rows, "/docker/b").depth, 1) << "/docker itself is not there";
  view.folded = {"/mete"};
  rows = visible(shown, view);
  EXPECT_EQ(rows.size(), 3U);
  EXPECT_TRUE(row(rows, "/mete").folded);
}

TEST(TopView, FillsTheScreenExactlyAtAnySize) {
  TopPicture shown = picture();
  for (int i = 0; i < 50; ++i) {
    TopRow more = shown.rows[2];
    more.path += std::to_string(i);
    more.pod = "日本語\x1b[2J" + std::string(static_cast<std::size_t>(i) * 5, 'x');
    more.history = {1, 50, 100};
    shown.rows.push_back(more);
  }
  const auto rows = visible(shown, {});
  for (const ScreenSize size : {ScreenSize{80, 24}, {200, 50}, {40, 10}, {20, 5}, {1, 1}}) {
    TopState state;
    state.selected = rows.back().path;
    const auto lines = draw(shown, rows, state, size, true);
    ASSERT_EQ(lines.size(), static_cast<std::size_t>(size.lines));
    bool selected = false;
    for (const ScreenLine& line : lines) {
      EXPECT_EQ(width_of(line.text), size.columns) << line.text;
      EXPECT_EQ(line.text.find('\x1b'), std::string::npos) << "a name moves the cursor";
      selected = selected || line.style == Style::kSelected;
    }
    if (size.lines > 4) {
      EXPECT_TRUE(selected) << "the selection is scrolled into view";
    }
    for (bool TopState::*what : {&TopState::help, &TopState::details, &TopState::sorting}) {
      TopState other;
      other.selected = rows.front().path;
      other.*what = true;
      EXPECT_EQ(draw(shown, rows, other, size, false).size(), static_cast<std::size_t>(size.lines));
    }
  }
}

TEST(TopView, TextsAndSparklines) {
  EXPECT_EQ(fit("abc", 5), "abc  ");
  EXPECT_EQ(fit("abc", 5, true), "  abc");
  EXPECT_EQ(fit("日本", 3), "日 ") << "half a character is none";
  EXPECT_EQ(sparkline({0, 100}, 4, false), "  _#");
  EXPECT_EQ(sparkline({0, 200, 400}, 3, true), "▁▄█");
}

TEST(TopKeys, BytesToKeys) {
  std::string bytes = "a\x1b[A\x1b[15~\r\x1b";
  auto keys = take_keys(bytes, false);
  ASSERT_EQ(keys.size(), 4U);
  EXPECT_EQ(keys[0], (Key{Special::kNone, 'a'}));
  EXPECT_EQ(keys[1].special, Special::kUp);
  EXPECT_EQ(keys[2].special, Special::kF5);
  EXPECT_EQ(keys[3].special, Special::kEnter);
  EXPECT_EQ(bytes, "\x1b") << "may be the start of a sequence";
  keys = take_keys(bytes, true);
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0].special, Special::kEscape);
  bytes = "\x1b[99;5Xq";
  keys = take_keys(bytes, true);
  ASSERT_EQ(keys.size(), 1U) << "an unknown sequence is skipped";
  EXPECT_EQ(keys[0].character, 'q');
}

void type(TopState& state, const std::vector<TopRow>& rows, std::string bytes) {
  for (const Key& key : take_keys(bytes, true)) (void)press(key, state, rows, 10);
}

TEST(TopKeys, WhatTheyDo) {
  const auto rows = visible(picture(), {});
  TopState state;
  state.selected = rows[0].path;
  type(state, rows, "\x1b[B");
  EXPECT_EQ(state.selected, rows[1].path);
  type(state, rows, "/default\r");
  EXPECT_EQ(state.selected, rows[0].path);
  type(state, rows, "\\web\r");
  EXPECT_EQ(state.view.filter, "web");
  type(state, rows, "d0.5\r");
  EXPECT_DOUBLE_EQ(state.delay, 0.5);
  type(state, rows, "dx\r");
  EXPECT_DOUBLE_EQ(state.delay, 0.5);
  EXPECT_FALSE(state.message.empty());
  type(state, rows, ">\x1b[B\r");
  EXPECT_EQ(state.view.sort, TopSort::kMemory);
  type(state, rows, " ");
  EXPECT_TRUE(state.view.folded.contains(state.selected));
  type(state, rows, "k");
  const TopAction action = press({Special::kEnter, 0}, state, rows, 10);
  EXPECT_EQ(action.kind, TopAction::Kind::kSignal);
  EXPECT_EQ(action.signal, "TERM");
  EXPECT_EQ(press({Special::kNone, 'q'}, state, rows, 10).kind, TopAction::Kind::kQuit);
}

TEST(StatsJson, IsValidWhateverTheNamesAndLeavesOutWhatIsAbsent) {
  collectors::Reading reading;
  reading.samples.emplace_back();
  reading.samples.back().cpu.usage = std::chrono::milliseconds(1500);
  collectors::Series series;
  series.path = "/a\"b\\c\nd\te\xff";
  auto who = std::make_shared<collectors::Identity>();
  who->kind = collectors::CgroupKind::kContainer;
  who->name = std::string(4096, '"');
  series.who = who;
  series.sample = &reading.samples.back();
  reading.series = {series, collectors::Series()};
  const Stats value = Stats::parse(stats_json(reading));
  ASSERT_EQ(value["cgroups"].size(), 1U);
  EXPECT_EQ(value["cgroups"][0]["path"], "/a\"b\\c\nd\te\xef\xbf\xbd");
  EXPECT_EQ(value["cgroups"][0]["cpuSeconds"], 1.5);
  EXPECT_FALSE(value["cgroups"][0].contains("memoryBytes"));
}

}  // namespace
}  // namespace mete::agent::cli
