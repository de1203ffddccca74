// SPDX-License-Identifier: Apache-2.0
// agent.yaml (--config): what the agent exports. All of it may be left out.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/documents.h"
#include "config/units.h"

namespace mete::config {

// Which cgroups and which labels are exported. Patterns know '*' (any text, '/' too) and '?'.
struct ExportPolicy {
  bool containers = true;            // of all runtimes, and pods
  bool slices = true;                // systemd's
  bool services = true;              // and scopes
  bool other = false;                // groups that are none of these: whatever people make by hand
  std::vector<std::string> include;  // cgroup paths that are exported whatever they are
  std::vector<std::string> exclude;  // those that are not
  bool id_label = true;
  // Labels of containers by name; exported as container_label_NAME. Environment variables never are.
  std::vector<std::string> labels = {"com.docker.compose.project", "com.docker.compose.service"};
  std::int64_t most_cgroups = 20'000;  // the bound of a scrape
  bool kube = false;                   // the kube_* families, from the manifests
};

// By the names of `mete metrics`.
struct CollectorChoice {
  std::vector<std::string> enable;   // of those that are off by default
  std::vector<std::string> disable;  // of those that are on
};

// What is kept for the system, and what is done when the machine itself runs out of memory.
struct MachinePressure {
  std::optional<Ratio> some;  // share of time that some task waited for memory; at least one of the two is set
  std::optional<Ratio> full;
  std::chrono::nanoseconds over{};
};
// io.cost of a disk (cgroup v2): what makes IO weights hold, and how far its speed is turned down for latency's sake.
// Empty: the kernel's own numbers.
struct IoCostLatency {
  Ratio percentile;
  std::chrono::nanoseconds target{};
  bool operator==(const IoCostLatency&) const = default;
};
struct IoCost {
  std::string path;  // the disk, or a path on the file system that lies on it
  std::optional<IoCostLatency> read, write;
  std::optional<Ratio> min, max;  // of the speed that the model says
  std::map<std::string, std::int64_t>
      model;  // by the kernel's words: rbps, rseqiops, rrandiops, wbps, wseqiops, wrandiops
  bool operator==(const IoCost&) const = default;
};
struct MachinePolicy {
  Bytes reserve_memory;  // containers of ours end before less is available; 0: none do
  MilliCpu reserve_cpu{0};
  std::vector<IoCost> io_cost;
  std::optional<Ratio>
      best_effort_cpu;  // share of the CPUs that all may use before pods without requests are held back
  std::optional<MachinePressure> pressure;
  bool report_only = false;          // tell who would be ended
  std::vector<std::string> protect;  // patterns of NAMESPACE/NAME: pods that are never ended
};

struct AgentConfig {
  ExportPolicy exported;
  CollectorChoice collectors;
  MachinePolicy machine;
  std::string web_config;  // Prometheus' web configuration file, from agent.yaml's folder; empty: none
};

struct AgentConfigFile {
  AgentConfig config;
  std::vector<Diagnostic> errors;  // with any of them the config is not to be used
};

// Pure. `file` is only named in errors.
[[nodiscard]] AgentConfigFile read_agent_config(std::string_view text, std::string_view file);

}  // namespace mete::config
