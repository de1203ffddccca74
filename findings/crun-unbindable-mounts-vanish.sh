#!/bin/bash
# crun 1.8.1 (Debian 12): where a mount is unbindable, a recursive bind over it or of it silently leaves it out, and the container reads what lies below.
#
# The kernel does not copy an unbindable mount in a recursive bind. It says nothing, the bind succeeds, and the place shows the folder
# that was under the mount. Two valid configurations meet that in crun:
#   - rootfsPropagation "runbindable" makes all mounts of the new namespace unbindable before the volumes are bound. A volume by "rbind"
#     then comes without the mounts below its source.
#   - a bind with the option "unbindable" below one of readonlyPaths: crun makes the path read-only by a recursive bind of the path on itself.
#     The container then reads the empty file that crun made as the place for the mount, in place of the file that was mounted.
# Each part alone works: "private" has the nested mount, and without readonlyPaths the unbindable file is there. Nothing is logged.
#
# Seen with crun 1.8.1-1+deb12u1 of Debian 12 (bookworm), on 2026-11-29 (Linux 6.18):
#   root private, rbind of a folder with a mount: inner volume
#   root runbindable, rbind of a folder with a mount:
#   unbindable file: mounted file
#   unbindable file below a read-only path:
# What helps: no unbindable, or mount_setattr(AT_RECURSIVE, MOUNT_ATTR_RDONLY) in place of a bind on itself.
# This script fails when that changes. It needs Debian 12, apt-get, root, and Linux 5.6 or newer. What crun does happens in mount and PID namespaces
# of the script's own.
set -eu
crun=1.8.1-1+deb12u1
busybox=1:1.35.0-4+deb12u1+b1
if [ "${1:-}" = inside ]; then
  cd "$2"
  mount -t tmpfs tmpfs /sys/fs/cgroup  # crun refuses a machine with both versions of cgroups; no cgroups are needed here
  mount -t tmpfs inner volume/inner
  echo "inner volume" > volume/inner/file
  run() {  # what is seen, the file to print, the mount, more of "linux"
    rm -f bundle/rootfs/etc/hosts
    cat > bundle/config.json <<EOF
{"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"args":["/bin/busybox","cat","$2"],"cwd":"/","user":{"uid":0,"gid":0}},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},$3],"linux":{"namespaces":[{"type":"mount"},{"type":"pid"}]$4}}
EOF
    seen=$(root/usr/bin/crun --root "$PWD/state" --cgroup-manager=disabled run -b bundle finding < /dev/null 2> errors) || true
    grep -v "can't open '/volume/inner/file': No such file" errors >&2 || true
    echo "$1:${seen:+ $seen}"
  }
  volume="{\"destination\":\"/volume\",\"type\":\"bind\",\"source\":\"$PWD/volume\",\"options\":[\"rbind\"]}"
  hosts="{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"$PWD/hosts\",\"options\":[\"bind\",\"unbindable\"]}"
  run "root private, rbind of a folder with a mount" /volume/inner/file "$volume" ',"rootfsPropagation":"private"'
  run "root runbindable, rbind of a folder with a mount" /volume/inner/file "$volume" ',"rootfsPropagation":"runbindable"'
  run "unbindable file" /etc/hosts "$hosts" ""
  run "unbindable file below a read-only path" /etc/hosts "$hosts" ',"readonlyPaths":["/etc"]'
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
mkdir -p bundle/rootfs/bin bundle/rootfs/proc bundle/rootfs/dev bundle/rootfs/etc volume/inner
echo "mounted file" > hosts
cp root/bin/busybox bundle/rootfs/bin/
unshare --mount --pid --fork --mount-proc --propagation private "$script" inside "$work" | tee seen
diff seen - <<'EOF'
root private, rbind of a folder with a mount: inner volume
root runbindable, rbind of a folder with a mount:
unbindable file: mounted file
unbindable file below a read-only path:
EOF
