// SPDX-License-Identifier: Apache-2.0
#include "enforcers/io_cost.h"

#include <cstdio>

#include "runtime/cgroup/io.h"

namespace mete::enforcers {
namespace {

// "95.00": the kernel's format.
std::string percent(Ratio share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", static_cast<double>(share.count()) / 1e4);
  return text;
}

void add_latency(std::string& line, char kind, const std::optional<config::IoCostLatency>& latency) {
  if (!latency) return;
  const auto target = std::chrono::duration_cast<std::chrono::microseconds>(latency->target).count();
  line.append(" ").append(1, kind).append("pct=").append(percent(latency->percentile));
  line.append(" ").append(1, kind).append("lat=").append(std::to_string(target));
}

}  // namespace

std::vector<runtime::cgroup::ControlWrite> io_cost_writes(const config::IoCost& cost, const std::string& disk) {
  std::vector<runtime::cgroup::ControlWrite> writes;
  if (!cost.model.empty()) {
    std::string line = disk + " ctrl=user model=linear";
    for (const auto& [word, number] : cost.model)
      line.append(" ").append(word).append("=").append(std::to_string(number));
    writes.push_back(runtime::cgroup::io_cost_model(std::move(line)));
  }
  std::string line = disk + " enable=1";
  const bool own = cost.read || cost.write || cost.min || cost.max;
  line += own ? " ctrl=user" : " ctrl=auto";
  add_latency(line, 'r', cost.read);
  add_latency(line, 'w', cost.write);
  if (cost.min) line += " min=" + percent(*cost.min);
  if (cost.max) line += " max=" + percent(*cost.max);
  writes.push_back(runtime::cgroup::io_cost_qos(std::move(line)));
  return writes;
}

}  // namespace mete::enforcers
