# SPDX-License-Identifier: Apache-2.0
"""What measuring a machine full of cgroups costs the agent: one scrape a second, and its CPU time, memory, descriptors.

  agent_cost.py [cgroups...] [--seconds S]     default 213 and 1000 cgroups, 60 s

The cgroups are somebody else's (not the agent's): found by inotify, named like systemd's services, each with one process
in every tenth. For comparison cAdvisor's own figures are 13 % of a core and 62 MB for 213 (monitoring notes of the design).
"""
import argparse
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from mete_agent import Agent, cgroup_mounts, wait_for  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def status(pid, key):
    for line in open("/proc/%d/status" % pid):
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    return 0


class Cgroups:
    """Directories that the test makes and removes, in every hierarchy."""

    def __init__(self, count):
        self.top = "mete-bench-%d.slice" % os.getpid()
        self.names = ["%s/worker-%d.service" % (self.top, i) for i in range(count)]
        self.mounts = cgroup_mounts()
        self.processes = []

    def __enter__(self):
        for mount in self.mounts:
            os.makedirs(mount + "/" + self.top, exist_ok=True)
            for name in self.names:
                os.mkdir(mount + "/" + name)
        for name in self.names[::10]:
            process = subprocess.Popen(["sleep", "3600"])
            self.processes.append(process)
            for mount in self.mounts:
                if "cpuset" not in mount:
                    with open(mount + "/" + name + "/cgroup.procs", "w") as out:
                        out.write(str(process.pid))
        return self

    def __exit__(self, *unused):
        for process in self.processes:
            process.kill()
            process.wait()
        for mount in self.mounts:
            for name in self.names + [self.top]:
                for _ in range(100):
                    try:
                        os.rmdir(mount + "/" + name)
                        break
                    except FileNotFoundError:
                        break
                    except OSError:
                        time.sleep(0.01)


def bench(count, seconds):
    with Cgroups(count), Agent() as agent:
        agent.start()
        pid = agent.process.pid
        wait_for("all cgroups on /metrics", lambda: agent.get("/metrics").count("container_memory_usage_bytes{") >= count, 60, 0.2)
        slowest = [0.0]
        stop = threading.Event()

        def ask():
            while not stop.wait(0.02):
                begin = time.monotonic()
                agent.get("/healthz")
                slowest[0] = max(slowest[0], time.monotonic() - begin)

        asking = threading.Thread(target=ask)
        took = []
        before = cpu_seconds(pid)
        begin = time.monotonic()
        for i in range(seconds):
            time.sleep(max(0.0, begin + i - time.monotonic()))
            start = time.monotonic()
            body = agent.get("/metrics")
            took.append(time.monotonic() - start)
        elapsed = time.monotonic() - begin
        used = cpu_seconds(pid) - before
        asking.start()
        for _ in range(5):
            agent.get("/metrics")
        stop.set()
        asking.join()
        series = sum(1 for line in body.splitlines() if not line.startswith("#"))
        print("%5d cgroups, %6d series, one scrape a second for %d s: CPU %.2f s = %.2f %% of a core; peak memory %.1f MB; %d descriptors; "
              "scrape %.1f ms (median, with the client's own time); slowest /healthz during scrapes %.1f ms"
              % (count, series, seconds, used, 100 * used / elapsed, status(pid, "VmHWM"), len(os.listdir("/proc/%d/fd" % pid)),
                 1000 * sorted(took)[len(took) // 2], 1000 * slowest[0]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cgroups", nargs="*", type=int, default=[213, 1000])
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    for count in arguments.cgroups:
        bench(count, arguments.seconds)


if __name__ == "__main__":
    main()
