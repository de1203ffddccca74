// SPDX-License-Identifier: Apache-2.0
// The part of a Kubernetes v1 Pod that mete acts on. Plain data with Kubernetes' defaults, independent of YAML. Two
// Pods are == when they have the same content, wherever they are written.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/base/box.h"
#include "config/base/location.h"
#include "config/base/units.h"
#include "config/model/container_extras.h"
#include "config/model/objects.h"
#include "config/model/probe.h"
#include "config/model/volume.h"

namespace mete::config {

// Source of an environment variable's value that is not in the manifest itself.
struct ConfigMapKeyRef {
  std::string name;
  std::string key;
  bool optional = false;
  bool operator==(const ConfigMapKeyRef&) const = default;
};
struct SecretKeyRef {
  std::string name;
  std::string key;
  bool optional = false;
  bool operator==(const SecretKeyRef&) const = default;
};

// A key of an env file (env_file.h) in a volume of the pod, read when the container starts.
struct FileKeyRef {
  std::string volume;
  std::string path;  // relative to the volume, without ".."
  std::string key;
  bool optional = false;  // without file or key the variable is left out
  bool operator==(const FileKeyRef&) const = default;
};

using EnvSource = std::variant<std::string, ConfigMapKeyRef, SecretKeyRef, FieldRef, ResourceFieldRef, FileKeyRef>;

struct EnvVar {
  std::string name;
  EnvSource source;  // a string is the value itself, with $(VAR) not yet expanded
  Location location;
  bool operator==(const EnvVar&) const = default;
};

enum class EnvFromKind { kConfigMap, kSecret };

struct EnvFrom {
  EnvFromKind kind = EnvFromKind::kConfigMap;
  std::string name;
  std::string prefix;  // put before each key
  bool optional = false;
  Location location;
  bool operator==(const EnvFrom&) const = default;
};

enum class MountPropagation { kNone, kHostToContainer, kBidirectional };
enum class RecursiveReadOnly { kDisabled, kIfPossible, kEnabled };

struct VolumeMount {
  std::string name;           // name of a Volume of the same Pod
  std::string mount_path;     // without ".."; relative to the root of the file system
  std::string sub_path;       // relative, without ".."; empty = the volume's root
  std::string sub_path_expr;  // the same with $(NAME) of the container's variables; only one of the two is set
  bool read_only = false;
  MountPropagation propagation = MountPropagation::kNone;
  Location location;
  bool operator==(const VolumeMount&) const = default;
};

struct ResourceList {
  std::optional<MilliCpu> cpu;                    // empty: not set
  std::optional<Bytes> memory;                    // empty: not set
  Rare<std::map<std::string, Bytes>> huge_pages;  // by page size as Kubernetes writes it: "2Mi", "1Gi"
  std::optional<Bytes> ephemeral_storage;         // writable layer, logs and emptyDirs on disk; empty: not set
  // Extended resources: how many devices of a kind of the Container Device Interface, "vendor.com/class". None is 0.
  // Requests and limits have the same.
  Rare<std::map<std::string, std::int64_t>> devices;
  bool operator==(const ResourceList&) const = default;
};

struct Resources {
  ResourceList requests;  // a request that is not set has the value of its limit, as in Kubernetes
  ResourceList limits;
  bool operator==(const Resources&) const = default;
};

// Localhost: a file of this machine, an OCI profile (config-linux.md, Seccomp).
struct SeccompProfile {
  enum class Type { kRuntimeDefault, kUnconfined, kLocalhost };
  Type type = Type::kRuntimeDefault;
  std::string file = {};  // of kLocalhost: relative to the agent's folder of profiles, without ".."
  bool operator==(const SeccompProfile&) const = default;
};

// Localhost: a profile of this name must be loaded into the kernel.
struct AppArmorProfile {
  enum class Type { kRuntimeDefault, kUnconfined, kLocalhost };
  Type type = Type::kRuntimeDefault;
  std::string name = {};  // of kLocalhost
  bool operator==(const AppArmorProfile&) const = default;
};

struct SecurityContext {
  std::optional<std::uint32_t> run_as_user;   // empty: the Pod's, otherwise the image's
  std::optional<std::uint32_t> run_as_group;  // the same
  bool read_only_root_filesystem = false;
  bool privileged = false;
  std::vector<std::string> add_capabilities;       // "CAP_NET_ADMIN" or "ALL"; always upper case with CAP_
  std::vector<std::string> drop_capabilities;      // the same form; dropped before add_capabilities is applied
  std::optional<bool> allow_privilege_escalation;  // empty = allowed; false = no_new_privs
  std::optional<bool> run_as_non_root;             // empty: the Pod's; true: not started as user 0
  std::optional<SeccompProfile> seccomp;           // empty: the Pod's, otherwise the default filter
  std::optional<AppArmorProfile> app_armor;        // empty: the Pod's, otherwise none is asked for
  bool unmasked_proc = false;                      // procMount: Unmasked; only without host_users
  bool operator==(const SecurityContext&) const = default;
};

// Annotations of a Pod, in bits a second.
inline constexpr const char* kIngressBandwidth = "kubernetes.io/ingress-bandwidth";
inline constexpr const char* kEgressBandwidth = "kubernetes.io/egress-bandwidth";

enum class Protocol : std::uint8_t { kTcp, kUdp, kSctp };

struct ContainerPort {
  std::uint16_t container_port = 0;
  std::uint16_t host_port = 0;  // 0: not published
  Protocol protocol = Protocol::kTcp;
  std::string host_ip;    // v4 or v6; empty: all addresses of the machine
  std::string name = {};  // by which a Service may ask for it
  bool operator==(const ContainerPort&) const = default;
};

struct Container {
  std::string name;
  std::string image;
  PullPolicy pull_policy = PullPolicy::kIfNotPresent;
  std::vector<std::string> command;  // empty = the image's entrypoint
  std::vector<std::string> args;     // empty = the image's, unless command is set
  std::string working_dir;           // empty = the image's
  std::vector<EnvVar> env;
  std::vector<EnvFrom> env_from;  // read before env, which has precedence
  std::vector<VolumeMount> volume_mounts;
  Resources resources;
  bool restart_for_cpu = false;  // resizePolicy RestartContainer: another amount of it takes a restart
  bool restart_for_memory = false;
  Rare<SecurityContext> security;
  std::vector<ContainerPort> ports;
  Box<HookAction> post_start;              // after its start; until it has ended, nothing is made of the container
  Box<HookAction> pre_stop;                // before the stop signal, within the grace period
  std::string stop_signal;                 // "SIGUSR1"; empty: the image's
  Box<Probe> startup;                      // the other two begin when it has succeeded
  Box<Probe> liveness;                     // unwell: the container is ended
  Box<Probe> readiness;                    // unwell: the container is not ready
  std::optional<RestartPolicy> restart;    // empty: the pod's
  std::vector<RestartRule> restart_rules;  // the first that fits counts, before the policy
  std::string termination_message_path = "/dev/termination-log";
  bool message_from_log_on_error = false;  // terminationMessagePolicy: FallbackToLogsOnError
  bool stdin_open = false;
  bool stdin_once = false;
  bool tty = false;
  bool sidecar = false;  // an init container with restartPolicy Always: keeps running beside the others
  Rare<ContainerExtras> extras;
  Location location;
  Location image_location;
  bool operator==(const Container&) const = default;
};

// One more line of the pod's /etc/hosts.
struct HostAlias {
  std::string ip;  // v4 or v6
  std::vector<std::string> hostnames;
  bool operator==(const HostAlias&) const = default;
};

enum class GroupsPolicy { kMerge, kStrict };  // Merge: with the groups that the image gives the user

struct PodSecurityContext {
  std::optional<std::uint32_t> run_as_user;
  std::optional<std::uint32_t> run_as_group;
  std::optional<std::uint32_t> fs_group;
  std::vector<std::uint32_t> supplemental_groups;
  GroupsPolicy groups_policy = GroupsPolicy::kMerge;
  bool change_group_on_mismatch_only = false;  // fsGroupChangePolicy: OnRootMismatch
  bool run_as_non_root = false;
  std::optional<SeccompProfile> seccomp;     // empty: the default filter
  std::optional<AppArmorProfile> app_armor;  // empty: none is asked for
  std::vector<std::pair<std::string, std::string>> sysctls;
  bool operator==(const PodSecurityContext&) const = default;
};

// All but kNone give the machine's resolv.conf: there is no cluster whose resolver comes first.
enum class DnsPolicy { kClusterFirst, kClusterFirstWithHostNet, kDefault, kNone };

struct DnsConfig {
  std::vector<std::string> nameservers;
  std::vector<std::string> searches;
  std::vector<std::pair<std::string, std::string>> options;  // name, value or empty
  bool operator==(const DnsConfig&) const = default;
};

// Where references stand in the manifest that are followed only when all manifests are known.
struct ReferencePlaces {
  Location runtime_class;
  std::vector<Location> image_pull_secrets;
  bool operator==(const ReferencePlaces&) const = default;
};

struct PodSpec {
  RestartPolicy restart_policy = RestartPolicy::kAlways;
  std::chrono::seconds termination_grace_period{30};
  std::optional<std::chrono::seconds> active_deadline;  // after its creation it is ended, and has failed
  std::string hostname;                                 // empty = the Pod's name
  std::string subdomain;                                // empty: none
  bool hostname_is_fqdn = false;                        // setHostnameAsFQDN
  std::string hostname_override;                        // empty: none; not with host_network
  std::string service_account;                          // a name that only `fieldRef` shows
  DnsPolicy dns_policy = DnsPolicy::kClusterFirst;
  Rare<DnsConfig> dns;
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  bool share_process_namespace = false;
  bool host_users = true;                // false: a user namespace of the pod's own
  std::string runtime_class;             // kOwnRuntime or the name of a RuntimeClass; empty: none is asked for
  std::optional<std::int64_t> priority;  // when the machine runs out of memory, the lowest priority is ended first
  std::string priority_class;            // only the two classes that every cluster has are known
  Box<Resources> resources;              // of all containers together (KEP-2837); empty: what the containers say
  // Processes and threads of all containers together, at least 1 (`resources.limits.pids`); empty: no limit. It says
  // nothing of CPU and memory, and counts in no QoS class.
  std::optional<std::uint64_t> pids_limit;
  Rare<PodSecurityContext> security;
  std::vector<std::string> image_pull_secrets;  // names of Secrets
  Box<ReferencePlaces> places;                  // empty: the manifest has none of them, or there is none
  std::vector<std::string> scheduling_gates;    // as long as it has one, nothing of the Pod is made
  std::vector<HostAlias> host_aliases;          // not with host_network: the machine's /etc/hosts is its own
  std::vector<Container> init_containers;
  std::vector<Container> containers;
  std::vector<Volume> volumes;
  bool operator==(const PodSpec&) const = default;
};

struct Pod {
  ObjectMeta metadata;
  PodSpec spec;
  // The values of those fields that the field tables mark with identity_by_text, in a fixed order; empty when the
  // manifest has none of them. Two texts differ exactly when these fields ask for different things.
  std::string identity_text;
  Location location;
  bool operator==(const Pod&) const = default;
};

}  // namespace mete::config
