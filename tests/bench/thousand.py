# SPDX-License-Identifier: Apache-2.0
"""A thousand small containers from one folder: how long until all run, what the agent and the shims take, how long until
all are gone. python3 tests/bench/thousand.py [COUNT]

Compare builds by CPU time (METE_BIN_DIR=... for the other one), which a busy machine changes little, and with
TMPDIR=/dev/shm: ext4 keeps deleted inodes for seconds, and searches them."""
import os
import resource
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, wait_for  # noqa: E402

POD = """apiVersion: v1
kind: Pod
metadata: {name: small-%d}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: [sleep, "100000"]
    resources: {requests: {cpu: 1m, memory: 4Mi}, limits: {cpu: 100m, memory: 16Mi}}
"""


def memory(pid):
    """Private and proportional bytes of a process."""
    private = proportional = 0
    for line in open("/proc/%d/smaps_rollup" % pid):
        key, _, rest = line.partition(":")
        if key.startswith("Private_"):
            private += int(rest.split()[0]) * 1024
        if key == "Pss":
            proportional = int(rest.split()[0]) * 1024
    return private, proportional


def cpu_seconds(pid):
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ran(pid):
    """Seconds on a processor, by the scheduler's own clock: a start is shorter than a tick."""
    try:
        return int(open("/proc/%d/schedstat" % pid).read().split()[0]) / 1e9
    except OSError:
        return 0


def running(agent):
    return sum(value for (name, labels), value in agent.metrics().items() if name == "mete_container_state" and ("state", "running") in labels)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Agent() as agent:
        agent.start()
        for index in range(count):
            with open("%s/.small-%d" % (agent.manifests, index), "w") as out:
                out.write(POD % index)
        pid = agent.process.pid
        begin = time.monotonic()
        for index in range(count):
            os.rename("%s/.small-%d" % (agent.manifests, index), "%s/small-%d.yaml" % (agent.manifests, index))
        wait_for("all to run", lambda: running(agent) == count, 600, 1)
        launched = time.monotonic() - begin
        used = cpu_seconds(pid)
        private, proportional = memory(pid)
        print("%d containers run after %.1f s (%.1f ms each); agent: %.2f s of CPU, %.1f MiB private" % (
            count, launched, 1000 * launched / count, used, private / 2**20))
        others = sum(ran(each) for each, _ in agent.processes() if each != pid)
        print("shims and what they start: %.2f s of CPU; with the agent %.2f ms a container, of %d processors" % (
            others, 1000 * (others + used) / count, os.cpu_count()))
        shims = [memory(shim)[0] for shim, command in agent.processes() if "mete-shim" in command]
        print("shims: %d, %.0f KiB private each (target of the design: at most 300 kB)" % (len(shims), sum(shims) / max(1, len(shims)) / 1024))
        before, start = cpu_seconds(pid), time.monotonic()
        scrapes = 0
        while time.monotonic() - start < 10:
            agent.get("/metrics")
            scrapes += 1
            time.sleep(max(0, start + scrapes - time.monotonic()))
        text = agent.get("/metrics")
        series = sum(1 for line in text.splitlines() if line and not line.startswith("#"))
        print("scraped once a second: %d series, %.1f MiB, %.1f %% of a core" % (
            series, len(text) / 2**20, 100 * (cpu_seconds(pid) - before) / (time.monotonic() - start)))
        print("agent after it: %.1f MiB private, %d descriptors" % (memory(pid)[0] / 2**20, len(os.listdir("/proc/%d/fd" % pid))))
        begin, before = time.monotonic(), cpu_seconds(pid)
        for index in range(count):
            os.unlink("%s/small-%d.yaml" % (agent.manifests, index))
        wait_for("all to be gone", lambda: not agent.pods() and not agent.pod_cgroups(), 600, 0.25)
        print("all gone after %.1f s, %.2f s of the agent's CPU; left: %d cgroups, %d mounts, %d processes" % (
            time.monotonic() - begin, cpu_seconds(pid) - before, len(agent.pod_cgroups()), len(agent.mounts()), len(agent.processes())))


main()
