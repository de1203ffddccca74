#!/bin/bash
# podman 4.3.1 (Debian 12): `podman play kube` runs another command than a liveness probe names, as soon as one of its words has a space: a probe that
# has to fail always passes, and one that has to pass always fails.
#
# exec.command of a probe is a list of words that Kubernetes runs as it stands, without a shell. podman joins the words with spaces, without quotes, and
# gives that line to a shell. Of [/bin/sh, -c, "exit 3"] it makes `/bin/sh -c exit 3`: the inner shell's command is "exit" alone, 3 is its $0, and the
# code is 0. `test -d /bin` becomes `test` without operands, which is false. Words without spaces work, so the example of
# Kubernetes' own pages ([cat, /tmp/healthy]) shows nothing of it, and no warning is printed.
#
# Seen on 2026-11-30 (podman 4.3.1+ds1-8+deb12u1+b3, runc 1.1.5+ds1-1+deb12u1), each command by podman exec and as a probe:
#   /bin/sh -c "exit 3": exec 3, probe 0
#   /bin/sh -c "test -d /bin": exec 0, probe 1
#   /bin/false: exec 1, probe 1
#   /bin/true: exec 0, probe 0
# What helps: quotes inside the word ("'exit 3'"), which is wrong for Kubernetes then, or a script in the image that the probe calls by one word.
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
  for pid in $(pgrep -f "^$work/root/usr/bin/conmon"); do kill "$pid" || true; done  # those of exec stay for five minutes
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
mkdir -p home/.config/containers image/bin
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > home/.config/containers/policy.json
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nconmon_path = ["%s"]\n' "$work/root/usr/bin/conmon" > containers.conf

cp root/bin/busybox image/bin/
for name in sh sleep test true false; do ln -s busybox "image/bin/$name"; done
tar -C image -c . | podman import -q --change 'ENV PATH=/bin' - localhost/tools:1 > /dev/null 2>&1
check() {
  local words=$1
  shift
  cat > pod.yaml <<EOT
apiVersion: v1
kind: Pod
metadata: {name: seen}
spec:
  hostNetwork: true
  restartPolicy: Never
  containers:
  - name: app
    image: localhost/tools:1
    imagePullPolicy: Never
    command: [/bin/sleep, "60"]
    livenessProbe: {exec: {command: $words}, failureThreshold: 1}
EOT
  podman play kube pod.yaml > log 2>&1 || cat log
  sed -n '/^Pod:/{n;p}' log >> pods
  local exec=0 probe=0
  podman exec seen-app "$@" > /dev/null 2>&1 || exec=$?
  podman healthcheck run seen-app > /dev/null 2>&1 || probe=$?
  podman pod rm -f -t 0 seen > /dev/null 2>&1
  echo "exec $exec, probe $probe"
}
{
  echo "/bin/sh -c \"exit 3\": $(check '[/bin/sh, -c, "exit 3"]' /bin/sh -c 'exit 3')"
  echo "/bin/sh -c \"test -d /bin\": $(check '[/bin/sh, -c, "test -d /bin"]' /bin/sh -c 'test -d /bin')"
  echo "/bin/false: $(check '[/bin/false]' /bin/false)"
  echo "/bin/true: $(check '[/bin/true]' /bin/true)"
} | tee seen
diff seen - <<'EOT'
/bin/sh -c "exit 3": exec 3, probe 0
/bin/sh -c "test -d /bin": exec 0, probe 1
/bin/false: exec 1, probe 1
/bin/true: exec 0, probe 0
EOT
