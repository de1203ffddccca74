# SPDX-License-Identifier: Apache-2.0
"""What a container sees of itself, as text of which every line must be the same below two runtimes. Left out are choices that are
as good: which mount a masked file's null device came from (that it is one is a line of its own), the size of cgroup's tmpfs, and that
on a hybrid machine the part of the v2 hierarchy is there, too; whom /dev/mqueue, open to all, belongs to in a user namespace; and that
runc passes on a real-time signal which its caller ignores."""
import os

INVENTORY = r"""
echo "id $(id) umask $(umask) cwd $(pwd) host $(hostname) domain $(cat /proc/sys/kernel/domainname)"
grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|SigQ|SigBlk|SigIgn|SigCgt|Cpus_allowed_list|Mems_allowed_list|CoreDumping|THP_enabled)' /proc/self/status | grep -v SigQ | sed -E 's/^(SigIgn:).*(.{7})$/\1 \2/'
env | grep -v '^HOSTNAME=\|^SHLVL=' | sort
ulimit -a; ulimit -H -a
echo "oom $(cat /proc/self/oom_score_adj) nice $(cut -d ' ' -f 19 /proc/self/stat) session $(cut -d ' ' -f 5-7 /proc/1/stat) dumpable $(stat -c %U /proc/self/stat)"
awk '$2 != "/" {print "mount", $2, $3, $4}' /proc/mounts | sed -E 's/,?(lowerdir|upperdir|workdir)=[^, ]*//g; s/ (dev)?tmpfs (rw,.*),size=64k,/ tmpfs \2,/' | grep -v '/proc/interrupts\|/proc/keys\|/proc/timer_list\|/cgroup/unified ' | sort
awk '$5 == "/" {print "root", $6}' /proc/self/mountinfo
for each in /dev/* /dev/.*; do [ -L $each ] && echo "$each -> $(readlink $each)" || stat -c '%n %F %a %u:%g %t:%T' $each; done | grep -v '/dev/\.\.' | sed 's/^\(.dev.mqueue .*\) [0-9]*:[0-9]* /\1 /'
for each in /proc/asound /proc/acpi /proc/interrupts /proc/kcore /proc/keys /proc/timer_list /proc/scsi /sys/firmware /proc/latency_stats /proc/sched_debug; do
  stat -c 'masked %n %F %t:%T %s' $each 2>/dev/null || echo "no $each"; done
for each in /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger /sys /sys/fs/cgroup /sys/fs/cgroup/memory; do [ -w $each ] && echo "writable $each"; done
ls -l /proc/self/fd | awk 'NF > 8 {print "fd", $9}' | grep -v ' 3$'
sort -t : -k 2 /proc/self/cgroup | sed 's/^[0-9]*:/cgroup /; s/libpod-[0-9a-f]*/ID/; s/[0-9a-f]\{64\}/ID/; s/clients-[0-9]*/clients/; s/\/c-[0-9]*/\/ID/'
cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '
ls /sys/fs/cgroup | grep -v unified | sed 's/^/group /'
for each in / /etc/new /sys/new /proc/sys/net/ipv4/ip_forward /dev/new; do touch $each 2>/dev/null && echo "can touch $each"; done
ls /sys/class/net | sed 's/^/net /'; ip addr 2>/dev/null | grep -o 'inet .*'
cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start
cat /proc/self/personality 2>/dev/null; cat /proc/self/timens_offsets 2>/dev/null
for each in mnt pid net ipc uts cgroup user time; do echo "$each $(readlink /proc/self/ns/$each | tr -d '0-9')"; done
true
"""


def namespaces_of(pid):
    """Which namespaces of a process are not ours."""
    own = {}
    for kind in ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user"):
        own[kind] = os.readlink("/proc/%d/ns/%s" % (pid, kind)) != os.readlink("/proc/self/ns/" + kind)
    return own


LIMIT_FILES = [
    ("memory", "memory.limit_in_bytes"), ("memory", "memory.memsw.limit_in_bytes"), ("memory", "memory.soft_limit_in_bytes"),
               ("memory", "memory.swappiness"), ("memory", "memory.oom_control"), ("memory", "memory.kmem.limit_in_bytes"), ("memory", "memory.kmem.tcp.limit_in_bytes"),
               ("cpu", "cpu.shares"), ("cpu", "cpu.cfs_quota_us"), ("cpu", "cpu.cfs_period_us"), ("cpu", "cpu.cfs_burst_us"), ("cpu", "cpu.idle"),
               ("cpu", "cpu.rt_runtime_us"), ("cpu", "cpu.rt_period_us"), ("cpuset", "cpuset.cpus"), ("cpuset", "cpuset.mems"), ("pids", "pids.max"),
               ("devices", "devices.list"), ("blkio", "blkio.throttle.read_bps_device"), ("blkio", "blkio.throttle.write_bps_device"),
               ("blkio", "blkio.throttle.read_iops_device"), ("blkio", "blkio.throttle.write_iops_device"), ("blkio", "blkio.weight"), ("blkio", "blkio.bfq.weight"),
               ("freezer", "freezer.state")]


def limits_of(pid, control_of):
    """The bytes in every control file that there is; devices.list sorted."""
    lines = []
    for controller, file in LIMIT_FILES:
        try:
            text = control_of(pid, controller, file).replace("c 10:200 rwm\n", "")  # runc before 1.2 gives /dev/net/tun to everybody
        except (FileNotFoundError, AssertionError):
            continue
        lines += ["%s %s" % (file, line) for line in sorted(text.splitlines())] or [file + " empty"]
    return "\n".join(lines)
