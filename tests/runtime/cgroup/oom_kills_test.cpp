// SPDX-License-Identifier: Apache-2.0
// Which kills there were, from the counters as the kernel writes them. The numbers of v2 are those of Linux 6.1.
#include "runtime/cgroup/memory/oom_kills.h"

#include <gtest/gtest.h>

namespace mete::runtime::cgroup {
namespace {

constexpr OomPlace kNested = OomPlace::kNested;
constexpr OomPlace kOwn = OomPlace::kOwn;
constexpr OomPlace kAbove = OomPlace::kAbove;
constexpr OomPlace kUnknown = OomPlace::kUnknown;

// {ooms, kills, groups} of all below and of the group alone; {ooms, groups} of the pod and of its parent.
struct Above {
  std::uint64_t ooms = 0, groups = 0;
};
OomCounters counters(OomEvents all, OomEvents own, Above pod = {}, Above parent = {}) {
  OomCounters made;
  made.all = all;
  made.own = own;
  made.above = {{"/mete/pod", pod.ooms, pod.groups}, {"/mete", parent.ooms, parent.groups}};
  return made;
}

struct Case {
  const char* name;
  OomCounters now;
  bool kills_group;  // memory.oom.group of the group itself
  std::vector<OomKill> kills;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"nothing", counters({}, {}), true, {}},
      {"own limit, one process", counters({1, 1, 0}, {1, 1, 0}), false, {{kOwn, false, {}}}},
      {"own limit, one after the other", counters({3, 3, 0}, {3, 3, 0}), false, {3, {kOwn, false, {}}}},
      {"own limit, the whole group of three", counters({1, 4, 1}, {1, 4, 1}), true, {{kOwn, true, {}}}},
      {"own limit, the whole group of one", counters({1, 2, 1}, {1, 2, 1}), true, {{kOwn, true, {}}}},
      {"own limit written below usage", counters({4, 6, 1}, {4, 6, 1}), true, {{kOwn, true, {}}}},
      {"own limit, the group has a nested one", counters({1, 5, 1}, {1, 3, 1}), true, {{kOwn, true, {}}}},
      {"nested limit, group on the container", counters({1, 1, 0}, {}), true, {{kNested, false, {}}}},
      {"nested limit, group on both", counters({1, 3, 1}, {}), true, {{kNested, true, {}}}},
      {"nested limit, group on the nested one", counters({1, 3, 1}, {}), false, {{kNested, true, {}}}},
      {"own limit, group on the nested one", counters({1, 3, 1}, {1, 0, 0}), false, {{kOwn, true, {}}}},
      {"three nested, then the whole container",
       counters({4, 7, 1}, {1, 2, 1}),
       true,
       {{kOwn, true, {}}, {kNested, false, {}}, {kNested, false, {}}, {kNested, false, {}}}},
      {"limit of the pod, one process", counters({0, 1, 0}, {0, 1, 0}, {1, 0}), false, {{kAbove, false, "/mete/pod"}}},
      {"limit of the pod, group on the container",
       counters({0, 3, 1}, {0, 3, 1}, {1, 0}),
       true,
       {{kAbove, true, "/mete/pod"}}},
      {"limit and group of the pod", counters({0, 4, 0}, {0, 4, 0}, {1, 1}), true, {{kAbove, true, "/mete/pod"}}},
      {"limit and group of the pod, the container's policy is kill-process",
       counters({0, 4, 0}, {0, 4, 0}, {1, 1}),
       false,
       {{kAbove, true, "/mete/pod"}}},
      {"limit of the parent, group of the pod",
       counters({0, 4, 0}, {0, 4, 0}, {0, 1}, {1, 0}),
       true,
       {{kAbove, true, "/mete"}}},
      {"the pod's group was killed beside it", counters({}, {}, {1, 1}), true, {}},
      {"own limit, and the pod's group later",
       counters({1, 5, 0}, {1, 5, 0}, {1, 1}),
       false,
       {{kAbove, true, "/mete/pod"}, {kOwn, false, {}}}},
      {"the machine's memory, one process", counters({0, 1, 0}, {0, 1, 0}), false, {{kUnknown, false, {}}}},
      {"the machine's memory, the whole group", counters({0, 4, 1}, {0, 4, 1}), true, {{kUnknown, true, {}}}},
      {"a limit that kills nobody", counters({900, 0, 0}, {900, 0, 0}), true, {}},
  };
  return kCases;
}

