#!/bin/bash
# crun 1.8.1 (Debian 12): a container with a new PID namespace and a new time namespace does not start unless it has a user namespace too.
#
# A process enters a time namespace with its next fork, so crun forks once more after unshare(CLONE_NEWTIME). Without a user
# namespace the PID namespace was made by the clone before: the process that forks is number 1 of it, and it ends when its child has
# been made. The kernel then ends all of that PID namespace, the container's process with it. Crun says only "write to sync socket", with the
# word of whichever call met the closed socket. With a user namespace the PID namespace is unshared together with the time namespace, the
# child is number 1, and it works. Without a PID namespace it works, too: each of the two is well alone, and most containers have a PID
# namespace.
#
# Seen with crun 1.8.1-1+deb12u1 of Debian 12 (bookworm), on 2026-11-29 (Linux 6.18):
#   mount time: exit 0, 9000 s ahead
#   mount pid: exit 0, 0 s ahead
#   mount pid time: exit 1, write to sync socket
#   mount pid time user: exit 0, 9000 s ahead
# What helps: a user namespace (a mapping of every number to itself will do), or no time namespace.
# This script fails when that changes. It needs Debian 12, apt-get, root, and Linux 5.6 or newer with time namespaces. What crun does
# happens in mount and PID namespaces of the script's own.
set -eu
crun=1.8.1-1+deb12u1
busybox=1:1.35.0-4+deb12u1+b1
if [ "${1:-}" = inside ]; then
  cd "$2"
  mount -t tmpfs tmpfs /sys/fs/cgroup  # crun refuses a machine with both versions of cgroups; no cgroups are needed here
  for kinds in "mount time" "mount pid" "mount pid time" "mount pid time user"; do
    list= mappings= proc='"type":"proc","source":"proc"'
    for kind in $kinds; do list="$list${list:+,}{\"type\":\"$kind\"}"; done
    case $kinds in
      *user*) ids='[{"containerID":0,"hostID":0,"size":65536}]'; mappings=",\"uidMappings\":$ids,\"gidMappings\":$ids" ;;
    esac
    offset='"annotations":{"run.oci.timens_offset":"boottime 9000 0\n"},'
    case $kinds in *time*) ;; *) offset= ;; esac
    cat > bundle/config.json <<EOF
{"ociVersion":"1.0.2","root":{"path":"rootfs"},$offset
 "process":{"args":["/bin/busybox","cut","-d.","-f1","/proc/uptime"],"cwd":"/","user":{"uid":0,"gid":0}},
 "mounts":[{"destination":"/proc",$proc}],"linux":{"namespaces":[$list]$mappings}}
EOF
    before=$(cut -d. -f1 /proc/uptime)
    status=0
    root/usr/bin/crun --root "$2/state" --cgroup-manager=disabled run -b bundle finding < /dev/null > out 2> errors || status=$?
    if [ "$status" = 0 ]; then
      echo "$kinds: exit 0, $((($(cat out) - before) / 100 * 100)) s ahead"
    else
      echo "$kinds: exit $status, $(sed 's/:.*//' errors)"
    fi
  done
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
script=$(realpath "$0")
cd "$work"
apt-get download -q "crun=$crun" "busybox-static=$busybox" > /dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
root/usr/bin/crun --version | head -1
mkdir -p bundle/rootfs/bin bundle/rootfs/proc bundle/rootfs/dev
cp root/bin/busybox bundle/rootfs/bin/
unshare --mount --pid --fork --mount-proc --propagation private "$script" inside "$work" | tee seen
diff seen - <<'EOF'
mount time: exit 0, 9000 s ahead
mount pid: exit 0, 0 s ahead
mount pid time: exit 1, write to sync socket
mount pid time user: exit 0, 9000 s ahead
EOF
