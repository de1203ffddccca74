#!/bin/bash
# podman 4.3.1 (Debian 12): of a container with --tmpfs or --read-only, `podman kube generate` writes all its memory file systems as one folder "tmpfs" of
# the machine, and `podman kube play` makes it where it happens to be called: /tmp, /run and the rest share their files, and these stay on the disk.
#
# The word "tmpfs" stands where the source of a mount is, and kube generate takes it for a path: hostPath, path "tmpfs", DirectoryOrCreate. (For
# Kubernetes such a file system is an emptyDir with medium Memory.) The limit of its size is gone. kube play, whose manual has a path without a
# slash be the name of a volume, makes a folder in its current directory and mounts it at each place, in all such pods that are
# played from there. A pid file or a socket of /run is then one in /tmp as well, what was to be in memory only is on the disk, and
# pod rm leaves it. --read-only alone is enough, since it brings a tmpfs for /tmp, /run and /var/tmp. Where a folder "tmpfs" was there when the manifest was
# made, its type is Directory, and kube play elsewhere says that it is missing.
#
# Seen on 2026-11-30 (podman 4.3.1+ds1-8+deb12u1+b3):
#   run: /tmp/file in /run: no, in /scratch: no
#   kube generate: /run /scratch /tmp /var/tmp; hostPath tmpfs DirectoryOrCreate, 4 times
#   kube play of that: /tmp/file in /run: yes, in /scratch: yes
#   after pod rm, in the folder that podman was called in: tmpfs/file
# What helps: each of these volumes written again as {emptyDir: {medium: Memory}}.
# This script fails when that changes. It needs Debian 12 with apt-get, and root.
set -eu
work=$(mktemp -d)
export HOME=$work/home CONTAINERS_CONF=$work/containers.conf
podman() {
  "$work/root/usr/bin/podman" --root "$work/data" --runroot "$work/run" --tmpdir "$work/tmp" \
    --storage-driver vfs --cgroup-manager cgroupfs --runtime runc --events-backend file "$@"
}
clean() {
  podman pod rm -f -t 0 -a > /dev/null 2>&1 || true
  podman rm -f -t 0 -a > /dev/null 2>&1 || true
  sleep 0.5
  { for pod in $(cat pods) conmon ""; do rmdir /sys/fs/cgroup/{,*/}"libpod_parent/$pod"; done; } 2> /dev/null || true
  rm -rf "$work"
}
trap clean EXIT
cd "$work"
apt-get download -q podman=4.3.1+ds1-8+deb12u1+b3 runc=1.1.5+ds1-1+deb12u1 conmon=2.1.6+ds1-1 catatonit=0.1.7-1+b2 \
  busybox-static=1:1.35.0-4+deb12u1+b1 libsubid4 libgpgme11 libassuan0 libdevmapper1.02.1 libyajl2 > /dev/null 2>&1
for file in *.deb; do dpkg -x "$file" root; done
export PATH="$work/root/usr/bin:$work/root/usr/sbin:$PATH" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu"
mkdir -p home/.config/containers image/bin image/answer here
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > home/.config/containers/policy.json
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nconmon_path = ["%s"]\n' "$work/root/usr/bin/conmon" > containers.conf

cp root/bin/busybox image/bin/
ln -s busybox image/bin/sh
tar -C image -c . | podman import -q --change 'ENV PATH=/bin' - localhost/tools:1 > /dev/null 2>&1
cd here
mkdir ../answer
look='there() { [ -e "$1" ] && echo yes || echo no; }
echo > /tmp/file
echo "/tmp/file in /run: $(there /run/file), in /scratch: $(there /scratch/file)" > /answer/text'
podman create --name seen --pull never --network host --read-only --tmpfs /scratch:size=1m -v "$work/answer:/answer" \
  localhost/tools:1 /bin/sh -c "$look" > /dev/null 2>&1
podman start -a seen > ../log 2>&1 || cat ../log
echo "run: $(cat ../answer/text)" > ../found
podman kube generate seen > ../pod.yaml 2>> ../log
podman rm seen > /dev/null 2>&1
rm ../answer/text
sed -i 's/^spec:/spec:\n  restartPolicy: Never/' ../pod.yaml
{
  echo "kube generate: $(sed -n '/volumeMounts/,/^  [a-z]/s/.*mountPath: //p' ../pod.yaml | grep -v answer | sort | tr '\n' ' ' | sed 's/ $//');" \
    "hostPath $(grep -A 1 'path: tmpfs' ../pod.yaml | sed -n 's/.*\(path\|type\): //p' | sort -u | tr '\n' ' ' | awk '{print $2, $1}'), $(grep -c 'path: tmpfs' ../pod.yaml) times"
  podman kube play ../pod.yaml > ../log 2>&1 || cat ../log
  sed -n '/^Pod:/{n;p}' ../log >> ../pods
  podman wait seen-pod-seen > /dev/null 2>&1
  echo "kube play of that: $(cat ../answer/text)"
  podman pod rm -f -t 0 seen-pod > /dev/null 2>&1
  echo "after pod rm, in the folder that podman was called in: $(find . -type f | sed 's|^\./||' | tr '\n' ' ' | sed 's/ $//')"
} >> ../found
cd ..
cat found
diff found - <<'EOT'
run: /tmp/file in /run: no, in /scratch: no
kube generate: /run /scratch /tmp /var/tmp; hostPath tmpfs DirectoryOrCreate, 4 times
kube play of that: /tmp/file in /run: yes, in /scratch: yes
after pod rm, in the folder that podman was called in: tmpfs/file
EOT
