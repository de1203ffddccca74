#!/bin/bash
# @adobe/cgroup-metrics 3.0.6 (npm): what it calls nanoseconds of user and system time are hundredths of a second, so that a busy container is shown as
# idle: 0.00001 %, and not 100 %.
#
# cgroup v1 has two units side by side: cpuacct.usage is in nanoseconds, and cpuacct.stat in USER_HZ, 100 a second (the kernel's cpuacct.rst). The package
# hands the numbers of both out as cpuNanosSinceContainerStart, its README says nanoseconds for both, and calculateUsage(), which takes either,
# divides both by the same time. The total is right, so that a look at it shows nothing, and its parts are too small by 10,000,000. Whoever scales or alerts on
# system time (a container that spends its quota in the kernel) has a line at zero that never moves.
#
# Seen on 2026-11-30 (Linux 6.18, Node 20.20; a program that computes for two seconds):
#   cpu.usage(): above 40 %: yes
#   cpu.stat().user: above 40 %: no, above 0.001 %: no
#   usage over user and system: 10000000
# What helps: stat() times 1e9 / $(getconf CLK_TCK), or usage() alone.
# This script fails when that changes. It needs npm with a registry, Node 20 or newer, and cgroup v1's cpuacct at /sys/fs/cgroup/cpuacct.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @adobe/cgroup-metrics@3.0.6 > /dev/null 2>&1
cat > look.js <<'EOJ'
const { cpu } = require('@adobe/cgroup-metrics');
const is = (value, least) => `above ${least} %: ${value > least ? 'yes' : 'no'}`;
const before = { usage: cpu.usage(), stat: cpu.stat() };
for (const end = Date.now() + 2000; Date.now() < end; ) Math.random();
const after = { usage: cpu.usage(), stat: cpu.stat() };
const user = cpu.calculateUsage(before.stat.user, after.stat.user);
console.log(`cpu.usage(): ${is(cpu.calculateUsage(before.usage, after.usage), 40)}`);
console.log(`cpu.stat().user: ${is(user, 40)}, ${is(user, 0.001)}`);
const parts = after.stat.user.cpuNanosSinceContainerStart + after.stat.system.cpuNanosSinceContainerStart;
// Two digits: the kernel counts the parts and the whole in two ways.
console.log(`usage over user and system: ${Number((after.usage.cpuNanosSinceContainerStart / parts).toPrecision(1))}`);
EOJ
node look.js | tee seen
diff seen - <<'EOT'
cpu.usage(): above 40 %: yes
cpu.stat().user: above 40 %: no, above 0.001 %: no
usage over user and system: 10000000
EOT