TEST(OomKills, EachIsCountedOnceAndHasItsLimit) {
  for (const auto& each : cases()) {
    const OomNews news = oom_kills_between({}, each.now, {.kills_group = each.kills_group});
    ASSERT_EQ(news.kills.size(), each.kills.size()) << each.name;
    for (std::size_t i = 0; i < news.kills.size(); ++i) {
      EXPECT_EQ(news.kills[i].place, each.kills[i].place) << each.name;
      EXPECT_EQ(news.kills[i].as_group, each.kills[i].as_group) << each.name;
      EXPECT_EQ(news.kills[i].group, each.kills[i].group) << each.name;
    }
  }
}

// The same, seen from any counters that were there before.
TEST(OomKills, WhatWasThereBeforeIsNotCounted) {
  const OomCounters old = counters({7, 21, 3}, {5, 11, 2}, {9, 4}, {2, 1});
  for (const auto& each : cases()) {
    OomCounters now = each.now;
    const auto add = [](OomEvents& to, const OomEvents& more) {
      to = {to.ooms + more.ooms, to.kills + more.kills, to.groups + more.groups};
    };
    add(now.all, old.all);
    add(*now.own, *old.own);
    for (std::size_t i = 0; i < 2; ++i) {
      now.above[i].ooms += old.above[i].ooms;
      now.above[i].groups += old.above[i].groups;
    }
    EXPECT_EQ(oom_kills_between(old, now, {.kills_group = each.kills_group}).kills, each.kills) << each.name;
  }
}

TEST(OomKills, AKillOfAGroupThatIsSeenHalfDoneIsOneKill) {
  // The first victim is counted before the group is.
  const OomCounters first = counters({1, 1, 0}, {1, 1, 0});
  EXPECT_TRUE(oom_kills_between({}, first, {.kills_group = true}).unsettled);
  EXPECT_FALSE(oom_kills_between({}, first, {.kills_group = false}).unsettled) << "one process at its own limit";
  EXPECT_TRUE(oom_kills_between({}, counters({1, 1, 0}, {}), {}).unsettled)
      << "the nested group may have memory.oom.group";
  EXPECT_TRUE(oom_kills_between({}, counters({0, 1, 0}, {0, 1, 0}), {}).unsettled) << "so may an ancestor";
  const OomCounters second = counters({1, 2, 1}, {1, 2, 1});
  const OomNews news = oom_kills_between({}, second, {.kills_group = true});
  EXPECT_EQ(news.kills.size(), 1U);
  EXPECT_FALSE(news.unsettled);
  // The rest of the group is counted one by one.
  const OomCounters third = counters({1, 9, 1}, {1, 9, 1});
  EXPECT_TRUE(oom_kills_between(second, third, {.kills_group = true, .after_group_kill = true}).kills.empty());
  const OomCounters again = counters({2, 11, 2}, {2, 11, 2});
  EXPECT_EQ(oom_kills_between(third, again, {.kills_group = true, .after_group_kill = true}).kills.size(), 1U);
}

TEST(OomKills, TwoAtOneLimitMayCountItOnce) {
  const OomNews news = oom_kills_between({}, counters({1, 2, 0}, {1, 2, 0}), {});
  EXPECT_EQ(news.kills, std::vector<OomKill>(2, {kOwn, false, {}}));
}

TEST(OomKills, OnV1EachGroupBelowHasItsOwnCounter) {
  OomCounters before;
  before.all.kills = 1;
  before.nested = {{"/c/gone", 5}, {"/c/n", 2}};
  OomCounters now;
  now.all.kills = 2;
  now.nested = {{"/c/n", 3}, {"/c/new", 1}};
  EXPECT_TRUE(has_new_kills(before, now));
  const std::vector<OomKill> expected = {{}, {kUnknown, false, "/c/n"}, {kUnknown, false, "/c/new"}};
  EXPECT_EQ(oom_kills_between(before, now, {}).kills, expected);
  EXPECT_TRUE(oom_kills_between(now, now, {}).kills.empty());
}

using Refused = std::map<std::string, std::uint64_t>;

