# SPDX-License-Identifier: Apache-2.0
"""A network namespace of the test's own, which the agent and everything else that it starts are in: the machine's network is untouched. With a
neighbour: another machine, which is a second namespace at the other end of a cable."""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

from mete_agent import need_root, skip, wait_for

CLONE_NEWNET = 0x40000000
HOST, NEIGHBOUR = "192.0.2.1", "192.0.2.2"
HOST6, NEIGHBOUR6 = "2001:db8::1", "2001:db8::2"
libc = ctypes.CDLL(None, use_errno=True)
neighbours = []


def run(*words, check=True, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise AssertionError("%s: exit %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr))
    return done


def enter():
    """Called once, before the first test case."""
    need_root()
    for tool in ("ip", "nft"):
        if subprocess.run(["which", tool], stdout=subprocess.DEVNULL).returncode != 0:
            skip("needs %s" % tool)
    if libc.unshare(CLONE_NEWNET) != 0:
        skip("cannot make a network namespace: %s" % os.strerror(ctypes.get_errno()))
    run("ip", "link", "set", "lo", "up")
    neighbours.append(Neighbour())


class Neighbour:
    """Another machine. This one is its HOST, by the device "cable", and its way to everywhere."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "1000"], preexec_fn=lambda: libc.prctl(1, signal.SIGKILL))
        own = os.readlink("/proc/self/ns/net")
        wait_for("the neighbour", lambda: os.readlink("/proc/%d/ns/net" % self.process.pid) != own)
        run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(self.process.pid))
        for words in ("addr add %s/24 dev cable" % HOST, "-6 addr add %s/64 dev cable nodad" % HOST6, "link set cable up"):
            run("ip", *words.split())
        for words in ("link set lo up", "addr add %s/24 dev cable" % NEIGHBOUR, "-6 addr add %s/64 dev cable nodad" % NEIGHBOUR6, "link set cable up",
                      "route add default via %s" % HOST, "-6 route add default via %s" % HOST6):
            self.run("ip", *words.split())

    def run(self, *words, **how):
        return run("nsenter", "-t", str(self.process.pid), "-n", *words, **how)

    def get(self, address, port, seconds=2):
        return self.run("python3", "-c", GET, address, str(port), str(seconds), check=False).stdout


GET = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3])) as peer:
        peer.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        while True:
            data = peer.recv(4096)
            if not data:
                break
            sys.stdout.write(data.decode())
except OSError as error:
    print("failed:", error)
"""


def get(address, port, seconds=2):
    """What a server answers, from this machine."""
    return run("python3", "-c", GET, address, str(port), str(seconds), check=False).stdout


def inside(container, *words, **how):
    """A command of this machine in the network of a running container."""
    return run("nsenter", "-t", str(container["pid"]), "-n", *words, **how)


def devices():
    return sorted(line.split(":")[1].split("@")[0].strip() for line in run("ip", "-o", "link").stdout.splitlines())


def tables():
    return sorted(line.strip() for line in run("nft", "list", "tables").stdout.splitlines())


def flows():
    return open("/proc/self/net/nf_conntrack").read().splitlines()


SERVER = "mkdir -p /www; echo hello-from-%s > /www/index.html; exec httpd -f -p 8080 -h /www"


UDP_SERVE = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
while True:
    server.sendto(b"pong\\n", server.recvfrom(100)[1])
"""
UDP_ASK = """
import socket, sys
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(5)
peer.sendto(b"ping\\n", (sys.argv[1], int(sys.argv[2])))
sys.stdout.write(peer.recv(100).decode())
"""


@contextlib.contextmanager
def udp_server(container, port):
    """Answers each datagram to a container's port with "pong"."""
    with subprocess.Popen(["nsenter", "-t", str(container["pid"]), "-n", "python3", "-c", UDP_SERVE, str(port)], stdout=subprocess.PIPE, text=True,
                          preexec_fn=lambda: libc.prctl(1, signal.SIGKILL)) as server:
        assert server.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            server.kill()


def udp_answer(address, port, seconds=5):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(0.5)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            peer.sendto(b"ping\n", (address, port))
            try:
                return peer.recv(100).decode()
            except OSError:
                pass
    return ""
