// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <thread>

#include "agent/cli/output.h"
#include "agent/cli/table.h"

namespace mete::agent::cli {
namespace {

struct Counters {
  double cpu_seconds = 0;
  double periods = 0;
  double throttled_periods = 0;
};

struct Shot {
  std::chrono::steady_clock::time_point at;
  std::map<std::string, Counters> by_container;
  Json pods;
};

double number(const Json& value, const char* key) { return value.contains(key) && value[key].is_number() ? value[key].get<double>() : 0; }

std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::optional<Shot> take(const Common& common, int& code) {
  auto fetched = fetch(common, "GET", "/mete/v1/pods");
  code = fetched.code;
  if (code != kDone) return std::nullopt;
  Shot shot{std::chrono::steady_clock::now(), {}, std::move(fetched.value["pods"])};
  for (const auto& pod : shot.pods) {
    for (const auto& container : pod["containers"]) {
      const auto& usage = container["usage"];
      shot.by_container[container["cgroup"].get<std::string>()] = {number(usage, "cpuSeconds"), number(usage, "periods"), number(usage, "throttledPeriods")};
    }
  }
  return shot;
}

std::string render(const Shot& before, const Shot& now) {
  const double elapsed = std::chrono::duration<double>(now.at - before.at).count();
  Table table({"NAMESPACE", "POD", "CONTAINER", "STATE", "CPU%", "LIMIT%", "THROTTLED%", "MEMORY", "LIMIT", "PIDS", "OOMS", "RESTARTS"});
  for (const auto& pod : now.pods) {
    for (const auto& container : pod["containers"]) {
      const auto& usage = container["usage"];
      const auto& limits = container["limits"];
      const auto old = before.by_container.find(container["cgroup"].get<std::string>());
      const Counters last = old == before.by_container.end() ? Counters() : old->second;
      const double cpu = elapsed > 0 && old != before.by_container.end() ? 100 * (number(usage, "cpuSeconds") - last.cpu_seconds) / elapsed : 0;
      const double periods = number(usage, "periods") - last.periods;
      const double throttled = periods > 0 ? 100 * (number(usage, "throttledPeriods") - last.throttled_periods) / periods : 0;
      const double quota = number(limits, "cpuQuotaMicroseconds");
      const double period = number(limits, "cpuPeriodMicroseconds");
      const double memory_limit = number(limits, "memoryBytes");
      table.add({printable(pod["namespace"].get<std::string>()), printable(pod["name"].get<std::string>()), printable(container["name"].get<std::string>()),
                 container["state"].get<std::string>(), fixed(std::max(cpu, 0.0), 1), quota > 0 ? fixed(100 * quota / period, 0) : "-",
                 quota > 0 ? fixed(std::clamp(throttled, 0.0, 100.0), 0) : "-", bytes_text(static_cast<std::int64_t>(number(usage, "memoryBytes"))),
                 memory_limit > 0 ? bytes_text(static_cast<std::int64_t>(memory_limit)) : "-", fixed(number(usage, "pids"), 0),
                 fixed(number(container, "oomKills"), 0), fixed(number(container, "restarts"), 0)});
    }
  }
  return table.text();
}

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

int top(const Common& common, bool batch, unsigned interval_seconds, unsigned count) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  const bool live = !batch && ::isatty(STDOUT_FILENO) == 1;
  int code = kDone;
  auto before = take(common, code);
  if (!before) return code;
  for (unsigned shown = 0; interrupted == 0 && (count == 0 || shown < count); ++shown) {
    // The first picture needs two readings; it comes soon.
    const auto wait = shown == 0 ? std::chrono::milliseconds(500) : std::chrono::milliseconds(1000 * interval_seconds);
    std::this_thread::sleep_for(wait);
    if (interrupted != 0) break;
    auto now = take(common, code);
    if (!now) return code;
    if (!print_structured(common, {{"pods", now->pods}})) {
      print((live ? "\x1b[H\x1b[2J" : shown > 0 ? "\n" : "") + render(*before, *now));
    }
    before = std::move(now);
  }
  return kDone;
}

}  // namespace mete::agent::cli