// A kill of somebody in that group, and charges that were refused meanwhile.
std::string likely_after(OomCounters before, const Refused& more, const std::string& victims_group) {
  OomCounters now = before;
  for (const auto& [path, count] : more) (*now.refused)[path] += count;
  (victims_group == "/p/c" ? now.all.kills : now.nested[victims_group]) += 1;
  const auto news = oom_kills_between(before, now, {.path = "/p/c"});
  EXPECT_EQ(news.kills.size(), 1U);
  return news.kills.empty() ? "no kill" : news.kills.front().likely;
}

// The kernel's log names the limits of ten kills in five seconds; the charges that were refused tell the others'.
TEST(OomKills, OnV1TheOnlyLimitOfThePathThatRefusedIsTheLikelyOne) {
  OomCounters before;
  before.nested = {{"/p/c/n", 2}, {"/p/c/n/deep", 0}};
  before.refused = Refused{{"/p", 3}, {"/p/c", 40}, {"/p/c/n", 7}, {"/p/c/n/deep", 0}, {"/p/c/nn", 0}};
  EXPECT_EQ(likely_after(before, {{"/p/c", 16}}, "/p/c"), "/p/c") << "its own";
  EXPECT_EQ(likely_after(before, {{"/p", 16}}, "/p/c"), "/p") << "an ancestor's";
  EXPECT_EQ(likely_after(before, {{"/p/c/n", 1}}, "/p/c/n"), "/p/c/n") << "of the group below";
  EXPECT_EQ(likely_after(before, {{"/p/c/n", 1}}, "/p/c/n/deep"), "/p/c/n") << "of a group between";
  EXPECT_EQ(likely_after(before, {{"/p/c", 5}}, "/p/c/n"), "/p/c") << "its own, reached by a group below";
  EXPECT_EQ(likely_after(before, {{"/p/c/n", 5}, {"/p/c", 1}}, "/p/c"), "/p/c") << "one is not on the victim's path";
  EXPECT_EQ(likely_after(before, {{"/p/c/nn", 5}}, "/p/c/n"), "") << "nor is one whose name begins alike";
  EXPECT_EQ(likely_after(before, {{"/p/c", 5}, {"/p", 1}}, "/p/c"), "") << "two: one of them has found memory";
  EXPECT_EQ(likely_after(before, {}, "/p/c"), "") << "none: the machine's memory";
}

TEST(OomKills, OnV1WhatWasRefusedBeforeMustBeKnown) {
  OomCounters now;
  now.all.kills = 1;
  now.refused = Refused{{"/p/c", 16}};
  EXPECT_EQ(oom_kills_between({}, now, {.path = "/p/c"}).kills.at(0).likely, "");
}

// cgroup v2 mounted with memory_localevents: each group counts for itself.
TEST(OomKills, WithLocalEventsTheGroupsBelowAreAddedUp) {
  OomCounters before = counters({5, 5, 0}, {5, 5, 0});
  before.below = {{"/c/gone", {9, 9, 0}}, {"/c/n", {2, 4, 1}}};
  OomCounters now = before;
  now.below.erase("/c/gone");
  EXPECT_TRUE(has_new_kills(before, now)) << "to be forgotten";
  EXPECT_TRUE(oom_kills_between(before, now, {}).kills.empty()) << "and nothing to be told";
  now.below["/c/n"] = {3, 5, 1};
  EXPECT_EQ(oom_kills_between(before, now, {}).kills, (std::vector<OomKill>{{.place = kNested}}));
  now.below["/c/n"] = {3, 7, 2};
  EXPECT_EQ(oom_kills_between(before, now, {}).kills, (std::vector<OomKill>{{.place = kNested, .as_group = true}}));
  OomCounters more = now;
  more.below["/c/n"].ooms = 90;
  EXPECT_FALSE(has_new_kills(now, more)) << "a limit that kills nobody";
}

TEST(OomKills, AGroupThatWasMadeAgainCountsFromNothing) {
  EXPECT_EQ(oom_kills_between(counters({9, 9, 0}, {9, 9, 0}), counters({1, 1, 0}, {1, 1, 0}), {}).kills.size(), 1U);
}

}  // namespace
}  // namespace mete::runtime::cgroup
