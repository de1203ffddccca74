// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "config/model/diagnostics.h"
#include "config/reading/fields.h"
#include "config/reading/readers.h"
#include "config/values/ip_address.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

// capabilities(7), as of Linux 6.1; later kernels have added none.
constexpr std::array kCapabilities = std::to_array<std::string_view>({
    "AUDIT_CONTROL",   "AUDIT_READ",   "AUDIT_WRITE",
    "BLOCK_SUSPEND",   "BPF",          "CHECKPOINT_RESTORE",
    "CHOWN",           "DAC_OVERRIDE", "DAC_READ_SEARCH",
    "FOWNER",          "FSETID",       "IPC_LOCK",
    "IPC_OWNER",       "KILL",         "LEASE",
    "LINUX_IMMUTABLE", "MAC_ADMIN",    "MAC_OVERRIDE",
    "MKNOD",           "NET_ADMIN",    "NET_BIND_SERVICE",
    "NET_BROADCAST",   "NET_RAW",      "PERFMON",
    "SETFCAP",         "SETGID",       "SETPCAP",
    "SETUID",          "SYSLOG",       "SYS_ADMIN",
    "SYS_BOOT",        "SYS_CHROOT",   "SYS_MODULE",
    "SYS_NICE",        "SYS_PACCT",    "SYS_PTRACE",
    "SYS_RAWIO",       "SYS_RESOURCE", "SYS_TIME",
    "SYS_TTY_CONFIG",  "WAKE_ALARM",
});

std::vector<std::string> read_capabilities(const View& view) {
  std::vector<std::string> list;
  for (const auto& item : view.items()) {
    std::string name = item.text();
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    if (name.rfind("CAP_", 0) == 0) name.erase(0, 4);
    if (name == "ALL") {
      list.push_back(name);
    } else if (std::find(kCapabilities.begin(), kCapabilities.end(), name) != kCapabilities.end()) {
      list.push_back("CAP_" + name);
    } else if (item) {
      Complaint complaint = mismatch(describe(item.node()), "a Linux capability such as NET_ADMIN, or ALL");
      complaint.suggestion = nearest(name, {kCapabilities.begin(), kCapabilities.end()});
      if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
      item.error(std::move(complaint));
    }
  }
  return list;
}

// mete makes what is mounted below read-only in any case, so these are Kubernetes' own conditions only.
void check_recursive_read_only(const View& item, const VolumeMount& mount) {
  const View view = item["recursiveReadOnly"];
  if (read_enum(view, kRecursiveReadOnlyNames, RecursiveReadOnly::kDisabled) == RecursiveReadOnly::kDisabled) return;
  if (!mount.read_only) view.error(mismatch(describe(view.node()) + " without `readOnly: true`", "both, or Disabled"));
  if (mount.propagation != MountPropagation::kNone) {
    view.error(mismatch(describe(view.node()) + " with `mountPropagation`", "mountPropagation None, or Disabled"));
  }
}

VolumeMount read_mount(const View& item, bool privileged) {
  VolumeMount mount{.name = item["name"].text(),
                    .mount_path = item["mountPath"].text(),
                    .sub_path = item["subPath"].text(),
                    .sub_path_expr = item["subPathExpr"].text(),
                    .read_only = item["readOnly"].boolean(),
                    .location = item.location()};
  mount.propagation = read_enum(item["mountPropagation"], kPropagationNames, MountPropagation::kNone);
  if (item["mountPath"]) item["mountPath"].check(check_mount_path(mount.mount_path));
  if (!mount.sub_path.empty()) item["subPath"].check(check_relative_path(mount.sub_path));
  if (!mount.sub_path.empty() && !mount.sub_path_expr.empty()) {
    item["subPathExpr"].error(mismatch("`subPath` and `subPathExpr`", "one of them"));
  }
  if (mount.propagation == MountPropagation::kBidirectional && !privileged) {
    item["mountPropagation"].error(mismatch("Bidirectional in a container that is not privileged",
                                            "securityContext.privileged: true, HostToContainer or None"));
  }
  check_recursive_read_only(item, mount);
  return mount;
}

std::vector<VolumeMount> read_mounts(const View& view, bool privileged) {
  std::vector<VolumeMount> mounts;
  std::set<std::string> paths;
  for (const auto& item : view.items()) {
    mounts.push_back(read_mount(item, privileged));
    const View path = item["mountPath"];
    if (path && !paths.insert(normal_path(path.text())).second) {
      path.error({"mount path `" + path.text() + "` stands twice", "`" + path.text() + "` again"});
    }
  }
  return mounts;
}

