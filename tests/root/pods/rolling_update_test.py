# SPDX-License-Identifier: Apache-2.0
"""A small web Deployment on the machine's network is replaced under constant requests, and none of them fails. All its servers listen on one
port (SO_REUSEPORT). A server that comes warms up before it listens: without the readiness gate there would be a time with no listener. A
server that goes leaves connections behind that it has not accepted: net.ipv4.tcp_migrate_req gives them to the others. That setting is of
a network namespace, so the agent has one of its own."""
import ctypes
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, skip_case, wait_for  # noqa: E402
from workloads import deployment, get, wait_pods, wait_rolled_out  # noqa: E402

CLONE_NEWNET = 0x40000000
PORT = 8080
SERVER = """
import os, signal, socket, sys, time
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
time.sleep(1)
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
server.bind(("127.0.0.1", %d))
server.listen(128)
server.settimeout(0.05)
open(os.environ["READY"] + "/" + os.environ["POD"], "w").close()
while not ending:
    try:
        peer, _ = server.accept()
    except socket.timeout:
        continue
    with peer:
        peer.settimeout(10)
        text = b""
        while b"\\r\\n\\r\\n" not in text:
            text += peer.recv(4096)
        body = os.environ["V"].encode()
        peer.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %%d\\r\\n\\r\\n" %% len(body) + body)
""" % PORT


def network_of_its_own():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        os._exit(99)


def into_network_of(pid):
    """For a thread: it stays there."""
    with open("/proc/%d/ns/net" % pid) as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


class Client(threading.Thread):
    """Asks again and again, each time over a new connection."""

    def __init__(self, pid, port):
        super().__init__(daemon=True)
        self.pid, self.port = pid, port
        self.failures, self.answers, self.done = [], [], False
        self.start()

    def run(self):
        into_network_of(self.pid)
        while not self.done:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as peer:
                    peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    text = b""
                    while piece := peer.recv(4096):
                        text += piece
                if not text.startswith(b"HTTP/1.0 200"):
                    raise OSError("found %r" % text)
                self.answers.append(text.rsplit(b"\n", 1)[-1].decode())
            except OSError as error:
                self.failures.append((len(self.answers), str(error)))

    def end(self):
        self.done = True
        self.join()


def web(agent, value):
    ready = agent.work + "/ready"
    os.makedirs(ready, exist_ok=True)
    lines = ("env: [{name: V, value: %s}, {name: READY, value: %s}, {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]\n"
             "readinessProbe: {exec: {command: [sh, -c, 'test -e /ready/$POD']}, periodSeconds: 1}\n"
             "volumeMounts: [{name: host, mountPath: /host}, {name: ready, mountPath: /ready}]\n" % (value, ready))
    spec = "hostNetwork: true\nvolumes: [{name: host, hostPath: {path: /}}, {name: ready, hostPath: {path: %s}}]\n" % ready
    return deployment(replicas=2, spec="strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n", lines=lines, spec_of_pod=spec, grace=20,
                      command=["chroot", "/host", os.path.realpath(sys.executable), "-c", SERVER])


def test_no_request_fails_while_all_pods_are_replaced():
    with Agent() as agent:
        agent.start(wait=False, prepare=network_of_its_own)
        wait_for("the agent", lambda: agent.mete("ps", check=False).returncode == 0)
        inside = ["nsenter", "--net=/proc/%d/ns/net" % agent.process.pid]
        subprocess.run(inside + ["ip", "link", "set", "lo", "up"], check=True)
        if subprocess.run(inside + ["sysctl", "-qw", "net.ipv4.tcp_migrate_req=1"]).returncode != 0:
            skip_case("this kernel cannot give a listener's connections to another one (Linux 5.14)")
        if "readinessProbe` is not acted on" in agent.apply(web(agent, "one")).stderr:
            skip_case("this build has no probes")
        wait_rolled_out(agent, "deploy/web")
        old = wait_pods(agent, "web", 2)
        clients = [Client(agent.process.pid, PORT) for _ in range(3)]
        try:
            wait_for("answers", lambda: all(len(each.answers) > 20 for each in clients))
            agent.apply(web(agent, "two"))
            wait_rolled_out(agent, "deploy/web")
            wait_for("the old ones to be gone", lambda: not set(old) & {each["metadata"]["name"] for each in get(agent, "pods")})
            wait_for("answers of the new ones alone", lambda: all(each.answers[-5:] == ["two"] * 5 for each in clients))
        finally:
            for each in clients:
                each.end()
        assert not any(each.failures for each in clients), [each.failures[:3] for each in clients]
        assert all({"one", "two"} == set(each.answers) for each in clients)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
