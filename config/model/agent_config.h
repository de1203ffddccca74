// SPDX-License-Identifier: Apache-2.0
// agent.yaml (--config): what the agent exports, how it protects the machine and whom it alerts. Every field is
// optional.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/units.h"
#include "config/model/documents.h"
#include "config/model/overlay_policy.h"
#include "config/model/runtime_programs.h"
#include "config/model/storage_policy.h"
#include "config/values/ip_address.h"

namespace mete::config {

// Selects the cgroups and labels that are exported. In patterns '*' matches any text with '/', '?' one character.
struct ExportPolicy {
  bool containers = true;            // of all runtimes, and pods
  bool slices = true;                // systemd slices
  bool services = true;              // systemd services and scopes
  bool other = false;                // groups that are none of these, such as those made by hand
  std::vector<std::string> include;  // cgroup paths that are always exported
  std::vector<std::string> exclude;  // cgroup paths that are never exported
  bool id_label = true;
  // Labels of containers by name; exported as container_label_NAME. Environment variables never are.
  std::vector<std::string> labels = {"com.docker.compose.project", "com.docker.compose.service"};
  std::int64_t most_cgroups = 20'000;  // upper bound of cgroups in one scrape
  bool kube = false;                   // the kube_* families, from the manifests
  // Of them labels and annotations of objects, as with kube-state-metrics: by "services", "deployments" and so on the
  // names of those that are exported, or "*" for all. Other objects have none.
  std::map<std::string, std::vector<std::string>> kube_labels, kube_annotations;
};
// The words for kinds of objects in these, as kube-state-metrics has them.
inline constexpr std::array<std::string_view, 11> kKubeResources = {
    "pods",        "services",   "endpoints",    "endpointslices", "networkpolicies", "deployments",
    "replicasets", "daemonsets", "statefulsets", "jobs",           "cronjobs"};

// Collectors by their names in `mete metrics`.
struct CollectorChoice {
  std::vector<std::string> enable;   // off by default
  std::vector<std::string> disable;  // on by default
};

// Memory pressure of the whole machine (PSI) at which a pod is ended.
struct MachinePressure {
  std::optional<Ratio> some;  // share of time that some task waited for memory; at least one of the two is set
  std::optional<Ratio> full;
  std::chrono::nanoseconds over{};
};
// io.cost of a disk (cgroup v2): makes IO weights effective and sets how far the disk's speed is reduced to keep
// latency low. Empty fields: the kernel's own values.
struct IoCostLatency {
  Ratio percentile;
  std::chrono::nanoseconds target{};
  bool operator==(const IoCostLatency&) const = default;
};
struct IoCost {
  std::string path;  // the disk, or a path on a file system of the disk
  std::optional<IoCostLatency> read, write;
  std::optional<Ratio> min, max;  // share of the model's speed
  // Keys are the kernel's: rbps, rseqiops, rrandiops, wbps, wseqiops, wrandiops.
  std::map<std::string, std::int64_t> model;
  bool operator==(const IoCost&) const = default;
};
struct MachinePolicy {
  Bytes reserve_memory;  // mete ends its containers before less is available; 0: never
  MilliCpu reserve_cpu{0};
  std::vector<IoCost> io_cost;
  // Share of the CPUs that all groups together may use before pods without requests are throttled.
  std::optional<Ratio> best_effort_cpu;
  std::optional<MachinePressure> pressure;
  bool report_only = false;          // report the pod that would be ended, and end none
  std::vector<std::string> protect;  // patterns of NAMESPACE/NAME: pods that are never ended
};

// How the registries of images are reached. Registries are HOST or HOST:PORT; docker.io is Docker Hub.
struct RegistryMirror {
  std::string registry;
  std::vector<std::string> hosts;  // asked first, in this order
  bool operator==(const RegistryMirror&) const = default;
};
struct RegistryPolicy {
  std::vector<std::string> insecure;  // plain HTTP is allowed; on loopback it always is
  std::vector<std::string> blocked;   // never asked; "*": none is
  std::vector<RegistryMirror> mirrors;
};

// The network of pods without hostNetwork.
enum class DefaultNetwork : std::uint8_t {
  kAutomatic,  // the bridge, and none with a warning where the machine cannot have it
  kBridge,     // the bridge; where the machine cannot have it, pods wait
  kNone,       // a namespace with the loopback only
};
// Where the CNI has its files on this machine, for networks of `mete network create -d cni`.
struct CniPolicy {
  std::vector<std::string> configurations = {"/etc/cni/net.d"};  // folders of *.conflist, *.conf and *.json
  std::vector<std::string> plugins = {"/opt/cni/bin", "/usr/lib/cni"};
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);  // a plugin that takes longer is killed
};
struct NetworkPolicy {
  DefaultNetwork pods = DefaultNetwork::kAutomatic;
  std::string device = "mete0";                      // the default bridge
  IpRange range = {{false, {10, 77, 0, 0}}, 16};     // of its addresses
  std::optional<IpRange> range6;                     // empty: no IPv6
  IpRange services = {{false, {10, 79, 0, 0}}, 16};  // of the addresses of Services
  std::optional<IpRange> services6;                  // the same of IPv6; empty: they have IPv4 alone
  std::int64_t mtu = 1500;
  bool between_containers = true;  // they reach each other
  CniPolicy cni;
  OverlayPolicy overlay;
};