std::vector<ContainerPort> read_ports(const View& view) {
  std::vector<ContainerPort> ports;
  std::set<std::string> names;
  for (const auto& item : view.items()) {
    if (item["name"]) item["name"].check(check_port_name(item["name"].text()));
    check_unique(item["name"], "port name", names);
    ContainerPort port;
    port.container_port = static_cast<std::uint16_t>(item["containerPort"].integer().value_or(0));
    port.host_port = static_cast<std::uint16_t>(item["hostPort"].integer().value_or(0));
    port.protocol = read_enum(item["protocol"], kProtocolNames, Protocol::kTcp);
    port.host_ip = item["hostIP"].text();
    port.name = item["name"].text();
    if (!port.host_ip.empty() && !parse_ip(port.host_ip))
      item["hostIP"].error(mismatch(describe(item["hostIP"].node()), "an IP address"));
    ports.push_back(std::move(port));
  }
  return ports;
}

}  // namespace

void check_image_name(const View& view) {
  const std::string image = view.text();
  const bool readable = std::all_of(image.begin(), image.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (view && (image.empty() || !readable)) {
    view.error(mismatch(describe(view.node()), "an image's name such as \"busybox\" or \"docker.io/library/nginx:1\""));
  }
}

std::optional<SeccompProfile> read_seccomp(const View& view) {
  if (!view) return std::nullopt;
  const View file = view["localhostProfile"];
  SeccompProfile profile{read_enum(view["type"], kProfileNames, SeccompProfile::Type::kRuntimeDefault), file.text()};
  const bool from_file = profile.type == SeccompProfile::Type::kLocalhost;
  if (from_file && profile.file.empty()) {
    view["type"].error(
        mismatch("Localhost without `localhostProfile`", "the name of a file in the agent's folder of profiles"));
  } else if (from_file) {
    file.check(check_relative_path(profile.file));
  } else if (!profile.file.empty()) {
    file.error(mismatch("`localhostProfile` with type " + view["type"].text(), "it with type Localhost only"));
  }
  return profile;
}

SecurityContext read_security(const View& view) {
  SecurityContext security;
  security.run_as_user = read_id(view["runAsUser"]);
  security.run_as_group = read_id(view["runAsGroup"]);
  if (view["runAsNonRoot"]) security.run_as_non_root = view["runAsNonRoot"].boolean();
  if (security.run_as_non_root == true && security.run_as_user == 0U) {
    view["runAsUser"].error(mismatch("0 with `runAsNonRoot: true`", "another user, or runAsNonRoot: false"));
  }
  security.seccomp = read_seccomp(view["seccompProfile"]);
  security.unmasked_proc = view["procMount"].text() == "Unmasked";
  security.app_armor = read_app_armor(view["appArmorProfile"]);
  security.read_only_root_filesystem = view["readOnlyRootFilesystem"].boolean();
  security.privileged = view["privileged"].boolean();
  security.add_capabilities = read_capabilities(view["capabilities"]["add"]);
  security.drop_capabilities = read_capabilities(view["capabilities"]["drop"]);
  if (view["allowPrivilegeEscalation"]) {
    security.allow_privilege_escalation = view["allowPrivilegeEscalation"].boolean();
    if (security.privileged && !*security.allow_privilege_escalation) {
      view["allowPrivilegeEscalation"].error(mismatch("false in a privileged container", "true, or not privileged"));
    }
  }
  return security;
}

namespace {

void read_resize_policy(const View& list, Container& to) {
  std::set<std::string> seen;
  for (const auto& item : list.items()) {
    check_unique(item["resourceName"], "resource", seen);
    const bool restart = item["restartPolicy"].text() == "RestartContainer";
    (item["resourceName"].text() == "cpu" ? to.restart_for_cpu : to.restart_for_memory) = restart;
  }
}

}  // namespace

Container read_container(const View& view) {
  Container container;
  container.location = view.location();
  container.name = view["name"].text();
  if (view["name"]) view["name"].check(check_dns_label(container.name));
  container.image = view["image"].text();
  container.image_location = view["image"] ? view["image"].location() : view.location();
  check_image_name(view["image"]);
  container.pull_policy = read_enum(view["imagePullPolicy"], kPullPolicyNames, PullPolicy::kIfNotPresent);
  container.command = view["command"].texts();
  container.args = view["args"].texts();
  container.working_dir = view["workingDir"].text();
  if (!container.working_dir.empty()) view["workingDir"].check(check_working_dir(container.working_dir));
  container.env = read_env(view["env"]);
  container.env_from = read_env_from(view["envFrom"]);
  container.resources = read_resources(view["resources"]);
  read_resize_policy(view["resizePolicy"], container);
  container.security = read_security(view["securityContext"]);
  container.volume_mounts = read_mounts(view["volumeMounts"], container.security->privileged);
  container.ports = read_ports(view["ports"]);
  read_care(view, container);
  const View message = view["terminationMessagePath"];
  container.termination_message_path = message.text(container.termination_message_path);
  if (message) message.check(check_mount_path(container.termination_message_path));
  container.message_from_log_on_error = view["terminationMessagePolicy"].text() == "FallbackToLogsOnError";
  container.stdin_open = view["stdin"].boolean();
  container.stdin_once = view["stdinOnce"].boolean();
  container.tty = view["tty"].boolean();
  return container;
}

}  // namespace mete::config
