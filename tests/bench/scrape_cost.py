# SPDX-License-Identifier: Apache-2.0
"""What a scrape of many Pods costs the agent in CPU time, beside a floor that makes the same reads and sends the same bytes
(scrape_floor), and beside another build: all in one run, in turn.

  scrape_cost.py [PODS] [--rounds N] [--busy] [--other CHECKOUT]

CHECKOUT is a clone of mete with its own build/release/bin and tests/support. --busy: each container starts a process every
four seconds; without it all sleep. Needs strace, which finds out what one scrape reads."""
import argparse
import collections
import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from cpu_time import of_all_threads
from small_pods import POD, SLEEPS

ROOT = os.path.abspath(__file__).rsplit("/", 3)[0]
BUSY = '[sh, -c, "while sleep 4; do :; done"]'
SETTINGS_EVERY = 10  # seconds, and so scrapes: what changes seldom is read again after them (CollectionOptions::settings_for)
FORMATS = {  # kind of scrape -> request headers
    "text": {},
    "text, gzip": {"Accept-Encoding": "gzip"},
    "OpenMetrics": {"Accept": "application/openmetrics-text;version=1.0.0"},
    "OpenMetrics, gzip": {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "gzip"},
}


def serve(count, command):
    """Runs in a process of its own, by the tests/support and the programs of its checkout: an agent with `count` Pods, until its
    standard input ends."""
    from mete_agent import Agent, wait_for
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Agent() as agent:
        agent.start()
        for index in range(count):
            with open("%s/.small-%d" % (agent.manifests, index), "w") as out:
                out.write(POD % (index, command))
            os.rename("%s/.small-%d" % (agent.manifests, index), "%s/small-%d.yaml" % (agent.manifests, index))
        wait_for("all to run", lambda: agent.log_text().count(" event=Started ") >= count, 600, 0.1)
        print(json.dumps({"pid": agent.process.pid, "address": agent.address}), flush=True)
        sys.stdin.read()


