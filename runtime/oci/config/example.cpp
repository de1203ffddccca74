// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/example.h"

#include "runtime/json.h"

namespace mete::runtime::oci {

const char* example_config() {
  return R"({"ociVersion": "1.3.0", "process": {"terminal": true, "user": {"uid": 0, "gid": 0}, "args": )"
         R"(["sh"], "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"], "cwd": "/", )"
         R"("capabilities": {"bounding": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", )"
         R"("CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", )"
         R"("CAP_SYS_CHROOT"], "effective": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", )"
         R"("CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", )"
         R"("CAP_SYS_CHROOT"], "permitted": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", )"
         R"("CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", )"
         R"("CAP_SYS_CHROOT"]}, "noNewPrivileges": true, "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, )"
         R"("soft": 1024}]}, "root": {"path": "rootfs", "readonly": true}, "hostname": "mete", "mounts": )"
         R"([{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/dev", "type": )"
         R"("tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}, )"
         R"({"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", )"
         R"("newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]}, {"destination": "/dev/shm", "type": )"
         R"("tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]}, )"
         R"({"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", )"
         R"("noexec", "nodev"]}, {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": )"
         R"(["nosuid", "noexec", "nodev", "ro"]}, {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": )"
         R"("cgroup", "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}], "linux": {"resources": )"
         R"({"devices": [{"allow": false, "access": "rwm"}]}, "namespaces": [{"type": "pid"}, {"type": )"
         R"("network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "cgroup"}], )"
         R"("maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", )"
         R"("/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", )"
         R"("/sys/devices/virtual/powercap", "/sys/firmware", "/proc/scsi"], "readonlyPaths": ["/proc/bus", )"
         R"("/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]}})";
}

std::string rootless_example_config(std::uint32_t uid, std::uint32_t gid) {
  auto config = nlohmann::ordered_json::parse(example_config());
  auto& linux_part = config["linux"];
  linux_part["namespaces"].push_back({{"type", "user"}});
  linux_part["uidMappings"] = {{{"containerID", 0}, {"hostID", uid}, {"size", 1}}};
  linux_part["gidMappings"] = {{{"containerID", 0}, {"hostID", gid}, {"size", 1}}};
  linux_part.erase("resources");
  nlohmann::ordered_json mounts = nlohmann::ordered_json::array();
  for (auto& mount : config["mounts"]) {
    if (mount["type"] == "cgroup") continue;
    // Only one group is mapped, and it is not the terminals' group (gid=5).
    if (mount["type"] == "devpts") mount["options"] = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
    mounts.push_back(mount);
  }
  config["mounts"] = std::move(mounts);
  return config.dump(2);
}

}  // namespace mete::runtime::oci
