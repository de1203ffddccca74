#!/bin/bash
# Linux 6.18, cgroup v1: rmdir of the last cgroup and umount at once leave the hierarchy in the kernel, mounted nowhere, for as long as the machine runs.
#
# cgroups(7) says that a hierarchy with child cgroups stays when it is unmounted, and that they must be removed first. rmdir() has returned, and that
# is not enough: a cgroup that a process was in is freed later, and umount looks whether the list of children is empty
# (cgroup_kill_sb). Then each process of the machine has a line in /proc/self/cgroup of a hierarchy that no mount namespace has, and a controller that was
# in it is away from all others. Programs that take that file for a list of mounts go wrong, and nothing tells who did it. Only a program that mounts it
# again and unmounts it later ends it; umount says success in both cases.
#
# Seen with Linux 6.18, on 2026-11-30:
#   rmdir and umount at once, in at least one of 20 tries: the hierarchy is there a second later
#   mounted again, and unmounted: gone
#   rmdir, a wait for one cgroup in all, and umount, in 5 of 5 tries: gone
# What helps: between rmdir and umount wait until the hierarchy counts one cgroup: the third column of /proc/cgroups for a controller. A named
# hierarchy has no such line, so that this script waits a second.
# This script fails when that changes. It needs root, and a kernel with cgroup v1. The hierarchy is a named one of the script's own, mounted in a
# mount namespace of its own, and it is gone at the end.
set -eu
name=finding-$$
place=$(mktemp -d)
in_own_mounts() { unshare --mount --propagation private sh -eu -c "mount -t cgroup -o none,name=$name cgroup $place/at; $1; umount $place/at"; }
there() { grep -q ":name=$name:" /proc/self/cgroup; }
end() {  # mounts what is left once more, and unmounts it when nothing is in it
  for _ in 1 2 3 4 5; do
    there || return 0
    in_own_mounts "sleep 1"
    sleep 1
  done
  return 1
}
trap 'end; rm -r "$place"' EXIT
mkdir "$place/at"
# A process that was in the cgroup and has ended: what the kernel frees later.
use="mkdir $place/at/c; (echo 0 > $place/at/c/cgroup.procs); rmdir $place/at/c"
{
  left=no
  for _ in $(seq 20); do
    in_own_mounts "$use"
    sleep 1
    if there; then left=yes; break; fi
  done
  if [ $left = yes ]; then echo "rmdir and umount at once, in at least one of 20 tries: the hierarchy is there a second later"; fi
  if end; then echo "mounted again, and unmounted: gone"; fi
  gone=0
  for _ in 1 2 3 4 5; do
    in_own_mounts "$use; sleep 1"
    sleep 1
    there || gone=$((gone + 1))
  done
  echo "rmdir, a wait for one cgroup in all, and umount, in $gone of 5 tries: gone"
} | tee "$place/seen"
diff "$place/seen" - <<'EOF'
rmdir and umount at once, in at least one of 20 tries: the hierarchy is there a second later
mounted again, and unmounted: gone
rmdir, a wait for one cgroup in all, and umount, in 5 of 5 tries: gone
EOF