class Served:
    """The agent of a checkout, and its Pods."""

    def __init__(self, checkout, count, command):
        support = checkout + "/tests/support"
        self.process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.path[:0] = [%r, %r]; import scrape_cost; scrape_cost.serve(%d, %r)" % (
                support, os.path.dirname(os.path.abspath(__file__)), count, command)],
            env=dict(os.environ, METE_BIN_DIR=checkout + "/build/release/bin"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told = self.process.stdout.readline()
        if not told:
            raise SystemExit("%s: no agent" % checkout)
        told = json.loads(told)
        self.pid = told["pid"]
        host, port = told["address"].rsplit(":", 1)
        self.address = (host, int(port))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Floor:
    def __init__(self, folder, name, reads, body, gzip):
        paths = []
        for what, content in (("reads", "\n\n".join("\n".join(each) for each in reads).encode()), ("body", body)):
            paths.append("%s/%s-%s" % (folder, name.replace(", ", "-"), what))
            with open(paths[-1], "wb") as out:
                out.write(content)
        self.process = subprocess.Popen([ROOT + "/build/release/bin/scrape_floor", *paths, *(["gzip"] if gzip else [])],
                                        stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.address = ("127.0.0.1", int(self.process.stdout.readline()))

    def close(self):
        self.process.kill()
        self.process.wait()


def fetch(address, headers):
    """The body as it was sent, and how long it took. The answer is only taken, not understood, so that the reader waits for the sender."""
    begin = time.monotonic()
    with socket.create_connection(address) as peer:
        words = {"Host": "mete", "Connection": "close", **headers}
        peer.sendall(("GET /metrics HTTP/1.1\r\n%s\r\n\r\n" % "\r\n".join("%s: %s" % word for word in words.items())).encode())
        pieces, buffer = [], bytearray(2**20)
        while size := peer.recv_into(buffer):
            pieces.append(bytes(buffer[:size]))
    took = time.monotonic() - begin
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"200", head
    return (whole(body) if b"chunked" in head.lower() else body), took


def whole(body):
    """A body in chunks (RFC 9112, 7.1) as one."""
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[end + 2:end + 2 + size])
        at = end + 2 + size + 2


def cost(server, headers):
    """CPU seconds of one scrape."""
    before = of_all_threads(server.pid)
    fetch(server.address, headers)
    time.sleep(0.02)  # what is left to do behind the answer
    return of_all_threads(server.pid) - before


def reads_of_scrapes(server, folder):
    """The files that the collecting thread reads for each of some scrapes, by strace: a list for each scrape, in order. A "+" stands
    before a file that is opened for the reading and closed again."""
    thread = next(task for task in os.listdir("/proc/%d/task" % server.pid)
                  if open("/proc/%d/task/%s/comm" % (server.pid, task)).read() == "mete-collect\n")
    for _ in range(3):  # the first one reads all; from then on the agent knows which counters can have changed
        fetch(server.address, {})
        time.sleep(1)
    trace = folder + "/strace"
    tracer = subprocess.Popen(["strace", "-ttt", "-y", "-e", "trace=openat,pread64,read", "-o", trace, "-p", thread],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(2)
    begins = []
    for turn in range(SETTINGS_EVERY):
        begins.append(time.time())
        fetch(server.address, {})
        time.sleep(max(0, begins[0] + turn + 1 - time.time()))
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    lists, opened = [[] for _ in begins], set()
    with open(trace) as lines:
        for line in lines:
            at, _, call = line.partition(" ")
            if made := re.match(r"openat\(.* = \d+<(/.+)>", call):
                opened.add(made.group(1))
            elif (read := re.match(r"(?:pread64|read)\(\d+<(/[^>]+)>", call)) and float(at) >= begins[0]:
                path = read.group(1)
                if os.path.isfile(path):
                    lists[sum(begin <= float(at) for begin in begins) - 1].append("+" * (path in opened) + path)
                opened.discard(path)
    return lists


def report(kind, costs):
    """Means, since what a scrape reads differs from one to the next."""
    means = {name: 1000 * statistics.mean(each) for name, each in costs.items()}
    line = "%-18s mete %6.1f ms, floor %6.1f ms: %.2f x floor" % (kind, means["mete"], means["floor"], means["mete"] / means["floor"])
    if "other" in means:
        line += "; the other build %6.1f ms: mete / other %.2f" % (means["other"], means["mete"] / means["other"])
    print(line, flush=True)


def measure(servers, folder, rounds):
    mete = servers["mete"]
    reads = reads_of_scrapes(mete, folder)
    for kind, headers in FORMATS.items():
        plain, _ = fetch(mete.address, {name: value for name, value in headers.items() if name != "Accept-Encoding"})
        if kind == "text":
            series = sum(1 for line in plain.splitlines() if line and not line.startswith(b"#"))
            print("%d series, %.1f MiB; a scrape reads %s files" % (series, len(plain) / 2**20, " ".join(str(len(each)) for each in reads)))
        floor = Floor(folder, kind, reads, plain, "Accept-Encoding" in headers)
        costs = collections.defaultdict(list)
        try:
            fetch(floor.address, headers)
            begin = time.monotonic()
            for turn in range(rounds):
                for name, server in {**servers, "floor": floor}.items():
                    costs[name].append(cost(server, headers))
                time.sleep(max(0, begin + turn + 1 - time.monotonic()))
        finally:
            floor.close()
        report(kind, costs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pods", nargs="?", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3 * SETTINGS_EVERY)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--other", metavar="CHECKOUT")
    wanted = parser.parse_args()
    servers = {}
    with tempfile.TemporaryDirectory(prefix="mete-scrape-") as folder:
        try:
            for name, checkout in (("mete", ROOT), ("other", wanted.other)):
                if checkout:
                    servers[name] = Served(os.path.abspath(checkout), wanted.pods, BUSY if wanted.busy else SLEEPS)
            time.sleep(3)
            measure(servers, folder, wanted.rounds)
        finally:
            for server in servers.values():
                server.close()


if __name__ == "__main__":
    main()
