#!/bin/bash
# Linux 6.1 (Debian 12): with memory.oom.group the kernel counts and logs its first victim twice: a container of one process that is
# killed once has oom_kill 2 in memory.events.
#
# The kernel picks a victim and kills it, which counts; then it goes through all tasks of the group to kill them too, and the victim, which
# has not ended yet, is one of them: killed, counted and logged once more, with the same pid. So N processes give N + 1. The surplus is
# in the group of the victim and in all above it. oom_group_kill is right, but stands in the group that has memory.oom.group: when that
# is a pod and its limit is hit, a container below has the surplus and nothing that explains it. Alerts on the increase of oom_kill, and
# readers that pair the lines of the log with deaths, see one death more than there was.
#
# Seen with user-mode-linux 6.1um4+b13 of Debian 12 (bookworm), Linux 6.1.176, on 2026-11-29:
#   plain, 1 process: oom_kill 1, oom_group_kill 0, log: 1 lines of 1 pids
#   grouped, 1 process: oom_kill 2, oom_group_kill 1, log: 2 lines of 1 pids
#   grouped, 3 processes: oom_kill 4, oom_group_kill 1, log: 4 lines of 3 pids
#   below a grouped pod, 1 process: oom_kill 2, oom_group_kill 0, log: 2 lines of 1 pids
# What helps: take pids from the log and drop repeated ones; or count oom_kill minus oom_group_kill where the same group has both, and
# read memory.events of the groups above as well.
# This script fails when that changes. It needs Debian 12, apt-get and no root: it starts a user mode kernel.
set -eu
kernel=6.1um4+b13
busybox=1:1.35.0-4+deb12u1+b1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q "user-mode-linux=$kernel" "busybox-static=$busybox" > /dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
mkdir -p system/bin system/proc system/sys system/dev system/tmp
cp root/bin/busybox system/bin/

cat > system/init <<'EOF'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
/bin/busybox mount -t tmpfs tmpfs /tmp
cd /sys/fs/cgroup
echo +memory > cgroup.subtree_control
value() { while read -r key value; do [ "$key" != "$2" ] || echo "$value"; done < "$1/memory.events"; }
# report TEXT GROUP PROCESSES: one of them grows until the limit is hit, the others sleep.
report() {
  /bin/busybox dmesg -c > /tmp/before
  for _ in $(/bin/busybox seq 2 "$3"); do
    /bin/busybox sh -c "echo \$\$ > $2/cgroup.procs; exec /bin/busybox sleep 1000" &
  done
  while [ "$(/bin/busybox wc -l < "$2/cgroup.procs")" -lt $(($3 - 1)) ]; do /bin/busybox usleep 10000; done
  # tail keeps the last line, and the line of /dev/zero has no end.
  /bin/busybox sh -c "echo \$\$ > $2/cgroup.procs; exec /bin/busybox tail -n 1 /dev/zero"
  [ "$1" = plain ] || wait
  /bin/busybox dmesg | /bin/busybox sed -n 's/.*Killed process \([0-9]*\) .*/\1/p' > /tmp/killed
  echo "$1, $3 process$([ "$3" = 1 ] || echo es): oom_kill $(value "$2" oom_kill), oom_group_kill $(value "$2" oom_group_kill)," \
    "log: $(/bin/busybox wc -l < /tmp/killed) lines of $(/bin/busybox sort -u /tmp/killed | /bin/busybox wc -l) pids"
}
/bin/busybox mkdir plain one three pod
for group in plain one three pod; do echo 6M > $group/memory.max; done
for group in one three pod; do echo 1 > $group/memory.oom.group; done
echo +memory > pod/cgroup.subtree_control
/bin/busybox mkdir pod/container
report plain plain 1
report grouped one 1
report grouped three 3
report "below a grouped pod" pod/container 1
/bin/busybox poweroff -f
EOF
chmod +x system/init

TMPDIR=$work timeout 120 root/usr/bin/linux.uml mem=128M root=/dev/root rootfstype=hostfs "rootflags=$work/system" ro init=/init \
  con=null con0=null,fd:1 ssl=null quiet loglevel=0 log_buf_len=1M panic=-1 "uml_dir=$work" < /dev/null > transcript 2>&1 || true
tr -d '\r' < transcript | grep oom_group_kill | tee seen || cat transcript
diff seen - <<'EOF'
plain, 1 process: oom_kill 1, oom_group_kill 0, log: 1 lines of 1 pids
grouped, 1 process: oom_kill 2, oom_group_kill 1, log: 2 lines of 1 pids
grouped, 3 processes: oom_kill 4, oom_group_kill 1, log: 4 lines of 3 pids
below a grouped pod, 1 process: oom_kill 2, oom_group_kill 0, log: 2 lines of 1 pids
EOF
