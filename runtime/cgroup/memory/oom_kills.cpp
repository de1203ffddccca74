// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/memory/oom_kills.h"

#include <algorithm>

namespace mete::runtime::cgroup {
namespace {

using Count = std::uint64_t;

Count grown(Count before, Count now) {
  return now < before ? now : now - before;
}
Count less(Count from, Count what) {
  return from < what ? 0 : from - what;
}

OomEvents grown(const OomEvents& before, const OomEvents& now) {
  return {grown(before.ooms, now.ooms), grown(before.kills, now.kills), grown(before.groups, now.groups)};
}

// The growth of each ancestor's events; an ancestor that `before` lacks counts from 0.
std::vector<OomAbove> grown(const std::vector<OomAbove>& before, const std::vector<OomAbove>& now) {
  std::vector<OomAbove> all;
  for (const auto& each : now) {
    const auto old =
        std::find_if(before.begin(), before.end(), [&](const auto& other) { return other.path == each.path; });
    const OomAbove from = old == before.end() ? OomAbove() : *old;
    all.push_back({each.path, grown(from.ooms, each.ooms), grown(from.groups, each.groups)});
  }
  return all;
}

// Gives each kill the limit that was reached, the nearest one first. Each time that a limit was reached is used once;
// two that reach it at the same time may count once and be killed one after the other.
class Places {
 public:
  Places(Count nested, Count own, std::vector<OomAbove> above) : nested_(nested), own_(own), above_(std::move(above)) {}

  OomKill next(bool as_group) {
    if (nested_ == 0) return from_own(as_group);
    --nested_;
    return as_last(OomPlace::kNested, {}, as_group);
  }
  // The group itself is killed as a whole: not by the limit of a group below it.
  OomKill from_own(bool as_group) {
    if (own_ == 0) return from_above(0, as_group);
    --own_;
    return as_last(OomPlace::kOwn, {}, as_group);
  }
  OomKill from_above(std::size_t first, bool as_group) {
    for (std::size_t i = first; i < above_.size(); ++i) {
      if (above_[i].ooms == 0) continue;
      --above_[i].ooms;
      return as_last(OomPlace::kAbove, above_[i].path, as_group);
    }
    return as_last(last_.place, last_.group, as_group);
  }
  [[nodiscard]] bool any_above() const {
    return std::any_of(above_.begin(), above_.end(), [](const auto& each) { return each.ooms > 0; });
  }

 private:
  OomKill as_last(OomPlace place, std::string group, bool as_group) {
    return last_ = {place, as_group, std::move(group)};
  }

  Count nested_, own_;
  std::vector<OomAbove> above_;
  OomKill last_;
};

template <class Value>
Value value_at(const std::map<std::string, Value>& map, const std::string& path) {
  const auto at = map.find(path);
  return at == map.end() ? Value() : at->second;
}

bool is_on_path(const std::string& group, const std::string& of) {
  return of == group || (of.starts_with(group) && of[group.size()] == '/');
}

// v1. A charge is refused at the limit that is reached, and who is killed for it is in that group or below it.
std::string likely_limit(const OomCounters& before, const OomCounters& now, const std::string& victims_group) {
  std::string only;
  if (!before.refused || !now.refused) return only;
  for (const auto& [group, count] : *now.refused) {
    if (!is_on_path(group, victims_group) || grown(value_at(*before.refused, group), count) == 0) continue;
    if (!only.empty()) return {};
    only = group;
  }
  return only;
}

OomNews by_groups_below(const OomCounters& before, const OomCounters& now, const std::string& own) {
  OomNews news;
  const auto add = [&](Count kills, const std::string& group) {
    const std::string likely = likely_limit(before, now, group.empty() ? own : group);
    for (; kills > 0; --kills) news.kills.push_back({OomPlace::kUnknown, false, group, likely});
  };
  add(grown(before.all.kills, now.all.kills), {});
  for (const auto& [path, kills] : now.nested) add(grown(value_at(before.nested, path), kills), path);
  return news;
}

// Of the group and all below it. With memory_localevents each group has its own; one that is gone tells nothing more.
OomEvents grown_of_all(const OomCounters& before, const OomCounters& now) {
  OomEvents all = grown(before.all, now.all);
  for (const auto& [path, events] : now.below) {
    const OomEvents more = grown(value_at(before.below, path), events);
    all = {all.ooms + more.ooms, all.kills + more.kills, all.groups + more.groups};
  }
  return all;
}

}  // namespace

OomNews oom_kills_between(const OomCounters& before, const OomCounters& now, const OomFacts& facts) {
  const bool tells_limits = now.own.has_value();
  if (!tells_limits && now.all.ooms == 0 && now.all.groups == 0) return by_groups_below(before, now, facts.path);
  const OomEvents all = grown_of_all(before, now);
  const OomEvents own = tells_limits ? grown(before.own.value_or(OomEvents()), *now.own) : all;
  const auto above = grown(before.above, now.above);
  const Count nested_ooms = less(all.ooms, own.ooms);
  const Count nested_groups = less(all.groups, own.groups);
  Count groups_above = 0;
  for (const auto& each : above) groups_above += each.groups;
  OomNews news;
  if (all.kills == 0 && all.groups == 0) return news;  // an ancestor's group may have been killed beside it
  Places places(nested_ooms, own.ooms, above);
  // Each group that was killed accounts for two kills at least, the first victim's; by an ancestor's for one.
  for (Count i = 0; i < own.groups; ++i) news.kills.push_back(places.from_own(true));
  for (Count i = 0; i < nested_groups; ++i) news.kills.push_back(places.next(true));
  Count left = less(all.kills, 2 * all.groups);
  for (std::size_t i = 0; i < above.size(); ++i) {
    for (Count each = above[i].groups; each > 0 && left > 0; --each, --left)
      news.kills.push_back(places.from_above(i, true));
  }
  Count singles = left;
  if (all.groups + groups_above > 0) {
    // The rest belongs to the groups, as long as no limit was reached besides. A limit of the group's own that was
    // reached has killed all of it, where it is killed as a whole.
    const Count besides = own.groups > 0 ? less(nested_ooms, nested_groups) : less(all.ooms, all.groups);
    singles = std::min(besides, left);
  } else if (facts.after_group_kill && all.ooms == 0 && !places.any_above()) {
    singles = 0;
  }
  for (Count i = 0; i < singles; ++i) news.kills.push_back(places.next(false));
  const bool surely_single = !facts.kills_group && nested_ooms == 0 && own.ooms > 0 && own.kills == all.kills;
  news.unsettled = all.groups + groups_above == 0 && singles > 0 && !surely_single;
  return news;
}

bool has_new_kills(const OomCounters& before, const OomCounters& now) {
  const auto differs = [](const OomEvents& a, const OomEvents& b) {
    return a.kills != b.kills || a.groups != b.groups;
  };
  return differs(before.all, now.all) || before.nested != now.nested || before.below.size() != now.below.size() ||
         std::any_of(now.below.begin(), now.below.end(),
                     [&](const auto& each) { return differs(value_at(before.below, each.first), each.second); });
}

}  // namespace mete::runtime::cgroup
