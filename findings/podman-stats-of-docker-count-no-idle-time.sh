#!/bin/bash
# podman 4.3.1 (Debian 12), docker's API: system_cpu_usage of a container's stats has no idle time in it, so that docker's formula gives the container's part of
# the work that the machine happens to do, times the CPUs: whoever does all the work there is has 1600 % on 16 CPUs, however little that is.
#
# Docker's API reference has CPU % = cpu_delta / system_cpu_delta * number_cpus * 100, and the engine takes system_cpu_usage from /proc/stat: all time of all
# CPUs, idle and iowait too. podman fills the field with what the cgroups have used. On a machine that is busy on all CPUs, as one under a load test is,
# the two agree; the more idle a machine is, the larger the number. Two more fields end in the same dashboards. precpu_stats is zeros for stream=false,
# where docker waits for a second sample: a client that takes what is absent for 0 has the average of the whole life. And memory_stats has no
# "stats", from which docker's reference subtracts the page cache, so that nothing can be subtracted. `podman stats` does not use the field.
# Upstream heard of it in May 2026 (podman's issue 28761).
#
# Seen with podman 4.3.1+ds1-8+deb12u1+b3, runc 1.1.5+ds1-1+deb12u1 of Debian 12 (bookworm), on 2026-11-30 (2 CPUs, up for 15 hours):
#   system_cpu_usage: /proc/stat with idle and iowait: no; without them: yes
#   stream=false: precpu_stats.cpu_usage.total_usage 0, system_cpu_usage none
#   memory_stats: limit, usage
# What helps: the time between two samples ("read" and "preread"), times online_cpus, in place of system_cpu_usage.
# This script fails when that changes. It needs Debian 12 with apt-get, curl, python3 and root, and a machine of which at least a twentieth of the time was idle.
set -eu
if [ "${1:-}" != inside ]; then exec unshare --mount --propagation private bash "$(realpath "$0")" inside; fi
for place in /tmp /run; do mount -t tmpfs tmpfs $place; done  # gone with the last process of the namespace, which may be a call of conmon after the end of this script
work=$(TMPDIR=/tmp mktemp -d)
podman() {
  "$work/root/usr/bin/podman" --root "$work/data" --runroot "$work/run" --tmpdir "$work/tmp" \
    --storage-driver vfs --cgroup-manager cgroupfs --runtime runc --events-backend file "$@"
}
clean() {
  podman rm -f -t 0 -a > /dev/null 2>&1 || true
  kill $(jobs -p) 2> /dev/null || true
  wait
  { for name in conmon ""; do rmdir /sys/fs/cgroup/{,*/}"libpod_parent/$name"; done; } 2> /dev/null || true
  rm -rf "$work" || true
}
trap clean EXIT
cd "$work"
apt-get download -q podman=4.3.1+ds1-8+deb12u1+b3 runc=1.1.5+ds1-1+deb12u1 conmon=2.1.6+ds1-1 \
  busybox-static=1:1.35.0-4+deb12u1+b1 libsubid4 libgpgme11 libassuan0 libdevmapper1.02.1 libyajl2 > /dev/null 2>&1
for file in *.deb; do dpkg -x "$file" root; done
export HOME="$work/home" CONTAINERS_CONF="$work/containers.conf" PATH="$work/root/usr/bin:$work/root/usr/sbin:$PATH" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu"
mkdir -p home/.config/containers image/bin
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > home/.config/containers/policy.json
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nconmon_path = ["%s"]\n' "$work/root/usr/bin/conmon" > containers.conf
cp root/bin/busybox image/bin/sleep
tar -C image -c . | podman import -q - localhost/sleep:1 > /dev/null 2>&1
podman run -d --name seen --network host localhost/sleep:1 /bin/sleep 100 > log 2>&1 || cat log
podman system service --time 60 "unix://$work/podman.sock" > service.log 2>&1 &
for _ in $(seq 100); do [ -S podman.sock ] && break; sleep 0.2; done
env -u LD_LIBRARY_PATH curl -s --unix-socket podman.sock 'http://d/containers/seen/stats?stream=false' > stats.json
python3 - <<'EOP' | tee seen
import json
import os
stats = json.load(open("stats.json"))
# user nice system idle iowait irq softirq steal, in ticks (man 5 proc); guest time is part of user time
times = [int(word) / os.sysconf("SC_CLK_TCK") for word in open("/proc/stat").readline().split()[1:9]]
idle = times[3] + times[4]
told = stats["cpu_stats"]["system_cpu_usage"] / 1e9
assert idle > sum(times) / 20, "this machine has hardly been idle: %.0f of %.0f s" % (idle, sum(times))
near = lambda value: "yes" if abs(told - value) < idle / 2 else "no"
print("system_cpu_usage: /proc/stat with idle and iowait: %s; without them: %s" % (near(sum(times)), near(sum(times) - idle)))
before = stats["precpu_stats"]
print("stream=false: precpu_stats.cpu_usage.total_usage %s, system_cpu_usage %s" % (before["cpu_usage"]["total_usage"], before.get("system_cpu_usage", "none")))
print("memory_stats: " + ", ".join(sorted(stats["memory_stats"])))
EOP
diff seen - <<'EOT'
system_cpu_usage: /proc/stat with idle and iowait: no; without them: yes
stream=false: precpu_stats.cpu_usage.total_usage 0, system_cpu_usage none
memory_stats: limit, usage
EOT
