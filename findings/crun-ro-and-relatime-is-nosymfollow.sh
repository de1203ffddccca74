#!/bin/bash
# crun 1.28 (Debian unstable, 2026): a mount with "ro" and "relatime" is nosymfollow, too, so that no symbolic link in it can be followed.
#
# Nobody asked for nosymfollow, and each of the two options alone does not give it; a later "symfollow" does not take it back. A folder of files that
# are links (ConfigMaps and Secrets of Kubernetes are: ..data) answers "Too many levels of symbolic links" for each of them. "relatime" with "ro" is what
# the usual example of a config.json has for /sys/fs/cgroup, where the links of v1 (cpu -> cpu,cpuacct) are lost. crun 1.8.1 of Debian 12 and 1.21 of
# Debian 13 do not do it; runc neither.
#
# Seen with crun 1.28-1, libc6 2.43-7 of Debian unstable, on 2026-12-01 (Linux 6.18):
#   crun version 1.28
#   ro: followed
#   relatime: followed
#   ro relatime: cat: can't open '/volume/link': Too many levels of symbolic links; ro,relatime,nosymfollow
#   ro relatime symfollow: cat: can't open '/volume/link': Too many levels of symbolic links; ro,relatime,nosymfollow
#   ro noatime: followed
# What helps: "ro" without "relatime", which is what the kernel does anyhow. mete writes no "relatime" for another runtime.
# This script fails when that changes. It needs root, Linux 5.12, curl, and dpkg-deb. The packages come from Debian's mirror as long as it has these versions,
# then from snapshot.debian.org; each has to have the sum below. All that is mounted is in namespaces of the script's own.
set -eu
snapshot=https://snapshot.debian.org/archive/debian/20261130T000000Z
packages="
20fbc3d0544d5c78e98fda1f02eed07d92529b1b82b6fe657d0c865b4a654cef c/crun/crun_1.28-1_amd64.deb
26801f17e6c88e813be104effc0ea3b43d912bd59ca6295fcd1260528ebb4d41 b/busybox/busybox-static_1.38.0-3+b1_amd64.deb
d251ea642c3795e8723ac2b9eeebe511467ca04590ba70f3d555a7616787d7e3 g/gcc-16/libgcc-s1_16.2.0-4_amd64.deb
5c71715c51103beb4fbba9fe9f8dff604af6610dfa71c70bff342f54a7860803 g/glibc/libc6_2.43-7_amd64.deb
22a29043cacb0972466c2b978031f37a2c9fe47a3986c87bb2a6755be08844f8 j/json-c/libjson-c5_0.19+ds-1_amd64.deb
ded957f0dd933e80a3cbbc3a920cb66a3d683f7e2ba2ddd77008f9f02744dcd9 libc/libcap2/libcap2_2.78-1+b1_amd64.deb
2d97c9f6ce55043caff1f6818ff9f85693528604f9d7538bd1ff61a492db8567 libs/libseccomp/libseccomp2_2.6.1-1+b2_amd64.deb
2c98a61e1f2e8e19f56d9e8d33ecec82d34922b5902c1e59459594308858ff48 r/rust-blake3/libblake3-0_1.8.2-1_amd64.deb
7fc74653ff64a71e97e0d6d7c0cbb195a62ec0d3a13a7263dd37369494dfcc42 s/systemd/libsystemd0_262.1-1_amd64.deb"
if [ "${1:-}" = inside ]; then
  cd "$2"
  mount --bind root root
  mount -t proc proc root/proc
  mount -t sysfs sysfs root/sys
  mount -t tmpfs tmpfs root/sys/fs/cgroup  # no cgroups are needed
  mount -t tmpfs tmpfs root/run
  for device in null zero full random urandom tty; do
    : > "root/dev/$device"
    mount --bind "/dev/$device" "root/dev/$device"
  done
  chroot root crun --version | head -1
  mkdir -p root/bundle/rootfs/bin root/bundle/rootfs/proc root/bundle/rootfs/dev root/volume
  cp root/usr/bin/busybox root/bundle/rootfs/bin/
  echo followed > root/volume/file
  ln -s file root/volume/link
  for options in ro relatime "ro relatime" "ro relatime symfollow" "ro noatime"; do
    cat > root/bundle/config.json <<EOF
{"ociVersion":"1.0.2","root":{"path":"rootfs"},
 "process":{"args":["/bin/busybox","sh","-c","/bin/busybox cat /volume/link 2>&1 || /bin/busybox awk '\$2 == \"/volume\" {print \$4}' /proc/mounts"],
            "cwd":"/","user":{"uid":0,"gid":0}},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},
           {"destination":"/volume","type":"bind","source":"/volume","options":["bind","$(echo "$options" | sed 's/ /","/g')"]}],
 "linux":{"namespaces":[{"type":"mount"},{"type":"pid"}]}}
EOF
    # The file system below the mount may add words of its own (size=, inode64).
    seen=$(chroot root crun --cgroup-manager=disabled run -b /bundle finding < /dev/null 2>&1 | sed 's/,\(size\|inode\|discard\|errors\|data\|lowerdir\|upperdir\|workdir\).*//' |
      tr '\n' ';' | sed 's/;$//; s/;/; /')
    echo "$options: $seen"
  done
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
script=$(realpath "$0")
cd "$work"
mkdir -p root/usr/bin root/usr/lib root/usr/lib64 root/usr/sbin root/proc root/sys root/dev root/run root/tmp
ln -s usr/bin root/bin; ln -s usr/lib root/lib; ln -s usr/lib64 root/lib64; ln -s usr/sbin root/sbin
echo "$packages" | while read -r sum path; do
  [ -n "$sum" ] || continue
  curl -sf --retry 2 -o package.deb "http://deb.debian.org/debian/pool/main/$path" || curl -sf --retry 2 -o package.deb "$snapshot/pool/main/$path"
  echo "$sum  package.deb" | sha256sum -c --quiet
  dpkg-deb --fsys-tarfile package.deb | tar -C root --keep-directory-symlink -xf -
done
unshare --mount --pid --fork --propagation private "$script" inside "$work" | tee seen
diff seen - <<'EOF'
crun version 1.28
ro: followed
relatime: followed
ro relatime: cat: can't open '/volume/link': Too many levels of symbolic links; ro,relatime,nosymfollow
ro relatime symfollow: cat: can't open '/volume/link': Too many levels of symbolic links; ro,relatime,nosymfollow
ro noatime: followed
EOF
echo "crun 1.28 still follows no link of a mount that is ro and relatime"
