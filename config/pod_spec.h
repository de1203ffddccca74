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

#include "config/location.h"
#include "config/objects.h"
#include "config/units.h"

namespace mete::config {

// One key of a ConfigMap or Secret as a file in a volume.
struct KeyToPath {
  std::string key;
  std::string path;                   // relative to the mount, without ".."
  std::optional<std::uint32_t> mode;  // permission bits; empty = the volume's default
  bool operator==(const KeyToPath&) const = default;
};

enum class HostPathType {
  kUnchecked,          // "": mounted without a check
  kDirectoryOrCreate,  // made with 0755 when missing
  kDirectory,
  kFileOrCreate,  // made with 0644 when missing
  kFile,
  kSocket,
  kCharDevice,
  kBlockDevice,
};

struct HostPathVolume {
  std::string path;  // absolute, without ".."
  HostPathType type = HostPathType::kUnchecked;
  bool operator==(const HostPathVolume&) const = default;
};

struct EmptyDirVolume {
  bool memory = false;              // medium: Memory, that is a tmpfs that is charged to the container's memory
  std::optional<Bytes> size_limit;  // empty: no limit
  bool operator==(const EmptyDirVolume&) const = default;
};

inline constexpr std::uint32_t kDefaultFileMode = 0644;

struct ConfigMapVolume {
  std::string name;
  std::vector<KeyToPath> items;  // empty = every key under its own name
  bool optional = false;
  std::uint32_t default_mode = kDefaultFileMode;
  bool operator==(const ConfigMapVolume&) const = default;
};

struct SecretVolume {
  std::string name;
  std::vector<KeyToPath> items;
  bool optional = false;
  std::uint32_t default_mode = kDefaultFileMode;
  bool operator==(const SecretVolume&) const = default;
};

// A field of the pod: metadata.name, metadata.namespace, metadata.uid, metadata.labels['x'], metadata.annotations['x'];
// in an environment also spec.nodeName, spec.serviceAccountName, status.hostIP(s) and status.podIP(s).
struct FieldRef {
  std::string path;
  bool operator==(const FieldRef&) const = default;
};

// A request or limit of a container as a number: amount / divisor, rounded up.
struct ResourceFieldRef {
  std::string container;     // empty: the container whose environment it is
  std::string resource;      // limits.cpu, requests.memory, limits.hugepages-2Mi, ...
  std::int64_t divisor = 1;  // of CPU in thousandths of a core, of all others in bytes
  bool operator==(const ResourceFieldRef&) const = default;
};

// A file of a downwardAPI volume.
struct DownwardFile {
  std::string path;  // relative, without ".."
  std::variant<FieldRef, ResourceFieldRef> source;
  std::optional<std::uint32_t> mode;  // empty: the volume's default
  bool operator==(const DownwardFile&) const = default;
};

struct DownwardVolume {
  std::vector<DownwardFile> items;
  std::uint32_t default_mode = kDefaultFileMode;
  bool operator==(const DownwardVolume&) const = default;
};

// Several sources in one directory. A later source replaces a file of an earlier one.
struct ProjectedVolume {
  std::vector<std::variant<ConfigMapVolume, SecretVolume, DownwardVolume>> sources;
  std::uint32_t default_mode = kDefaultFileMode;
  bool operator==(const ProjectedVolume&) const = default;
};

// A directory on this machine that has the claim's name and outlives the pod.
struct ClaimVolume {
  std::string claim;
  bool read_only = false;
  bool operator==(const ClaimVolume&) const = default;
};

using VolumeSource = std::variant<EmptyDirVolume, HostPathVolume, ConfigMapVolume, SecretVolume, DownwardVolume,
                                  ProjectedVolume, ClaimVolume>;

struct Volume {
  std::string name;
  VolumeSource source;
  Location location;
  bool operator==(const Volume&) const = default;
};

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

using EnvSource = std::variant<std::string, ConfigMapKeyRef, SecretKeyRef, FieldRef, ResourceFieldRef>;

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
  std::optional<MilliCpu> cpu;              // empty: not set
  std::optional<Bytes> memory;              // empty: not set
  std::map<std::string, Bytes> huge_pages;  // by page size as Kubernetes writes it: "2Mi", "1Gi"
  bool operator==(const ResourceList&) const = default;
};

