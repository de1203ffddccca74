#!/bin/bash
# crun 1.8.1 (Debian 12), cgroup v1: a container that is put into a cgroup with limits keeps all of them but that of memory, which is lifted.
#
# linux.cgroupsPath may name a cgroup that is there, with limits that somebody else has written, and config.json says nothing of resources. runc
# leaves the limits alone. crun leaves pids and CPU alone and makes memory.limit_in_bytes unlimited, although nothing asks for it. The
# container runs without the limit from its first instruction, nothing is logged, and `crun update` was not called. Who allots by cgroups and
# launches by crun (a batch system, an agent that wraps a runtime) has a limit for as long as no container starts.
#
# Seen with crun 1.8.1-1+deb12u1 and runc 1.1.5+ds1-1+deb12u1 of Debian 12 (bookworm), on 2026-11-30 (Linux 6.18):
#   before: memory 67108864, pids 50, quota 20000
#   in a container of runc: memory 67108864, pids 50, quota 20000
#   in a container of crun: memory unlimited, pids 50, quota 20000
# What helps: the limit in config.json (linux.resources.memory.limit), or to write it again after `create` and before `start`.
# This script fails when that changes. It needs Debian 12, apt-get, root and cgroup v1 (memory, pids, cpu). What it does happens in a mount namespace of
# its own, in which the v1 hierarchies stand alone, because crun refuses a machine with both versions.
set -eu
crun=1.8.1-1+deb12u1
runc=1.1.5+ds1-1+deb12u1
busybox=1:1.35.0-4+deb12u1+b1
group=finding-$$
if [ "${1:-}" = inside ]; then
  cd "$2"
  group=$3
  awk '$3 == "cgroup" {print $2, $4}' /proc/self/mounts > hierarchies
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while read -r where options; do
    mkdir "$where"
    wanted=$(echo "$options" | tr , '\n' | grep -E '^(cpu|cpuacct|cpuset|memory|devices|freezer|blkio|pids|net_cls|net_prio|perf_event|hugetlb|rdma|misc|name=.*)$' | paste -sd,)
    case $wanted in name=*) wanted=none,$wanted ;; esac
    mount -t cgroup -o "$wanted" cgroup "$where"
  done < hierarchies
  of() { find /sys/fs/cgroup/*/"$group/c" -name "$1"; }
  show() {
    memory=$(cat "$(of memory.limit_in_bytes)")
    [ "$memory" -lt 1000000000000 ] || memory=unlimited
    echo "$1: memory $memory, pids $(cat "$(of pids.max)"), quota $(cat "$(of cpu.cfs_quota_us)")"
  }
  make() {
    for each in memory pids cpu; do mkdir -p "/sys/fs/cgroup/$each/$group/c"; done
    echo 64M > "$(of memory.limit_in_bytes)"
    echo 50 > "$(of pids.max)"
    echo 20000 > "$(of cpu.cfs_quota_us)"
  }
  trap 'for each in /sys/fs/cgroup/*/"$group"; do rmdir "$each/c" "$each" 2>/dev/null || true; done' EXIT
  make
  show before
  for runtime in runc crun; do
    make
    program=$(find root/usr/bin root/usr/sbin -name "$runtime" -type f)
    "$program" --root "$PWD/state-$runtime" run -d -b bundle "$runtime" < /dev/null > /dev/null
    show "in a container of $runtime"
    "$program" --root "$PWD/state-$runtime" delete -f "$runtime"
  done
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
script=$(realpath "$0")
cd "$work"
apt-get download -q "crun=$crun" "runc=$runc" "busybox-static=$busybox" > /dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
mkdir -p bundle/rootfs/bin bundle/rootfs/proc
cp root/bin/busybox bundle/rootfs/bin/
cat > bundle/config.json <<EOF
{"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"args":["/bin/busybox","sleep","100"],"cwd":"/","user":{"uid":0,"gid":0}},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"}],
 "linux":{"namespaces":[{"type":"mount"},{"type":"pid"}],"cgroupsPath":"/$group/c"}}
EOF
unshare --mount --propagation private "$script" inside "$work" "$group" | tee seen
diff seen - <<'EOF'
before: memory 67108864, pids 50, quota 20000
in a container of runc: memory 67108864, pids 50, quota 20000
in a container of crun: memory unlimited, pids 50, quota 20000
EOF
