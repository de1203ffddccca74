// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/stats_json.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "agent/docker/container/state.h"

namespace mete::agent::docker {
namespace {

template <class Value>
std::uint64_t count_of(const collectors::Known<Value>& value) {
  if (!value) return 0;
  if constexpr (std::is_integral_v<Value>) {
    return static_cast<std::uint64_t>(*value);
  } else {
    return static_cast<std::uint64_t>(value->count());
  }
}

// Appends JSON: some thousands of numbers a second, of which no tree is needed.
class Writer {
 public:
  explicit Writer(std::string& text) : text_(text) {}

  Writer& begin(std::string_view name) { return put(name, "{"); }
  Writer& begin_list(std::string_view name) { return put(name, "["); }
  Writer& begin() { return put({}, "{"); }  // in a list, or of all
  Writer& end(char close = '}') {
    text_ += close;
    return *this;
  }
  Writer& number(std::string_view name, std::uint64_t value) {
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    return put(name, {digits, static_cast<std::size_t>(end - digits)});
  }
  Writer& text(std::string_view name, std::string_view value) { return put(name, quoted(value)); }
  Writer& nothing(std::string_view name) { return put(name, "null"); }

 private:
  Writer& put(std::string_view name, std::string_view value) {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[') text_ += ',';
    if (!name.empty()) text_.append(quoted(name)).append(":");
    text_ += value;
    return *this;
  }
  static std::string quoted(std::string_view value) {
    const bool plain =
        std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
    if (!plain) return Json(std::string(value)).dump(-1, ' ', false, Json::error_handler_t::replace);
    return std::string("\"").append(value).append("\"");
  }

  std::string& text_;
};

void write_cpu(Writer& to, const char* name, const StatsMoment& moment, unsigned cpus) {
  const auto& cpu = moment.sample.cpu;
  to.begin(name).begin("cpu_usage");
  to.number("total_usage", count_of(cpu.usage));
  to.number("usage_in_kernelmode", count_of(cpu.system));
  to.number("usage_in_usermode", count_of(cpu.user)).end();
  to.number("system_cpu_usage", moment.system).number("online_cpus", cpus).begin("throttling_data");
  to.number("periods", count_of(cpu.periods)).number("throttled_periods", count_of(cpu.throttled_periods));
  to.number("throttled_time", count_of(cpu.throttled)).end().end();
}

void write_memory(Writer& to, const collectors::Sample& sample, std::uint64_t machine) {
  const auto& memory = sample.memory;
  const bool limited = memory.limit && !memory.limit->is_unlimited();
  const std::uint64_t limit = limited ? count_of(collectors::Size(memory.limit->value())) : machine;
  to.begin("memory_stats").number("usage", count_of(memory.usage)).number("max_usage", count_of(memory.max_usage));
  // Both names: clients know v1's or v2's.
  to.begin("stats");
  to.number("inactive_file", count_of(memory.inactive_file));
  to.number("total_inactive_file", count_of(memory.inactive_file));
  to.number("active_file", count_of(memory.active_file));
  to.number("anon", count_of(memory.rss)).number("rss", count_of(memory.rss));
  to.number("file", count_of(memory.cache)).number("cache", count_of(memory.cache));
  to.number("pgfault", count_of(memory.page_faults));
  to.number("pgmajfault", count_of(memory.major_page_faults)).end();
  to.number("failcnt", count_of(memory.failcnt)).number("limit", std::min(limit, machine)).end();
}

void write_io(Writer& to, const collectors::Sample& sample) {
  const auto row = [&to](const collectors::DeviceSample& device, const char* op, std::uint64_t value) {
    to.begin().number("major", device.major).number("minor", device.minor).text("op", op).number("value", value).end();
  };
  to.begin("blkio_stats").begin_list("io_service_bytes_recursive");
  for (const auto& device : sample.devices) {
    row(device, "read", count_of(device.read_bytes));
    row(device, "write", count_of(device.write_bytes));
  }
  to.end(']').begin_list("io_serviced_recursive");
  for (const auto& device : sample.devices) {
    row(device, "read", count_of(device.reads));
    row(device, "write", count_of(device.writes));
  }
  to.end(']').end();
}

void write_interfaces(Writer& to, const collectors::Sample& sample) {
  to.begin("networks");
  for (const auto& each : sample.interfaces) {
    if (each.name.view() == "lo") continue;
    to.begin(each.name.view());
    to.number("rx_bytes", count_of(each.receive_bytes)).number("rx_packets", count_of(each.receive_packets));
    to.number("rx_errors", count_of(each.receive_errors)).number("rx_dropped", count_of(each.receive_dropped));
    to.number("tx_bytes", count_of(each.transmit_bytes)).number("tx_packets", count_of(each.transmit_packets));
    to.number("tx_errors", count_of(each.transmit_errors)).number("tx_dropped", count_of(each.transmit_dropped)).end();
  }
  to.end();
}

void write_no_cpu(Writer& to, const char* name) {
  to.begin(name).begin("cpu_usage");
  to.number("total_usage", 0).number("usage_in_kernelmode", 0).number("usage_in_usermode", 0).end();
  to.begin("throttling_data").number("periods", 0).number("throttled_periods", 0).number("throttled_time", 0);
  to.end().end();
}

}  // namespace

std::string stats_text(const StatsFacts& facts, const StatsMoment& before, const StatsMoment& now) {
  constexpr std::size_t kUsual = 2048;
  std::string text;
  text.reserve(kUsual);
  Writer to(text);
  to.begin().text("read", time_text(now.sample.wall_time)).text("preread", time_text(before.sample.wall_time));
  to.begin("pids_stats").number("current", count_of(now.sample.pids.current));
  if (now.sample.pids.max) to.number("limit", *now.sample.pids.max);
  to.end();
  write_io(to, now.sample);
  to.number("num_procs", 0).begin("storage_stats").end();
  write_cpu(to, "cpu_stats", now, facts.cpus);
  write_cpu(to, "precpu_stats", before, facts.cpus);
  write_memory(to, now.sample, static_cast<std::uint64_t>(facts.machine_memory));
  to.text("name", "/" + facts.name).text("id", facts.id);
  write_interfaces(to, now.sample);
  to.end();
  return text;
}

std::string no_stats_text(const StatsFacts& facts) {
  std::string text;
  Writer to(text);
  to.begin().text("read", time_text({})).text("preread", time_text({})).begin("pids_stats").end();
  to.begin("blkio_stats").nothing("io_service_bytes_recursive").end().number("num_procs", 0);
  to.begin("storage_stats").end();
  write_no_cpu(to, "cpu_stats");
  write_no_cpu(to, "precpu_stats");
  to.begin("memory_stats").end().text("name", "/" + facts.name).text("id", facts.id).end();
  return text;
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