struct Resources {
  ResourceList requests;  // a request that is not set has the value of its limit, as in Kubernetes
  ResourceList limits;
  bool operator==(const Resources&) const = default;
};

enum class SeccompProfile { kRuntimeDefault, kUnconfined };

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
  bool operator==(const SecurityContext&) const = default;
};

// A request that is sent from inside the pod's network namespace; its answer is ignored.
struct HttpGet {
  std::string host;  // empty: the pod itself, by its loopback address
  std::uint16_t port = 0;
  std::string path = "/";
  bool https = false;  // the certificate is not verified, as with the kubelet
  std::vector<std::pair<std::string, std::string>> headers;
  bool operator==(const HttpGet&) const = default;
};

// The action before a container is stopped (lifecycle.preStop): a command inside it, a request, or a pause.
struct PreStopHook {
  std::vector<std::string> command;  // empty: `http` or `pause`
  std::optional<HttpGet> http;       // empty: `command` or `pause`
  std::chrono::seconds pause{0};
  bool operator==(const PreStopHook&) const = default;
};

enum class Protocol : std::uint8_t { kTcp, kUdp, kSctp };

struct ContainerPort {
  std::uint16_t container_port = 0;
  std::uint16_t host_port = 0;  // 0: not published
  Protocol protocol = Protocol::kTcp;
  std::string host_ip;  // v4 or v6; empty: all addresses of the machine
  bool operator==(const ContainerPort&) const = default;
};

struct Container {
  std::string name;
  std::string image;
  std::vector<std::string> command;  // empty = the image's entrypoint
  std::vector<std::string> args;     // empty = the image's, unless command is set
  std::string working_dir;           // empty = the image's
  std::vector<EnvVar> env;
  std::vector<EnvFrom> env_from;  // read before env, which has precedence
  std::vector<VolumeMount> volume_mounts;
  Resources resources;
  SecurityContext security;
  std::optional<PreStopHook> pre_stop;
  std::vector<ContainerPort> ports;
  std::string termination_message_path = "/dev/termination-log";
  bool message_from_log_on_error = false;  // terminationMessagePolicy: FallbackToLogsOnError
  bool stdin_open = false;
  bool stdin_once = false;
  bool tty = false;
  bool sidecar = false;  // an init container with restartPolicy Always: keeps running beside the others
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

enum class RestartPolicy { kAlways, kOnFailure, kNever };

enum class GroupsPolicy { kMerge, kStrict };  // Merge: with the groups that the image gives the user

struct PodSecurityContext {
  std::optional<std::uint32_t> run_as_user;
  std::optional<std::uint32_t> run_as_group;
  std::optional<std::uint32_t> fs_group;
  std::vector<std::uint32_t> supplemental_groups;
  GroupsPolicy groups_policy = GroupsPolicy::kMerge;
  bool change_group_on_mismatch_only = false;  // fsGroupChangePolicy: OnRootMismatch
  bool run_as_non_root = false;
  std::optional<SeccompProfile> seccomp;  // empty: the default filter
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

struct PodSpec {
  RestartPolicy restart_policy = RestartPolicy::kAlways;
  std::chrono::seconds termination_grace_period{30};
  std::string hostname;           // empty = the Pod's name
  std::string subdomain;          // empty: none
  bool hostname_is_fqdn = false;  // setHostnameAsFQDN
  std::string hostname_override;  // empty: none; not with host_network
  std::string service_account;    // a name that only `fieldRef` shows
  DnsPolicy dns_policy = DnsPolicy::kClusterFirst;
  DnsConfig dns;
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  bool share_process_namespace = false;
  std::optional<std::int64_t> priority;  // when the machine runs out of memory, the lowest priority is ended first
  std::string priority_class;            // only the two classes that every cluster has are known
  PodSecurityContext security;
  std::vector<HostAlias> host_aliases;  // not with host_network: the machine's /etc/hosts is its own
  std::vector<Container> init_containers;
  std::vector<Container> containers;
  std::vector<Volume> volumes;
  bool operator==(const PodSpec&) const = default;
};

struct Pod {
  ObjectMeta metadata;
  PodSpec spec;
  // What the manifest says in the fields that are marked so in the field tables, in one order whatever the manifest's
  // is; empty when it says nothing there. Two texts differ when those fields ask for different things.
  std::string identity_text;
  Location location;
  bool operator==(const Pod&) const = default;
};

}  // namespace mete::config
