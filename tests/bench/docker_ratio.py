# SPDX-License-Identifier: Apache-2.0
"""How much faster and smaller than docker's engine, with docker's own client. tests/bench/docker_ratio.py [--runs N] [--containers N] [--stats S]

Both engines run on this machine at once, dockerd with containerd and runc, and each command is given to one and then to the other, so that what
else the machine does counts for both. The times are medians of the whole command, from the client's start to its end. What a client needs by itself
is the floor: `docker version`, which asks the engine two small questions. The last column is the ratio of what is above the floor. The floor of
`docker ps` is the same command against a server that has mete's answer ready: what the client does with so many rows is neither engine's time.
`GET /containers/json` is what the engines themselves spend on the list, in CPU time of all their threads.
Memory is the proportional share (PSS) of the engine and of all that it keeps per container: agent and mete-shim; dockerd, containerd and its shims.
"""
import argparse
import http.client
import http.server
import os
import socket
import socketserver
import statistics
import subprocess
import sys
import threading
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

    def ask(self, path):
        connection = http.client.HTTPConnection("docker")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.engines.sockets()[self.name])
        connection.request("GET", path)
        body = connection.getresponse().read()
        connection.close()
        return body

    def cpu_of_list(self, times=40):
        """Milliseconds of CPU of the engine for one list of what runs."""
        clocks = [(~pid << 3) | 2 for pid in self.processes()]  # of a whole process (include/linux/posix-timers.h, CPUCLOCK_SCHED)

        def used():
            return sum(time.clock_gettime_ns(each) for each in clocks) / 1e6
        self.ask("/v1.41/containers/json")
        begin = used()
        for _ in range(times):
            self.ask("/v1.41/containers/json")
        return (used() - begin) / times

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


class Ready:
    """A server of docker's clients that has one answer ready, and does nothing for it: the client's own time. A peer for measure()."""
    name = "ready"

    def __init__(self, work, rows):
        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = rows if self.path.endswith("/containers/json") else b"OK"
                self.send_response(200)
                self.send_header("Api-Version", "1.41")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

            def address_string(self):
                return ""

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
        path = work + "/ready.sock"
        threading.Thread(target=Server(path, Answer).serve_forever, daemon=True).start()
        self.env = {**os.environ, "DOCKER_HOST": "unix://" + path, "DOCKER_CONFIG": work + "/config-ready"}

    run, seconds = Peer.run, Peer.seconds


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
        ready = Ready(engines.work, peers[1].ask("/v1.41/containers/json"))
        found = measure([*peers, ready], options.runs, "ps")
        show("docker ps, the client's own time", "ms", dict.fromkeys(ENGINES, found["ready"]))
        show("docker ps, " + many, "ms", found, dict.fromkeys(ENGINES, found["ready"]))
        show("GET /containers/json, CPU", "ms", {peer.name: peer.cpu_of_list() for peer in peers})
        show("memory, " + many, "MiB", {peer.name: peer.memory() for peer in peers})
        show("CPU of docker stats, " + many, "%", {peer.name: peer.cpu_of_stats(options.stats) for peer in peers})


if __name__ == "__main__":
    main()
