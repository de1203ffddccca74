# SPDX-License-Identifier: Apache-2.0
"""Without swap: a container of ever more anonymous memory, and one that reads a file larger than its limit, are each caught, while a
small server beside them goes on answering. How long its answers took is printed; that all came is what is tested."""
import os
import socket
import statistics
import sys
import threading
import time
import urllib.request

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from hog import eat, hog, read_for_ever  # noqa: E402
from mete_agent import Agent, free_port, run_tests, wait_for  # noqa: E402
from pods import delete, launch, pod, wait_exited  # noqa: E402

SERVER = "echo fine > /tmp/index.html; exec httpd -f -p 127.0.0.1:%d -h /tmp"
ANON = "exec " + eat(400)
FILE = read_for_ever(256, twice=True)


def listens(port):
    with socket.socket() as peer:
        return peer.connect_ex(("127.0.0.1", port)) == 0


class Client(threading.Thread):
    """Asks 100 times a second, and remembers how long each answer took."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.url, self.took, self.failed, self.ended = "http://127.0.0.1:%d/" % port, [], [], False
        self.start()

    def run(self):
        while not self.ended:
            begin = time.monotonic()
            try:
                with urllib.request.urlopen(self.url, timeout=60) as answer:
                    if answer.read() != b"fine\n":
                        self.failed.append("another answer")
            except OSError as error:
                self.failed.append(str(error))
            self.took.append(((begin, time.monotonic() - begin)))
            time.sleep(0.01)

    def between(self, begin, end):
        return [took * 1000 for at, took in self.took if begin <= at <= end]


def shown(name, took):
    if len(took) < 2:
        return print("     %-34s too few answers on a machine so busy" % name)
    centiles = statistics.quantiles(took, n=100, method="inclusive")
    print("     %-34s %5d answers, ms: p50 %6.2f  p99 %6.2f  max %6.2f" % (name, len(took), centiles[49], centiles[98], max(took)))


def test_a_server_answers_while_its_neighbours_are_caught():
    assert len(open("/proc/swaps").read().splitlines()) == 1 or os.environ.get("METE_WITH_SWAP"), "this machine has swap: METE_WITH_SWAP=1 tries it all the same"
    port = free_port()
    kinds = [("an anonymous hog, killed at 90%", ANON, "{at: [{usage: 90%, do: kill-container}]}", "PolicyKill"),
             ("an anonymous hog, held and killed", ANON, "{onOOM: hold, hold: {timeout: 1s, then: kill-container}}", "PolicyKill"),
             ("an anonymous hog, by the kernel", ANON, "{onOOM: kill-container}", "OOMKilled"),
             ("a file thrashes, killed for refaults", FILE, "{thrashing: {refaults: 100%, for: 1s, do: kill-container}}", "PolicyKill"),
             ("a file thrashes, killed for pressure", FILE, "{pressure: {some: 10%, for: 1s, do: kill-container}}", "PolicyKill")]
    with Agent().start() as agent:
        resources = "resources: {requests: {cpu: 500m, memory: 16Mi}, limits: {memory: 16Mi}}"
        launch(agent, pod("server", SERVER % port, resources, "hostNetwork: true"), "server")
        wait_for("the server", lambda: listens(port))
        client = Client(port)
        begin = time.monotonic()
        time.sleep(3)
        shown("alone", client.between(begin, time.monotonic()))
        for name, command, memory, reason in kinds:
            before = len(agent.events(reason))
            begin = time.monotonic()
            agent.apply(hog(command, "  memory: " + memory, memory="128Mi"))
            wait_for("%s to be caught" % name, lambda: len(agent.events(reason)) > before)  # noqa: B023 - called here
            wait_exited(agent, "hog")
            end = time.monotonic()
            shown(name + " (%.1f s)" % (end - begin), client.between(begin, end))
            delete(agent, "hog")
        client.ended = True
        client.join(60)
        server = agent.container("server")
        assert not client.failed, client.failed
        assert server["state"] == "running" and server["restarts"] == 0 and server["oomKills"] == 0, server


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
