#!/bin/bash
# Linux 6.1 (Debian 12), cgroup v2: pids.events of the group whose pids.max refuses forks stays 0. The refusals are counted in the group that the forks were made
# in, even if it has no limit at all, and they are gone with it.
#
# A limit for a Pod, a service or a user stands in a parent, its processes live in children. Whoever watches pids.events where pids.max was written, by
# reading or by inotify, learns nothing of a limit that is hit; whoever alerts on a container's pids.events sees refusals of a container that is "max" and
# uses few of its processes, because a neighbour took them all. The kernel's log has one line for each child, the first time. memory.events,
# whose form it has, counts in the group with the limit and in all above. Kernels since 6.11 count here, too, in the group with the limit
# (and above it), so the same number changes its place at an update; the mount option pids_localevents brings the old place back.
#
# Seen with user-mode-linux 6.1um4+b13 of Debian 12 (bookworm), Linux 6.1.176, on 2026-11-30:
#   pod with pids.max 3: max 0
#   its child with pids.max max, in which 3 forks were refused: max 3
#   its other child, which has the other 2 processes: max 0
#   the pod after the child was removed: max 0
# What helps: the sum over the children, read before each of them is removed.
# This script fails when that changes. It needs Debian 12, apt-get and no root: it starts a user mode kernel.
set -eu
kernel=6.1um4+b13
busybox=1:1.35.0-4+deb12u1+b1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q "user-mode-linux=$kernel" "busybox-static=$busybox" > /dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
mkdir -p system/bin system/proc system/sys system/dev
cp root/bin/busybox system/bin/

cat > system/init <<'EOT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd /sys/fs/cgroup
echo +pids > cgroup.subtree_control
$b mkdir pod
echo +pids > pod/cgroup.subtree_control
$b mkdir pod/child pod/other
echo 3 > pod/pids.max
wait_for() { until [ "$($b cat pod/pids.current)" = "$1" ]; do $b sleep 0.1; done; }
$b sh -c 'echo $$ > pod/other/cgroup.procs; /bin/busybox sleep 100 & exec /bin/busybox sleep 100' &
wait_for 2
refused=0
for i in 1 2 3; do
  $b sh -c 'echo $$ > pod/child/cgroup.procs; ( exit ); exit 0' || refused=$((refused + 1))
  wait_for 2
done
seen() { echo "seen: $1: $($b cat $2/pids.events)"; }
seen "pod with pids.max 3" pod
seen "its child with pids.max $($b cat pod/child/pids.max), in which $refused forks were refused" pod/child
seen "its other child, which has the other $($b cat pod/other/pids.current) processes" pod/other
$b rmdir pod/child
seen "the pod after the child was removed" pod
$b poweroff -f
EOT
chmod +x system/init

TMPDIR=$work timeout 120 root/usr/bin/linux.uml mem=128M root=/dev/root rootfstype=hostfs "rootflags=$work/system" ro init=/init \
  con=null con0=null,fd:1 ssl=null quiet loglevel=0 panic=-1 "uml_dir=$work" < /dev/null > transcript 2>&1 || true
tr -d '\r' < transcript | sed -n 's/^seen: //p' | tee seen
diff seen - <<'EOT' || { cat transcript; exit 1; }
pod with pids.max 3: max 0
its child with pids.max max, in which 3 forks were refused: max 3
its other child, which has the other 2 processes: max 0
the pod after the child was removed: max 0
EOT