// Who is told of alerts: an Alertmanager, or a program that takes Alertmanager's webhook messages.
struct AlertReceiver {
  std::string url;            // http:// or https://, with host, port and path
  std::string ca_file;        // certificates that the server's one is checked with (PEM); empty: those of the system
  std::string username;       // basic authentication
  std::string password_file;  // the password alone; set with `username`
  std::string token_file;     // "Authorization: Bearer" with this file's text
  bool resolved = true;       // webhooks only: told of the end of an alert as well
};
// The bound of one condition of an alert in place of that of the table.
struct AlertBound {
  std::string alert, value;  // names in dashboards/src/alerts.yaml
  double bound = 0;
};
struct AlertPolicy {
  bool enabled = false;
  std::chrono::nanoseconds interval = std::chrono::seconds(15);  // between two readings of all counters
  std::string instance;                                          // the label `instance`; empty: the machine's name
  std::map<std::string, std::string> labels;                     // added to every alert
  std::vector<AlertReceiver> alertmanagers, webhooks;
  // How alerts are put together into messages for webhooks.
  std::vector<std::string> group_by = {"instance", "namespace", "pod", "container"};
  std::chrono::nanoseconds group_wait{0};
  std::chrono::nanoseconds group_interval = std::chrono::minutes(5);
  std::chrono::nanoseconds repeat_interval = std::chrono::hours(12);
  std::vector<std::string> disable;  // alerts that are not evaluated
  std::vector<AlertBound> bounds;
  std::int64_t speed = 1;  // windows and waits of the table are so many times shorter
};

// Devices of this machine that pods may ask for.
struct MachineDevices {
  // Folders of specifications of the Container Device Interface; a later one comes before the earlier.
  std::vector<std::string> cdi = {"/etc/cdi", "/var/run/cdi"};
  std::string disks = "/dev/disk/by-id";  // where udev names disks by what they are
};

struct AgentConfig {
  ExportPolicy exported;
  CollectorChoice collectors;
  MachinePolicy machine;
  RegistryPolicy registries;
  NetworkPolicy network;
  StoragePolicy storage;
  MachineDevices devices;
  std::vector<RuntimeProgram> runtimes;  // each name once
  AlertPolicy alerts;
  std::string web_config;  // Prometheus' web configuration file; relative to agent.yaml's folder; empty: none
};

struct AgentConfigFile {
  AgentConfig config;
  std::vector<Diagnostic> errors;  // when not empty, `config` must not be used
};

// Pure. `file` is used in errors only.
[[nodiscard]] AgentConfigFile read_agent_config(std::string_view text, std::string_view file);

}  // namespace mete::config
