// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/stats_json.h"

#include <charconv>

#include "agent/docker/container/state.h"

namespace mete::agent::docker {
namespace {

template <class Value>
std::uint64_t count_of(const std::optional<Value>& value) {
  if (!value) return 0;
  if constexpr (std::is_integral_v<Value>) {
    return static_cast<std::uint64_t>(*value);
  } else {
    return static_cast<std::uint64_t>(value->count());
  }
}

Json cpu_json(const StatsMoment& moment, unsigned cpus) {
  const auto& cpu = moment.sample.cpu;
  Json usage = {{"total_usage", count_of(cpu.usage)},
                {"usage_in_kernelmode", count_of(cpu.system)},
                {"usage_in_usermode", count_of(cpu.user)}};
  return {{"cpu_usage", std::move(usage)},
          {"system_cpu_usage", moment.system},
          {"online_cpus", cpus},
          {"throttling_data",
           {{"periods", count_of(cpu.periods)},
            {"throttled_periods", count_of(cpu.throttled_periods)},
            {"throttled_time", count_of(cpu.throttled)}}}};
}

Json memory_json(const collectors::Sample& sample, std::int64_t machine) {
  const auto& memory = sample.memory;
  const bool bounded = memory.limit && !memory.limit->is_unlimited() && memory.limit->value().count() < machine;
  // Both names: clients know v1's or v2's.
  Json stats = {{"inactive_file", count_of(memory.inactive_file)},
                {"total_inactive_file", count_of(memory.inactive_file)},
                {"active_file", count_of(memory.active_file)},
                {"anon", count_of(memory.rss)},
                {"rss", count_of(memory.rss)},
                {"file", count_of(memory.cache)},
                {"cache", count_of(memory.cache)},
                {"pgfault", count_of(memory.page_faults)},
                {"pgmajfault", count_of(memory.major_page_faults)}};
  return {{"usage", count_of(memory.usage)},
          {"max_usage", count_of(memory.max_usage)},
          {"stats", std::move(stats)},
          {"failcnt", count_of(memory.failcnt)},
          {"limit", bounded ? memory.limit->value().count() : machine}};
}

Json io_json(const collectors::Sample& sample) {
  Json bytes = Json::array();
  Json operations = Json::array();
  for (const auto& device : sample.devices) {
    const auto row = [&](const char* op, std::uint64_t value) {
      return Json{{"major", device.major}, {"minor", device.minor}, {"op", op}, {"value", value}};
    };
    bytes.push_back(row("read", count_of(device.read_bytes)));
    bytes.push_back(row("write", count_of(device.write_bytes)));
    operations.push_back(row("read", count_of(device.reads)));
    operations.push_back(row("write", count_of(device.writes)));
  }
  return {{"io_service_bytes_recursive", std::move(bytes)}, {"io_serviced_recursive", std::move(operations)}};
}

Json interfaces_json(const collectors::Sample& sample) {
  Json all = Json::object();
  for (const auto& each : sample.interfaces) {
    if (each.name.view() == "lo") continue;
    all[std::string(each.name.view())] = {
        {"rx_bytes", count_of(each.receive_bytes)},    {"rx_packets", count_of(each.receive_packets)},
        {"rx_errors", count_of(each.receive_errors)},  {"rx_dropped", count_of(each.receive_dropped)},
        {"tx_bytes", count_of(each.transmit_bytes)},   {"tx_packets", count_of(each.transmit_packets)},
        {"tx_errors", count_of(each.transmit_errors)}, {"tx_dropped", count_of(each.transmit_dropped)}};
  }
  return all;
}

}  // namespace

Json stats_json(const StatsFacts& facts, const StatsMoment& before, const StatsMoment& now) {
  Json pids = {{"current", count_of(now.sample.pids.current)}};
  if (now.sample.pids.max) pids["limit"] = *now.sample.pids.max;
  return {{"read", time_text(now.sample.wall_time)},
          {"preread", time_text(before.sample.wall_time)},
          {"pids_stats", std::move(pids)},
          {"blkio_stats", io_json(now.sample)},
          {"num_procs", 0},
          {"storage_stats", Json::object()},
          {"cpu_stats", cpu_json(now, facts.cpus)},
          {"precpu_stats", cpu_json(before, facts.cpus)},
          {"memory_stats", memory_json(now.sample, facts.machine_memory)},
          {"name", "/" + facts.name},
          {"id", facts.id},
          {"networks", interfaces_json(now.sample)}};
}

Json no_stats_json(const StatsFacts& facts) {
  const Json cpu = {{"cpu_usage", {{"total_usage", 0}, {"usage_in_kernelmode", 0}, {"usage_in_usermode", 0}}},
                    {"throttling_data", {{"periods", 0}, {"throttled_periods", 0}, {"throttled_time", 0}}}};
  return {{"read", time_text({})},
          {"preread", time_text({})},
          {"pids_stats", Json::object()},
          {"blkio_stats", {{"io_service_bytes_recursive", Json()}}},
          {"num_procs", 0},
          {"storage_stats", Json::object()},
          {"cpu_stats", cpu},
          {"precpu_stats", cpu},
          {"memory_stats", Json::object()},
          {"name", "/" + facts.name},
          {"id", facts.id}};
}

std::uint64_t system_time(std::string_view proc_stat, long ticks_per_second) {
  constexpr int kWithoutGuests = 8;
  std::string_view line = proc_stat.substr(0, proc_stat.find('\n'));
  line.remove_prefix(std::min(line.find_first_of("0123456789"), line.size()));
  std::uint64_t ticks = 0;
  for (int i = 0; i < kWithoutGuests && !line.empty(); ++i) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), value);
    ticks += value;
    line.remove_prefix(static_cast<std::size_t>(parsed.ptr - line.data()));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  }
  return ticks * (1'000'000'000ULL / static_cast<std::uint64_t>(ticks_per_second));
}

}  // namespace mete::agent::docker
