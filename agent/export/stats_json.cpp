// SPDX-License-Identifier: Apache-2.0
#include "agent/export/stats_json.h"

#include <array>
#include <charconv>
#include <string_view>

namespace mete::agent {
namespace {

using collectors::Sample;
using collectors::Series;
using collectors::Value;

// Writes the members of one object, in order; absent values are left out.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() { out_ += '}'; }

  void add(std::string_view name, Value value) {
    if (value.absent()) return;
    key(name);
    value.append_to(out_);
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    out_ += '"';
    std::string valid;
    collectors::append_label_value(valid, value);  // replaces invalid UTF-8, and escapes \ " and newline as JSON does
    for (const char c : valid) {
      if (static_cast<unsigned char>(c) >= 0x20) {
        out_ += c;
        continue;
      }
      constexpr std::string_view kHex = "0123456789abcdef";
      out_ += "\\u00";
      out_ += kHex[static_cast<unsigned char>(c) >> 4U];
      out_ += kHex[static_cast<unsigned char>(c) & 15U];
    }
    out_ += '"';
  }
  // Writes a key; the caller then writes an object or a list as the value.
  std::string& key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_.append("\"").append(name).append("\":");
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

std::uint64_t count_of(Bytes size) {
  return static_cast<std::uint64_t>(size.count());
}
std::uint64_t count_of(std::uint64_t number) {
  return number;
}

template <class Items, class Member>
Value sum(const Items& items, Member member) {
  std::optional<std::uint64_t> total;
  for (const auto& item : items) {
    if (const auto& value = item.*member) total = total.value_or(0) + static_cast<std::uint64_t>(count_of(*value));
  }
  return total;
}

void add_cpu(Object& out, const Series& series) {
  const auto& cpu = series.sample->cpu;
  out.add("cpuSeconds", cpu.usage);
  out.add("userSeconds", cpu.user);
  out.add("systemSeconds", cpu.system);
  out.add("periods", cpu.quota ? Value(cpu.periods) : Value());
  out.add("throttledPeriods", cpu.quota ? Value(cpu.throttled_periods) : Value());
  out.add("throttledSeconds", cpu.quota ? Value(cpu.throttled) : Value());
  if (cpu.quota && cpu.period && cpu.period->count() > 0) {
    out.add("quotaCores", static_cast<double>(cpu.quota->count()) / static_cast<double>(cpu.period->count()));
  }
  out.add("effectiveCpuCores", series.effective.cpu_cores);
}

void add_memory(Object& out, const Series& series) {
  const auto& memory = series.sample->memory;
  out.add("memoryBytes", memory.usage);
  out.add("workingSetBytes", memory.working_set());
  out.add("rssBytes", memory.rss);
  out.add("cacheBytes", memory.cache);
  out.add("swapBytes", memory.swap);
  out.add("maxMemoryBytes", memory.max_usage);
  if (memory.limit && !memory.limit->is_unlimited()) out.add("memoryLimitBytes", Value(memory.limit->value()));
  out.add("effectiveMemoryLimitBytes", series.effective.memory);
  out.add("oomKills", series.lifecycle ? Value(series.lifecycle->oom_kills.container) : Value(memory.oom_events));
}

void add_pressure(Object& out, std::string_view name, const collectors::PressureSample& pressure) {
  if (!pressure.some && !pressure.full) return;
  Object each(out.key(name));
  each.add("some", pressure.some);
  each.add("full", pressure.full);
}

void add_traffic(Object& out, const Sample& sample) {
  using collectors::DeviceSample;
  using collectors::InterfaceSample;
  out.add("readBytes", sum(sample.devices, &DeviceSample::read_bytes));
  out.add("writeBytes", sum(sample.devices, &DeviceSample::write_bytes));
  out.add("reads", sum(sample.devices, &DeviceSample::reads));
  out.add("writes", sum(sample.devices, &DeviceSample::writes));
  out.add("receiveBytes", sum(sample.interfaces, &InterfaceSample::receive_bytes));
  out.add("transmitBytes", sum(sample.interfaces, &InterfaceSample::transmit_bytes));
}

void write_row(std::string& out, const Series& series) {
  Object row(out);
  const auto& who = *series.who;
  row.text("path", series.path);
  row.add("cgroup", series.cgroup_id);
  row.text("kind", to_string(who.kind));
  row.text("runtime", who.runtime);
  row.text("name", who.name);
  row.text("image", who.image);
  row.text("namespace", who.namespace_);
  row.text("pod", who.pod);
  row.text("container", who.container);
  if (series.lifecycle) {
    row.text("state", to_string(series.lifecycle->state));
    row.add("restarts", series.lifecycle->restarts);
    if (series.lifecycle->exit_code) row.add("exitCode", static_cast<std::uint64_t>(*series.lifecycle->exit_code));
  }
  if (series.sample == nullptr) return;
  row.add("at", Value(std::chrono::nanoseconds(series.sample->at.time_since_epoch())));
  add_cpu(row, series);
  add_memory(row, series);
  row.add("pids", series.sample->pids.current);
  row.add("pidsMax", series.sample->pids.max);
  add_traffic(row, *series.sample);
  Object pressure(row.key("pressure"));
  add_pressure(pressure, "cpu", series.sample->cpu_pressure);
  add_pressure(pressure, "memory", series.sample->memory_pressure);
  add_pressure(pressure, "io", series.sample->io_pressure);
}

void write_all(std::string& out, const collectors::Reading& reading) {
  Object all(out);
  all.add("at", Value(std::chrono::nanoseconds(reading.at.time_since_epoch())));
  all.add("tookSeconds", Value(reading.took));
  {
    Object machine(all.key("machine"));
    machine.add("cores", reading.machine.cores);
    machine.add("memoryBytes", reading.machine.memory);
    machine.add("swapBytes", reading.machine.swap);
  }
  std::string& list = all.key("cgroups");
  list += '[';
  bool first = true;
  for (const Series& series : reading.series) {
    // Skips a pod's row that repeats its only container's, and ancestors that were read only for their limits.
    if (series.who == nullptr) continue;
    if (!first) list += ',';
    first = false;
    write_row(list, series);
  }
  list += "]";
}

}  // namespace

std::string stats_json(const collectors::Reading& reading) {
  std::string out;
  out.reserve(reading.series.size() * 1024);
  write_all(out, reading);
  return out += '\n';
}

}  // namespace mete::agent
