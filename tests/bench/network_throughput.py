# SPDX-License-Identifier: Apache-2.0
"""What passes mete's bridge and a published port, and how long a round trip takes, beside docker's of the same in the same run.
tests/bench/network_throughput.py [--runs N] [--seconds S]

Two pods of mete and two containers of docker. Each engine is in a network namespace of its own, as on a machine of its own, with another
machine at the other end of a cable: in one namespace every packet would also pass the other engine's rules. The same program sends and receives in all of them: one TCP connection with pieces of 256 KiB, then 4,000 round trips of one byte. Ways in turn:
from one container to the other (the bridge), and from the other machine to a published port. mete and docker take turns; shown are medians
over all runs, and for a round trip also the median of the runs' 99th percentiles. On a machine with other work the best run says more.
"""
import argparse
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from docker_daemon import Docker  # noqa: E402
from mete_agent import Agent  # noqa: E402
from own_network import HOST, libc, neighbours  # noqa: E402
from pods import documents, launch, pod  # noqa: E402

PORT = 5201
SERVE = """
import socket, sys
with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as server:
    print("ready", flush=True)
    while True:
        peer = server.accept()[0]
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        room = bytearray(1 << 20)
        if peer.recv(1) == b"s":
            while peer.recv_into(room):
                pass
        else:
            while peer.recv_into(room, 1):
                peer.send(b"x")
        peer.close()
"""
ASK = """
import socket, sys, time
address, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
peer = socket.create_connection((address, port), timeout=10)
piece = bytes(256 << 10)
peer.send(b"s")
begin = time.monotonic()
sent = 0
while time.monotonic() - begin < seconds:
    peer.sendall(piece)
    sent += len(piece)
speed = sent / (time.monotonic() - begin)
peer.close()
peer = socket.create_connection((address, port), timeout=10)
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
peer.send(b"r")
trips = []
for _ in range(4000):
    begin = time.perf_counter()
    peer.send(b"x")
    peer.recv(1)
    trips.append(time.perf_counter() - begin)
trips.sort()
print(speed, trips[len(trips) // 2], trips[len(trips) * 99 // 100])
"""


class Side:
    """Where a server and a client are: processes by whose network namespaces they are entered."""

    def __init__(self, server, client, address, published):
        self.server, self.client, self.address, self.published = server, client, address, published
        self.process = subprocess.Popen(["nsenter", "-t", str(server), "-n", "python3", "-c", SERVE, str(PORT)], stdout=subprocess.PIPE, text=True,
                                        preexec_fn=lambda: libc.prctl(1, 9))
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, way, seconds):
        pid, address, port = (self.client, self.address, PORT) if way == "bridge" else (neighbours[0].process.pid, HOST, self.published)
        said = subprocess.run(["nsenter", "-t", str(pid), "-n", "python3", "-c", ASK, address, str(port), str(seconds)], check=True, stdout=subprocess.PIPE, text=True).stdout
        return [float(each) for each in said.split()]


def mete_side(agent):
    launch(agent, documents(pod("server", lines="ports: [{containerPort: %d, hostPort: 9001}]" % PORT), pod("client")), "server", "client")
    return Side(agent.container("server")["pid"], agent.container("client")["pid"], agent.pod("server")["podIP"], 9001)


def docker_side(docker):
    server = docker.inspect(docker.launch(["/bin/busybox", "sleep", "1000"], ports={PORT: 9002}))
    client = docker.inspect(docker.launch(["/bin/busybox", "sleep", "1000"]))
    return Side(server["State"]["Pid"], client["State"]["Pid"], server["NetworkSettings"]["IPAddress"], 9002)


def show(way, name, turns):
    speed, middle, late = [statistics.median(each[i] for each in turns) for i in range(3)]
    best = max(each[0] for each in turns), min(each[2] for each in turns)
    print("%-15s %-7s %6.2f Gbit/s (best %6.2f)   round trip p50 %6.1f us  p99 %6.1f us (best %6.1f)"
          % (way, name, speed * 8 / 1e9, best[0] * 8 / 1e9, middle * 1e6, late * 1e6, best[1] * 1e6), flush=True)
    return speed, late


def serve(side, turns):
    """In the engine's own process: each question on the pipe is a turn; none is the end."""
    turns.send(None)
    while question := turns.recv():
        turns.send(side.ask(*question))


def run_mete(turns):
    own_network.enter()
    with Agent() as agent:
        agent.start("--network", "bridge")
        serve(mete_side(agent), turns)


def run_docker(turns):
    own_network.enter()
    with tempfile.TemporaryDirectory() as work, Docker(work) as docker:
        serve(docker_side(docker), turns)


class Engine:
    def __init__(self, run):
        self.pipe, given = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.run, args=(run, given))
        self.process.start()
        given.close()
        self.pipe.recv()

    def run(self, run, given):
        self.pipe.close()
        run(given)

    def ask(self, *question):
        self.pipe.send(question)
        return self.pipe.recv()

    def end(self):
        self.pipe.send(None)
        self.process.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--verbose", action="store_true", help="each run, too")
    options = parser.parse_args()
    tempfile.tempdir = "/dev/shm"
    engines = {"mete": Engine(run_mete)}
    try:
        if shutil.which("dockerd"):
            engines["docker"] = Engine(run_docker)
        for way in ("bridge", "published port"):
            turns = {name: [] for name in engines}
            for run in range(options.runs):
                for name in sorted(engines, reverse=run % 2 == 1):
                    turns[name].append(engines[name].ask(way, options.seconds))
                    if options.verbose:
                        print(way, name, turns[name][-1], flush=True)
            shown = {name: show(way, name, turns[name]) for name in engines}
            if "docker" in shown:
                print("%-15s mete has %.2f of docker's throughput, and %.2f of its p99" % (way, shown["mete"][0] / shown["docker"][0], shown["mete"][1] / shown["docker"][1]))
    finally:
        for engine in engines.values():
            engine.end()


if __name__ == "__main__":
    main()
