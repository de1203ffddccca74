// SPDX-License-Identifier: Apache-2.0
// Paths and addresses of this instance. Instances with different settings can run side by side.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config/model/agent_config.h"
#include "enforcers/restart.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent {

struct Settings {
  std::string state = "/var/lib/mete";  // survives a reboot: images, records, counters, logs
  std::string run = "/run/mete";        // the API socket, and state that ends with the boot
  std::vector<std::string> manifests = {"/etc/mete/manifests"};
  std::string cgroup_parent = "/mete";
  std::string listen = "127.0.0.1:9753";
  std::string web_config;    // Prometheus' web configuration file: TLS and passwords of `listen`; empty: neither
  std::string shim;          // path of mete-shim; empty: beside the agent's executable, or in ../libexec/mete
  std::string socket_group;  // members may use the API's socket as root may; empty: root alone
  bool json_logs = false;
  std::chrono::seconds usage_every{60};  // how often usage is read for `mete advise`
  config::AgentConfig config;            // of --config
  enforcers::BackoffLimits backoff;
  runtime::shim::LogLimits log_limits;

  [[nodiscard]] std::string images() const { return state + "/images"; }
  [[nodiscard]] std::string storage() const { return state + "/storage"; }  // of the storage driver
  [[nodiscard]] std::string applied() const { return state + "/applied"; }
  [[nodiscard]] std::string pods() const { return state + "/pods"; }
  [[nodiscard]] std::string networks() const { return state + "/networks"; }
  [[nodiscard]] std::string endpoints() const { return networks() + "/endpoints"; }
  [[nodiscard]] std::string services() const { return state + "/services.json"; }
  [[nodiscard]] std::string workloads() const { return state + "/workloads"; }
  [[nodiscard]] std::string claims() const { return state + "/claims"; }
  [[nodiscard]] std::string seccomp_profiles() const { return state + "/seccomp"; }
  [[nodiscard]] std::string docker() const { return state + "/docker"; }
  [[nodiscard]] std::string docker_socket() const { return run + "/docker.sock"; }
  [[nodiscard]] std::string docker_read_only_socket() const { return run + "/docker.ro.sock"; }
  [[nodiscard]] std::string run_pods() const { return run + "/pods"; }
  [[nodiscard]] std::string disks() const { return run + "/disks"; }
  [[nodiscard]] std::string logs() const { return state + "/logs"; }
  [[nodiscard]] std::string forensics() const { return state + "/forensics"; }
  [[nodiscard]] std::string usage() const { return state + "/usage"; }
  [[nodiscard]] std::string alerts() const { return state + "/alerts.json"; }
  [[nodiscard]] std::string socket() const { return run + "/mete.sock"; }
};

}  // namespace mete::agent
