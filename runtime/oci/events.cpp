// SPDX-License-Identifier: Apache-2.0
// events: what the container uses, once (--stats) or each --interval until its end, and its OOM kills, as runc prints
// them.
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <chrono>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/container.h"

namespace mete::runtime::oci {
namespace {

using Json = nlohmann::ordered_json;
using Milliseconds = std::chrono::milliseconds;

// A file with one number; "max" and what is not there are nothing.
std::optional<std::uint64_t> number(const cgroup::Group& group, std::string_view controller, const std::string& file) {
  const auto text = group.read(controller, file);
  return text ? cgroup::parse_u64(cgroup::trim(*text)) : std::nullopt;
}

template <class Value>
void put(Json& json, const char* key, const std::optional<Value>& value) {
  if (value) json[key] = *value;
}

// Every "key value" line.
Json table(const cgroup::Group& group, std::string_view controller, const std::string& file) {
  Json all = Json::object();
  const auto text = group.read(controller, file);
  for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
    std::string_view line = cgroup::next_line(rest);
    const std::string key(cgroup::next_word(line));
    if (const auto value = cgroup::parse_u64(cgroup::next_word(line))) all[key] = *value;
  }
  return all;
}

std::uint64_t of(const Json& numbers, const char* key, std::uint64_t factor = 1) {
  return numbers.value(key, std::uint64_t{0}) * factor;
}

Json cpu_of(const cgroup::Group& group) {
  constexpr std::uint64_t kNanosPerMicro = 1'000;
  const Json stat = table(group, "cpu", "cpu.stat");
  Json cpu;
  if (!group.hierarchies().on_v1("cpuacct")) {
    cpu["usage"] = {{"total", of(stat, "usage_usec", kNanosPerMicro)},
                    {"kernel", of(stat, "system_usec", kNanosPerMicro)},
                    {"user", of(stat, "user_usec", kNanosPerMicro)}};
    cpu["throttling"] = {{"periods", of(stat, "nr_periods")},
                         {"throttledPeriods", of(stat, "nr_throttled")},
                         {"throttledTime", of(stat, "throttled_usec", kNanosPerMicro)}};
    return cpu;
  }
  put(cpu["usage"], "total", number(group, "cpuacct", "cpuacct.usage"));
  put(cpu["usage"], "kernel", number(group, "cpuacct", "cpuacct.usage_sys"));
  put(cpu["usage"], "user", number(group, "cpuacct", "cpuacct.usage_user"));
  const auto each = group.read("cpuacct", "cpuacct.usage_percpu");
  for (std::string_view rest = each ? std::string_view(*each) : std::string_view(); !rest.empty();) {
    if (const auto value = cgroup::parse_u64(cgroup::next_word(rest))) cpu["usage"]["percpu"].push_back(*value);
    rest = cgroup::trim(rest);
  }
  cpu["throttling"] = {{"periods", of(stat, "nr_periods")},
                       {"throttledPeriods", of(stat, "nr_throttled")},
                       {"throttledTime", of(stat, "throttled_time")}};
  return cpu;
}

Json memory_of(const cgroup::Group& group) {
  const bool v1 = group.hierarchies().on_v1("memory");
  Json memory;
  memory["raw"] = table(group, "memory", "memory.stat");
  memory["cache"] = of(memory["raw"], v1 ? "total_cache" : "file");
  Json& usage = memory["usage"];
  put(usage, "limit", number(group, "memory", v1 ? "memory.limit_in_bytes" : "memory.max"));
  put(usage, "usage", number(group, "memory", v1 ? "memory.usage_in_bytes" : "memory.current"));
  put(usage, "max", number(group, "memory", v1 ? "memory.max_usage_in_bytes" : "memory.peak"));
  usage["failcnt"] =
      v1 ? number(group, "memory", "memory.failcnt").value_or(0) : of(table(group, "memory", "memory.events"), "max");
  Json& swap = memory["swap"];
  put(swap, "limit", number(group, "memory", v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max"));
  put(swap, "usage", number(group, "memory", v1 ? "memory.memsw.usage_in_bytes" : "memory.swap.current"));
  return memory;
}

Json entry(std::string_view disk, std::string_view operation, std::uint64_t value) {
  const auto colon = disk.find(':');
  return {{"major", cgroup::parse_u64(disk.substr(0, colon)).value_or(0)},
          {"minor", cgroup::parse_u64(disk.substr(colon + 1)).value_or(0)},
          {"op", operation},
          {"value", value}};
}

// v1: "8:0 Read 4096".
Json lines_v1(const cgroup::Group& group, const std::string& file) {
  Json all = Json::array();
  const auto text = group.read("blkio", file);
  for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
    std::string_view line = cgroup::next_line(rest);
    const auto disk = cgroup::next_word(line);
    const auto operation = cgroup::next_word(line);
    const auto value = cgroup::parse_u64(cgroup::next_word(line));
    if (value && disk.find(':') != std::string_view::npos) all.push_back(entry(disk, operation, *value));
  }
  return all;
}

// v2: "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 ...".
void add_v2(const cgroup::Group& group, Json& io) {
  constexpr std::tuple<std::string_view, const char*, const char*> kKeys[] = {
      {"rbytes", "ioServiceBytesRecursive", "Read"},
      {"wbytes", "ioServiceBytesRecursive", "Write"},
      {"rios", "ioServicedRecursive", "Read"},
      {"wios", "ioServicedRecursive", "Write"}};
  const auto text = group.read("io", "io.stat");
  for (std::string_view rest = text ? std::string_view(*text) : std::string_view(); !rest.empty();) {
    std::string_view line = cgroup::next_line(rest);
    const auto disk = cgroup::next_word(line);
    for (auto word = cgroup::next_word(line); !word.empty(); word = cgroup::next_word(line)) {
      const auto equals = word.find('=');
      for (const auto& [key, list, operation] : kKeys) {
        if (equals == std::string_view::npos || word.substr(0, equals) != key) continue;
        io[list].push_back(entry(disk, operation, cgroup::parse_u64(word.substr(equals + 1)).value_or(0)));
      }
    }
  }
}

Json io_of(const cgroup::Group& group) {
  Json io = Json::object();
  if (group.hierarchies().on_v1("blkio")) {
    io["ioServiceBytesRecursive"] = lines_v1(group, "blkio.throttle.io_service_bytes_recursive");
    io["ioServicedRecursive"] = lines_v1(group, "blkio.throttle.io_serviced_recursive");
  } else {
    add_v2(group, io);
  }
  return io;
}

Json stats_of(const std::string& id, const cgroup::Group& group) {
  Json data = {{"cpu", cpu_of(group)}, {"memory", memory_of(group)}, {"pids", Json::object()}, {"blkio", io_of(group)}};
  put(data["pids"], "current", number(group, "pids", "pids.current"));
  put(data["pids"], "limit", number(group, "pids", "pids.max"));
  return {{"type", "stats"}, {"id", id}, {"data", std::move(data)}};
}

Status print_line(const Json& json) {
  return write_all(STDOUT_FILENO, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

// Readable whenever there may be a new OOM kill; how many there were, the counter tells.
Result<UniqueFd> oom_signal(const cgroup::Group& group) {
  if (group.hierarchies().on_v1("memory")) return group.oom_eventfd();
  UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.valid()) return fail_errno("inotify_init");
  const std::string file = group.memory_events_file();
  if (!file.empty() && ::inotify_add_watch(watch.get(), file.c_str(), IN_MODIFY) < 0)
    return fail_errno("watch " + file);
  return watch;
}

// "5s", "500ms", "1m", as Go writes durations; a number alone is refused there, too.
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
  METE_TRY(const UniqueFd ooms, oom_signal(group));
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
    // The signal comes before the kill is counted, so the counter is asked at each turn.
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
  METE_TRY(const auto* machine, hierarchies());
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
