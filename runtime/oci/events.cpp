// SPDX-License-Identifier: Apache-2.0
// events: prints the container's usage, once (--stats) or at each --interval until its end, and its OOM kills, in
// runc's format.
#include <poll.h>
#include <unistd.h>

#include <chrono>

#include "runtime/cgroup/memory/oom.h"
#include "runtime/cgroup/statistics.h"
#include "runtime/cgroup/text.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/container.h"

namespace mete::runtime::oci {
namespace {

using Json = nlohmann::ordered_json;
using Milliseconds = std::chrono::milliseconds;

template <class Value>
void put(Json& json, const char* key, const std::optional<Value>& value) {
  if (value) json[key] = *value;
}

Json cpu_of(const cgroup::Statistics::Cpu& cpu) {
  Json json;
  put(json["usage"], "total", cpu.total);
  put(json["usage"], "kernel", cpu.kernel);
  put(json["usage"], "user", cpu.user);
  if (!cpu.each.empty()) json["usage"]["percpu"] = cpu.each;
  json["throttling"] = {
      {"periods", cpu.periods}, {"throttledPeriods", cpu.throttled_periods}, {"throttledTime", cpu.throttled_time}};
  return json;
}

Json memory_of(const cgroup::Statistics::Memory& memory) {
  Json json;
  json["raw"] = Json::object();
  for (const auto& [key, value] : memory.table) json["raw"][key] = value;
  json["cache"] = memory.cache;
  Json& usage = json["usage"];
  put(usage, "limit", memory.limit);
  put(usage, "usage", memory.usage);
  put(usage, "max", memory.peak);
  usage["failcnt"] = memory.refused;
  Json& swap = json["swap"];
  put(swap, "limit", memory.swap_limit);
  put(swap, "usage", memory.swap_usage);
  return json;
}

void put_disks(Json& json, const char* key, const std::optional<std::vector<cgroup::Statistics::Disk>>& disks) {
  if (!disks) return;
  Json& list = json[key] = Json::array();
  for (const auto& each : *disks)
    list.push_back({{"major", each.major}, {"minor", each.minor}, {"op", each.operation}, {"value", each.value}});
}

Json stats_of(const std::string& id, const cgroup::Group& group) {
  const auto all = cgroup::read_statistics(group);
  Json data = {{"cpu", cpu_of(all.cpu)}, {"memory", memory_of(all.memory)}};
  Json& pids = data["pids"] = Json::object();
  put(pids, "current", all.pids);
  put(pids, "limit", all.pids_limit);
  Json& io = data["blkio"] = Json::object();
  put_disks(io, "ioServiceBytesRecursive", all.io_bytes);
  put_disks(io, "ioServicedRecursive", all.io_operations);
  return {{"type", "stats"}, {"id", id}, {"data", std::move(data)}};
}

Status print_line(const Json& json) {
  return write_all(STDOUT_FILENO, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

// "5s", "500ms", "1m", as Go writes durations; Go also refuses a number without a unit.
Result<Milliseconds> parse_interval(const std::string& text) {
  constexpr std::pair<std::string_view, long> kUnits[] = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
  const auto digits = text.find_first_not_of("0123456789");
  for (const auto& [unit, factor] : kUnits) {
    if (digits == std::string::npos || std::string_view(text).substr(digits) != unit) continue;
    const auto count = cgroup::parse_u64(std::string_view(text).substr(0, digits));
    if (count && *count > 0 && *count < 1'000'000) return Milliseconds(static_cast<long>(*count) * factor);
  }
  return fail("--interval: found \"" + text + "\", expected a time such as 5s or 500ms");
}

Result<int> watch(const State& state, const cgroup::Group& group, Milliseconds interval) {
  METE_TRY(const UniqueFd process, process::open_pidfd(state.process));
  METE_TRY(const UniqueFd ooms, cgroup::oom_signal(group));
  std::uint64_t told = group.oom_kill_count().value_or(0);
  auto next = std::chrono::steady_clock::now();
  while (true) {
    const auto left = std::chrono::duration_cast<Milliseconds>(next - std::chrono::steady_clock::now()).count();
    pollfd waits[2] = {{process.get(), POLLIN, 0}, {ooms.get(), POLLIN, 0}};
    const int ready = ::poll(waits, 2, static_cast<int>(std::max<long>(0, left)));
    if (waits[1].revents != 0) {
      char drained[4096];
      (void)!::read(ooms.get(), drained, sizeof drained);
    }
    // The signal comes before the kill is counted, so the counter is read at each turn.
    const std::uint64_t kills = group.oom_kill_count().value_or(told);
    for (; told < kills; ++told) METE_CHECK(print_line({{"type", "oom"}, {"id", state.id}}));
    if (waits[0].revents != 0) return 0;
    if (ready != 0) continue;
    METE_CHECK(print_line(stats_of(state.id, group)));
    next += interval;
  }
}

}  // namespace

Result<int> events(const Options& options) {
  const Place place(options.root, options.words.front());
  METE_CHECK(check_id(place.id()));
  METE_TRY(const auto interval, parse_interval(options.interval));
  METE_TRY(const State state, place.load());
  METE_TRY(const auto* machine, hierarchies(state.cgroup_mounts));
  if (life_of(place, state, nullptr) == Life::stopped)
    return fail("container not running: found \"" + place.id() + "\" stopped");
  if (state.cgroup.empty())
    return fail("container \"" + place.id() + "\": found no cgroup of its own, expected one for events");
  METE_TRY(const cgroup::Group group, cgroup::Group::at(*machine, state.cgroup));
  if (!options.stats) return watch(state, group, interval);
  METE_CHECK(print_line(stats_of(state.id, group)));
  return 0;
}

}  // namespace mete::runtime::oci
