#!/bin/bash
# Linux 6.1 (Debian 12), cgroup v2: cpu.idle 1 and then 0 loses the group's cpu.weight, and what cpu.weight reads meanwhile cannot be
# written back.
#
# cpu.idle and cpu.weight are two names of one number in the scheduler. cpu.idle 1 writes the lowest weight over it, cpu.idle 0 writes 100
# over that, whatever stood there before; a second "0" changes nothing. While the group is idle cpu.weight reads 0, which is below what
# the file takes (ERANGE), and a good weight is refused as well (EINVAL), so the wanted weight cannot be put there in advance. Programs that
# make a group idle for a while (batch work, a throttle under pressure), or that save the files of a group and write them again (updates
# that are undone, migration), give it the weight 100 afterwards without an error.
#
# Seen with user-mode-linux 6.1um4+b13 of Debian 12 (bookworm), Linux 6.1.176, on 2026-11-29:
#   weight 50, idle 0 written again: 50
#   idle: weight reads 0, 0 written: Numerical result out of range, 50 written: Invalid argument
#   no longer idle: weight reads 100
# What helps: remember the weight outside of the kernel; write cpu.idle 0 first and cpu.weight after it, and on the way in
# read cpu.weight before cpu.idle is written; when a state is saved, leave cpu.weight out where it reads 0.
# This script fails when that changes. It needs Debian 12, apt-get and no root: it starts a user mode kernel.
set -eu
kernel=6.1um4+b13
busybox=1:1.35.0-4+deb12u1+b1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q "user-mode-linux=$kernel" "busybox-static=$busybox" > /dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
mkdir -p system/bin system/proc system/sys
cp root/bin/busybox system/bin/

cat > system/init <<'EOF'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd /sys/fs/cgroup
echo +cpu > cgroup.subtree_control
/bin/busybox mkdir group
weight() { /bin/busybox cat group/cpu.weight; }
answer() { /bin/busybox sh -c "echo $1 | /bin/busybox dd of=group/cpu.weight 2>&1" | /bin/busybox sed -n 's/.*: //p' | /bin/busybox head -1; }
echo 50 > group/cpu.weight
echo 0 > group/cpu.idle
echo "seen: weight 50, idle 0 written again: $(weight)"
echo 1 > group/cpu.idle
echo "seen: idle: weight reads $(weight), 0 written: $(answer 0), 50 written: $(answer 50)"
echo 0 > group/cpu.idle
echo "seen: no longer idle: weight reads $(weight)"
/bin/busybox poweroff -f
EOF
chmod +x system/init

TMPDIR=$work timeout 120 root/usr/bin/linux.uml mem=128M root=/dev/root rootfstype=hostfs "rootflags=$work/system" ro init=/init \
  con=null con0=null,fd:1 ssl=null quiet loglevel=0 panic=-1 "uml_dir=$work" < /dev/null > transcript 2>&1 || true
tr -d '\r' < transcript | sed -n 's/^seen: //p' | tee seen
diff seen - <<'EOF' || { cat transcript; exit 1; }
weight 50, idle 0 written again: 50
idle: weight reads 0, 0 written: Numerical result out of range, 50 written: Invalid argument
no longer idle: weight reads 100
EOF
