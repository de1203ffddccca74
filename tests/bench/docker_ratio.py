# SPDX-License-Identifier: Apache-2.0
"""How much faster and smaller than docker's engine, with docker's own client. tests/bench/docker_ratio.py [--runs N] [--containers N] [--stats S]

Both engines run on this machine at once, dockerd with containerd and runc, and each command is given to one and then to the other, so that what
else the machine does counts for both. The times are medians of the whole command, from the client's start to its end. What a client needs by itself
is the floor: `docker version`, which asks the engine two small questions. The last column is the ratio of what is above the floor.
Memory is the proportional share (PSS) of the engine and of all that it keeps per container: agent and mete-shim; dockerd, containerd and its shims.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from docker_engines import DockerEngines  # noqa: E402
from runtimes import need  # noqa: E402

ENGINES = "docker", "mete"
TICK = os.sysconf("SC_CLK_TCK")


def command_of(pid):
    try:
        return open("/proc/%d/cmdline" % pid).read().replace("\0", " ")
    except OSError:
        return ""


class Peer:
    """One engine and its client."""

    def __init__(self, name, engines):
        self.name, self.engines = name, engines
        self.env = {**os.environ, "DOCKER_HOST": "unix://" + engines.sockets()[name], "DOCKER_CONFIG": engines.work + "/config-" + name}

    def run(self, *words):
        subprocess.run(["docker", *words], env=self.env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def seconds(self, *words):
        begin = time.monotonic()
        self.run(*words)
        return time.monotonic() - begin

    def processes(self):
        """The engine, and what it keeps for each container; not the containers."""
        if self.name == "mete":
            shims = [pid for pid, command in self.engines.agent.processes() if "mete-shim" in command]
            return [self.engines.agent.process.pid, *shims]
        folder = self.engines.docker.work
        words = "dockerd ", "containerd ", "containerd-shim"
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                if folder in command_of(pid) and any(each in command_of(pid) for each in words)]

    def memory(self):
        total = 0
        for pid in self.processes():
            with open("/proc/%d/smaps_rollup" % pid) as rollup:
                total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        return total / 1024

    def cpu(self):
        total = 0
        for pid in self.processes():
            fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def cpu_of_stats(self, seconds):
        """Of the engine, in percent of one CPU, beyond what it takes without a client that looks on."""
        def used():
            begin = self.cpu()
            time.sleep(seconds)
            return (self.cpu() - begin) / seconds * 100
        idle = used()
        with subprocess.Popen(["docker", "stats"], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as stats:
            time.sleep(3)  # its first answers
            busy = used()
            stats.kill()
        return busy - idle


def measure(peers, runs, *words):
    """Engine -> milliseconds."""
    times = {peer.name: [] for peer in peers}
    for _ in range(runs):
        for peer in peers:
            times[peer.name].append(peer.seconds(*words))
    return {name: statistics.median(each) * 1000 for name, each in times.items()}


def show(what, unit, found, floor=None):
    docker, mete = (found[each] for each in ENGINES)
    line = "%-34s %10.1f %10.1f %-4s %7.1f" % (what, docker, mete, unit, docker / max(mete, 1e-6))
    if floor:
        above = [found[each] - floor[each] for each in ENGINES]
        line += " %15s" % ("%.1f" % (above[0] / above[1]) if above[1] > 0.1 else "no more than it")
    print(line, flush=True)


def main():
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--runs", type=int, default=15)
    line.add_argument("--containers", type=int, default=500)
    line.add_argument("--stats", type=float, default=20, help="seconds for which docker stats runs")
    options = line.parse_args()
    need("dockerd", "docker", "containerd", "runc", "iptables")
    own_network.enter()
    with DockerEngines() as engines:
        peers = [Peer(name, engines) for name in ENGINES]
        print("%-34s %10s %10s %-4s %7s %15s" % ("", "dockerd", "mete", "", "ratio", "above the floor"))
        floor = measure(peers, options.runs, "version")
        show("docker version (the floor)", "ms", floor)
        show("docker run --rm", "ms", measure(peers, options.runs, "run", "--rm", "busybox", "true"), floor)
        show("docker run --rm --network none", "ms", measure(peers, options.runs, "run", "--rm", "--network", "none", "busybox", "true"), floor)
        for peer in peers:
            peer.run("run", "-d", "--network", "none", "--name", "one", "busybox", "sleep", "100000")
        show("docker exec", "ms", measure(peers, options.runs, "exec", "one", "true"), floor)
        for number in range(options.containers - 1):
            for peer in peers:
                peer.run("run", "-d", "--network", "none", "--name", "c%d" % number, "busybox", "sleep", "100000")
        many = "with %d containers" % options.containers
        show("docker ps, " + many, "ms", measure(peers, options.runs, "ps"), floor)
        show("memory, " + many, "MiB", {peer.name: peer.memory() for peer in peers})
        show("CPU of docker stats, " + many, "%", {peer.name: peer.cpu_of_stats(options.stats) for peer in peers})


if __name__ == "__main__":
    main()
