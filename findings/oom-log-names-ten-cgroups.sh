#!/bin/bash
# Linux 6.1 (Debian 12): one control group that is killed for its memory again and again takes the names of all others out of the kernel's
# log. "Killed process" is written for every kill, the line that names the group for ten kills in five seconds, and these ten
# are counted for the whole machine.
#
# A kill in a memory control group is told in two parts: a report (who asked for memory, the counters, and "oom-kill:" with oom_memcg= and
# task_memcg=), then "Killed process PID (NAME)". Only the report has a rate limit, and its state is one for all groups. Readers of the
# log that begin an event with the report miss the other kills; readers of "Killed process" have no group for them, and the process is
# gone when they look for its pid. So a container that is started anew and killed in a loop hides whose limit another kill was.
# The count of what was left out comes late: with the first kill that is reported after the five seconds, as a number without names.
#
# Seen with user-mode-linux 6.1um4+b13 of Debian 12 (bookworm), Linux 6.1.176, on 2026-11-29 (Linux 6.18 on x86 does the same):
#   noisy: 12 killed, quiet: 1 killed (memory.events)
#   log: 13 "Killed process", 10 name noisy, 0 name quiet
#   later: 1 names quiet
# What helps: count by memory.events (oom_kill; on v1 memory.oom_control) of each group, take the log for the process's name only,
# and match a kill that has no report by the counter that moved.
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
ln -s busybox system/bin/sh

cat > system/init <<'EOF'
#!/bin/sh
mount() { /bin/busybox mount "$@"; }
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd /sys/fs/cgroup
echo +memory > cgroup.subtree_control
# tail keeps the last line, and the line of /dev/zero has no end.
kill_one() { /bin/sh -c "echo \$\$ > $1/cgroup.procs; exec /bin/busybox tail -n 1 /dev/zero"; }
lines() { /bin/busybox dmesg | /bin/busybox grep -c "$1"; }
killed() { while read -r key value; do [ "$key" != oom_kill ] || echo "$value"; done < "$1/memory.events"; }
for group in noisy quiet; do
  /bin/busybox mkdir $group
  echo 4M > $group/memory.max
done
now() { /bin/busybox cut -d. -f1 /proc/uptime; }
begin=$(now)
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do kill_one noisy; done
kill_one quiet
echo "burst: $(($(now) - begin)) s"
echo "noisy: $(killed noisy) killed, quiet: $(killed quiet) killed (memory.events)"
echo "log: $(lines 'Killed process') \"Killed process\", $(lines task_memcg=/noisy,) name noisy, $(lines task_memcg=/quiet,) name quiet"
/bin/busybox sleep 6
kill_one quiet
echo "later: $(lines task_memcg=/quiet,) names quiet"
/bin/busybox dmesg | /bin/busybox grep suppressed
/bin/busybox poweroff -f
EOF
chmod +x system/init

# Once more where this machine was so busy that the thirteen kills took longer than five seconds.
for _ in 1 2 3; do
  TMPDIR=$work timeout 120 root/usr/bin/linux.uml mem=128M root=/dev/root rootfstype=hostfs "rootflags=$work/system" ro init=/init \
    con=null con0=null,fd:1 ssl=null quiet loglevel=0 log_buf_len=1M panic=-1 "uml_dir=$work" < /dev/null > transcript 2>&1 || true
  tr -d '\r' < transcript | grep -E '^(noisy|log|later)|suppressed' | tee seen || cat transcript
  grep -q '^burst: [0-4] s' transcript && break
done
grep -qx 'noisy: 12 killed, quiet: 1 killed (memory.events)' seen
grep -qx 'log: 13 "Killed process", 10 name noisy, 0 name quiet' seen
grep -qx 'later: 1 names quiet' seen
