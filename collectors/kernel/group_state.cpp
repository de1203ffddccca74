// SPDX-License-Identifier: Apache-2.0
// The cgroup itself: how many there are below it, also of those that are removed and still charged, and is it frozen.
#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

bool stat(std::string_view text, Sample& into) {
  return for_each_key(text, [&](std::string_view key, std::uint64_t number) {
    if (key == "nr_descendants") into.group.descendants = number;
    if (key == "nr_dying_descendants") into.group.dying_descendants = number;
  });
}

bool events(std::string_view text, Sample& into) {
  return for_each_key(text, [&](std::string_view key, std::uint64_t number) {
    if (key == "frozen") into.group.frozen = number != 0;
  });
}

// "THAWED", "FREEZING" or "FROZEN"
bool freezer(std::string_view text, Sample& into) {
  const std::string_view state = trim(text);
  into.group.frozen_v1 = state == "FROZEN";
  return state == "FROZEN" || state == "FREEZING" || state == "THAWED";
}

constexpr std::array<SourceFile, 3> kFiles = {{
    {Where::kV1, "freezer", "freezer.state", freezer, When::kSetting},
    {Where::kUnified, "", "cgroup.events", events, When::kSetting},
    {Where::kUnified, "", "cgroup.stat", stat, When::kSetting},
}};

}  // namespace

std::span<const SourceFile> group_files() {
  return kFiles;
}

}  // namespace mete::collectors
