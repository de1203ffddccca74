# SPDX-License-Identifier: Apache-2.0
"""What measuring a machine full of cgroups costs the agent: one scrape a second, and its CPU time, memory, descriptors.

  agent_cost.py [cgroups...] [--seconds S] [--gzip]     default 213 and 1000 cgroups, 60 s, a body that is not compressed

The cgroups are somebody else's (not the agent's): found by inotify, named like systemd's services, each with one process
in every tenth. For comparison cAdvisor's own figures are 13 % of a core and 62 MB for 213 (monitoring notes of the design).
"""
import argparse
import os
import subprocess
import sys
import threading
import time
import urllib.request
import zlib

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cpu_time import by_thread  # noqa: E402
from mete_agent import Agent, cgroup_mounts, wait_for  # noqa: E402

WINDOW = 10  # seconds: settings are read every 10 s, so each window holds all that is done


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


def scrape(agent, gzip):
    """As Prometheus does, which asks for gzip."""
    request = urllib.request.Request("http://%s/metrics" % agent.address, headers={"Accept-Encoding": "gzip"} if gzip else {})
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
    return (zlib.decompress(body, 31) if gzip else body).decode()


def bench(count, seconds, gzip):
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
        marks = [by_thread(pid)]
        begin = time.monotonic()
        for i in range(seconds):
            time.sleep(max(0.0, begin + i - time.monotonic()))
            start = time.monotonic()
            body = scrape(agent, gzip)
            took.append(time.monotonic() - start)
            if (i + 1) % WINDOW == 0:
                time.sleep(max(0.0, begin + i + 0.9 - time.monotonic()))
                marks.append(by_thread(pid))
        names = sorted(marks[-1])
        used = {name: marks[-1][name] - marks[0].get(name, 0) for name in names}
        windows = [sum(b.values()) - sum(a.values()) for a, b in zip(marks, marks[1:])]
        peak = status(pid, "VmHWM")  # without /healthz beside it
        asking.start()
        for _ in range(5):
            agent.get("/metrics")
        stop.set()
        asking.join()
        series = sum(1 for line in body.splitlines() if not line.startswith("#"))
        print("%5d cgroups, %6d series, one %sscrape a second for %d s: CPU %.2f %% of a core (%s), %.2f %% in the %d s with the least noise; "
              "resident %.1f MB at the peak, now %.1f MB (%.1f of its own, %.1f of files); %d descriptors; "
              "scrape %.1f ms (median, with the client's own time); slowest /healthz during scrapes %.1f ms"
              % (count, series, "gzip " if gzip else "", seconds, 100 * sum(used.values()) / seconds,
                 ", ".join("%s %.2f" % (name, 100 * used[name] / seconds) for name in names), 100 * min(windows) / WINDOW, WINDOW,
                 peak, status(pid, "VmRSS"), status(pid, "RssAnon"), status(pid, "RssFile"), len(os.listdir("/proc/%d/fd" % pid)),
                 1000 * sorted(took)[len(took) // 2], 1000 * slowest[0]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cgroups", nargs="*", type=int, default=[213, 1000])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--gzip", action="store_true")
    arguments = parser.parse_args()
    for count in arguments.cgroups:
        bench(count, max(WINDOW, arguments.seconds // WINDOW * WINDOW), arguments.gzip)


if __name__ == "__main__":
    main()
