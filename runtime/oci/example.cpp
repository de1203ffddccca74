// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/example.h"

namespace mete::runtime::oci {

const char* example_config() {
  return R"({"ociVersion": "1.3.0", "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "args": )"
         R"(["sh"], "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "cwd": "/", )"
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

const char* features_text() {
  return R"({"ociVersionMin": "1.0.0", "ociVersionMax": "1.3.0", "hooks": [], "mountOptions": ["async", )"
         R"("atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "lazytime", "loud", "mand", )"
         R"("noatime", "nodev", "nodiratime", "noexec", "nolazytime", "nomand", "norelatime", "nostrictatime", )"
         R"("nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "rexec", )"
         R"("rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", )"
         R"("rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime", )"
         R"("rsuid", "rsymfollow", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid", )"
         R"("symfollow", "sync", "unbindable"], "linux": {"namespaces": ["cgroup", "ipc", "mount", "network", )"
         R"("pid", "time", "user", "uts"], "capabilities": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", )"
         R"("CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", )"
         R"("CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", )"
         R"("CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", )"
         R"("CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", )"
         R"("CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", )"
         R"("CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", )"
         R"("CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", )"
         R"("CAP_CHECKPOINT_RESTORE"], "cgroup": {"v1": true, "v2": true, "systemd": false, "systemdUser": )"
         R"(false, "rdma": false}, "seccomp": {"enabled": true, "actions": ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", )"
         R"("SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", )"
         R"("SCMP_ACT_TRAP"], "operators": ["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", )"
         R"("SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"], "archs": ["SCMP_ARCH_AARCH64", )"
         R"("SCMP_ARCH_ARM", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"], "knownFlags": )"
         R"(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"], )"
         R"("supportedFlags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", )"
         R"("SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}, "apparmor": {"enabled": false}, "selinux": {"enabled": false}, )"
         R"("intelRdt": {"enabled": false}, "mountExtensions": {"idmap": {"enabled": false}}, "netDevices": )"
         R"({"enabled": false}, "memoryPolicy": {}}, "annotations": {}})";
}

}  // namespace mete::runtime::oci
