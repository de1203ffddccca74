#!/bin/bash
# Linux 6.1.176 (Debian 12): in a cgroup on which cgroup.kill was written once, whatever is cloned in later by clone3 with
# CLONE_INTO_CGROUP is killed at once, for as long as the cgroup lives. That nobody was in it at the write changes nothing.
#
# A cgroup counts the writes to its cgroup.kill. A fork remembers the count of a cgroup when it begins, and ends the child when the
# count of the child's cgroup is another one after it. With CLONE_INTO_CGROUP the two counts are of two cgroups: the parent's, and the
# one that is cloned into. They are the same as long as neither was ever killed, or when both were killed equally often. A plain fork
# within the cgroup, and a process that is moved in by cgroup.procs, live.
#
# Seen with user-mode-linux 6.1um4+b13 of Debian 12 (bookworm), Linux 6.1.176, on 2026-11-30:
#   never killed: exit code 7
#   killed once, when it was empty: signal 9
#   a second later: signal 9
#   forked, and moved in by cgroup.procs: exit code 7
#   forked within it: exit code 7
#   from a parent in a cgroup that was killed once, too: exit code 7
#   made anew under the same name: exit code 7
# Programs that keep a cgroup and start in it again meet this: a supervisor that empties a service's cgroup by cgroup.kill and restarts
# it there by CLONE_INTO_CGROUP; or crun 1.8.1, which clones into the cgroup of its config.json,
# and says "write to sync socket: Broken pipe". What helps: remove the cgroup and make it anew; kill by signals under cgroup.freeze where others
# start in it; clone without the flag and move the child in when the first child died by SIGKILL.
# This script fails when that changes. It needs Debian 12, apt-get, gcc and no root: it starts a user mode kernel.
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

cat > clone_into.c <<'EOF'
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
/* clone_into TEXT CGROUP: how a child ends that is cloned into the cgroup and exits with 7. */
int main(int argc, char **argv) {
  if (argc != 3) return 2;
  struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = open(argv[2], O_PATH)};
  pid_t child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) _exit(7);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return perror(argv[2]), 1;
  printf("%s: %s %d\n", argv[1], WIFSIGNALED(status) ? "signal" : "exit code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  return 0;
}
EOF
gcc -static -O1 -o system/bin/clone_into clone_into.c

cat > system/init <<'EOF'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
export PATH=/bin
busybox --install -s /bin
cd /sys/fs/cgroup
mkdir service other
clone_into "never killed" service
echo 1 > service/cgroup.kill
clone_into "killed once, when it was empty" service
sleep 1
clone_into "a second later" service
sh -c 'echo $$ > service/cgroup.procs; exit 7'
echo "forked, and moved in by cgroup.procs: exit code $?"
sh -c 'echo $$ > service/cgroup.procs; sh -c "exit 7"; exit $?'
echo "forked within it: exit code $?"
echo 1 > other/cgroup.kill
sh -c 'echo $$ > other/cgroup.procs; clone_into "from a parent in a cgroup that was killed once, too" service'
rmdir service
mkdir service
clone_into "made anew under the same name" service
poweroff -f
EOF
chmod +x system/init
(cd system && find . | cpio --quiet -o -H newc -R 0:0) > image
TMPDIR=/tmp timeout 120 root/usr/bin/linux.uml mem=128M initrd="$work/image" rdinit=/init con=null con0=null,fd:1 ssl=null quiet panic=-1 uml_dir="$work" umid=m < /dev/null > log 2>&1 || true
grep -a -E ': (exit code|signal) [0-9]+' log | tr -d '\r' > seen || true
cat seen
cat > expected <<'EOF'
never killed: exit code 7
killed once, when it was empty: signal 9
a second later: signal 9
forked, and moved in by cgroup.procs: exit code 7
forked within it: exit code 7
from a parent in a cgroup that was killed once, too: exit code 7
made anew under the same name: exit code 7
EOF
diff expected seen
