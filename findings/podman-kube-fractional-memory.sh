#!/bin/bash
# podman 4.3.1 (Debian 12): `podman play kube` makes a memory limit of 1.5Gi 1,000,000,000 times as large, and tells the container that it has one byte.
#
# A quantity with a fraction and a binary suffix (0.5Gi, 1.5Gi, even 1024.0Ki) is valid for Kubernetes, whose API server stores 1.5Gi as 1536Mi; a manifest
# that podman reads has not been there. podman keeps such a number with nine decimal places, and takes its digits for the number of bytes: the limit is more
# than an exabyte, which is none. Requests become as large a reservation. What an environment variable gets from resourceFieldRef
# (limits.memory) goes wrong in the other direction: 1, whatever the divisor, so that a program that sizes its heap by it gets nothing. Nothing warns.
# Fractions with decimal suffixes (1.5G) are read right. Upstream heard of the limit in May 2026 (podman's issue 28789).
#
# Seen on 2026-11-30 (podman 4.3.1+ds1-8+deb12u1+b3):
#   1536Mi: limit 1610612736, reservation 1610612736, limits.memory in MiB 1536
#   1.5Gi: limit 1610612736000000000, reservation 1610612736000000000, limits.memory in MiB 1
#   1024.0Ki: limit 1048576000000000, reservation 1048576000000000, limits.memory in MiB 1
#   1.5G: limit 1500000000, reservation 1500000000, limits.memory in MiB 1431
# What helps: whole numbers of a smaller unit.
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
  { for pod in $(cat pods) conmon ""; do rmdir /sys/fs/cgroup/{,*/}"libpod_parent/$pod"; done; } 2> /dev/null || true
  rm -rf "$work"
}
trap clean EXIT
cd "$work"
apt-get download -q podman=4.3.1+ds1-8+deb12u1+b3 runc=1.1.5+ds1-1+deb12u1 conmon=2.1.6+ds1-1 catatonit=0.1.7-1+b2 \
  libsubid4 libgpgme11 libassuan0 libdevmapper1.02.1 > /dev/null 2>&1
for file in *.deb; do dpkg -x "$file" root; done
export PATH="$work/root/usr/bin:$work/root/usr/sbin:$PATH" LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu"
mkdir -p home/.config/containers image/bin
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > home/.config/containers/policy.json
printf '[engine]\nconmon_path = ["%s"]\n' "$work/root/usr/bin/conmon" > containers.conf

tar -C image -c . | podman import -q - localhost/empty:1 > /dev/null 2>&1
check() {
  cat > pod.yaml <<EOT
apiVersion: v1
kind: Pod
metadata: {name: seen}
spec:
  hostNetwork: true
  containers:
  - name: app
    image: localhost/empty:1
    imagePullPolicy: Never
    command: [/bin/true]
    resources: {limits: {memory: $1}, requests: {memory: $1}}
    env:
    - {name: SEEN, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
EOT
  podman play kube --start=false pod.yaml > log 2>&1 || cat log
  sed -n '/^Pod:/{n;p}' log >> pods
  podman inspect seen-app --format \
    'limit {{.HostConfig.Memory}}, reservation {{.HostConfig.MemoryReservation}}, limits.memory in MiB {{join .Config.Env ""}}' | sed 's/SEEN=//'
  podman pod rm -f seen > /dev/null 2>&1
}
for quantity in 1536Mi 1.5Gi 1024.0Ki 1.5G; do
  echo "$quantity: $(check "$quantity")"
done | tee found
diff found - <<'EOT'
1536Mi: limit 1610612736, reservation 1610612736, limits.memory in MiB 1536
1.5Gi: limit 1610612736000000000, reservation 1610612736000000000, limits.memory in MiB 1
1024.0Ki: limit 1048576000000000, reservation 1048576000000000, limits.memory in MiB 1
1.5G: limit 1500000000, reservation 1500000000, limits.memory in MiB 1431
EOT
