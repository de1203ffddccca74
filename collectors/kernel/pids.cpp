// SPDX-License-Identifier: Apache-2.0
// Controller pids: tasks, threads counted.
#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

bool current(std::string_view text, Sample& into) {
  return parse_count(text, into.pids.current);
}
bool peak(std::string_view text, Sample& into) {
  return parse_count(text, into.pids.peak);
}

bool max(std::string_view text, Sample& into) {
  if (trim(text) != "max") return parse_count(text, into.pids.max);
  into.pids.max.reset();
  return true;
}

bool events(std::string_view text, Sample& into) {
  return for_each_key(text, [&](std::string_view key, std::uint64_t number) {
    if (key == "max") into.pids.refused = number;
  });
}

constexpr std::array<SourceFile, 8> kFiles = {{
    {Where::kV1, "pids", "pids.current", current},
    {Where::kV1, "pids", "pids.peak", peak, When::kRunning},
    {Where::kV1, "pids", "pids.events", events, When::kRunning},
    {Where::kV1, "pids", "pids.max", max, When::kSetting},
    {Where::kV2, "pids", "pids.current", current},
    {Where::kV2, "pids", "pids.peak", peak, When::kRunning},
    {Where::kV2, "pids", "pids.events", events, When::kRunning},
    {Where::kV2, "pids", "pids.max", max, When::kSetting},
}};

}  // namespace

std::span<const SourceFile> pids_files() {
  return kFiles;
}

}  // namespace mete::collectors
