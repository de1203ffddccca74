# SPDX-License-Identifier: Apache-2.0
"""docker with its own bridge and its rules of iptables beside mete's networks, started before it and after it: the published ports of both
answer, containers of both reach the world, and docker's reach no port of a pod but by the machine."""
import contextlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from docker_daemon import Docker  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for, write  # noqa: E402
from own_network import HOST, NEIGHBOUR, SERVER, neighbours, run  # noqa: E402
from pods import launch, pod  # noqa: E402

METE_PORT, DOCKER_PORT = 8501, 8502
# What docker's documentation calls the chain for rules of others, which it makes and keeps.
USER_RULES = (("-i", "mete0", "!", "-o", "docker0"), ("-o", "mete0"))


def forwards(value=None):
    path = "/proc/sys/net/ipv4/ip_forward"
    if value is not None:
        open(path, "w").write(str(value))
    return open(path).read().strip() == "1"


CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1)"


def connects(pid, address, port):
    return subprocess.run(["nsenter", "-t", str(pid), "-n", "python3", "-c", CONNECT, address, str(port)], stderr=subprocess.DEVNULL).returncode == 0


class Both:
    """A server of each, and the way to them."""

    def __init__(self, agent, docker):
        launch(agent, pod("web", SERVER % "mete", "ports: [{containerPort: 8080, hostPort: %d}]" % METE_PORT))
        self.agent, self.docker = agent, docker
        www = agent.work + "/www"
        os.makedirs(www)
        write(www + "/index.html", "hello-from-docker\n")
        self.name = docker.launch(["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"], binds=[www + ":/www:ro"], ports={8080: DOCKER_PORT})
        told = docker.inspect(self.name)
        self.docker_pid = told["State"]["Pid"]

    def mete_works(self):
        own = self.agent.container("web")["pid"]
        wait_for("mete's published port", lambda: "hello-from-mete" in neighbours[0].get(HOST, METE_PORT))
        wait_for("the way out of mete's pod", lambda: connects(own, NEIGHBOUR, 7000))

    def docker_works(self):
        wait_for("docker's published port", lambda: "hello-from-docker" in neighbours[0].get(HOST, DOCKER_PORT))
        wait_for("the way out of docker's container", lambda: connects(self.docker_pid, NEIGHBOUR, 7000))

    def apart(self):
        """What a pod reaches of docker's is docker's own affair: it lets others reach a container directly."""
        assert not connects(self.docker_pid, self.agent.pod("web")["podIP"], 8080), "docker's container reaches a port of the pod that is not published"


@contextlib.contextmanager
def server_outside():
    process = subprocess.Popen(["nsenter", "-t", str(neighbours[0].process.pid), "-n", "python3", "-m", "http.server", "7000"], cwd="/proc",
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: own_network.libc.prctl(1, 9))
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_mete_first():
    forwards(0)
    with server_outside(), Agent().start("--network", "bridge") as agent:
        launch(agent, pod("first"), "first")
        with Docker(agent.work) as docker:
            both = Both(agent, docker)
            both.mete_works()
            both.docker_works()
            both.apart()
            agent.kill()
            both.docker_works()
            agent.start("--network", "bridge")
            both.mete_works()
            both.docker_works()
            docker.remove(both.name)
        # docker has gone; its rules stay, as it leaves them.
        both.mete_works()


def with_docker_first(prepare):
    with server_outside(), Agent() as agent, Docker(agent.work) as docker:
        prepare()
        agent.start("--network", "bridge")
        both = Both(agent, docker)
        both.docker_works()
        both.mete_works()
        both.apart()
        rules = run("iptables", "-S").stdout
        agent.mete("delete", "web")
        agent.stop()
        both.docker_works()
        assert run("iptables", "-S").stdout == rules, "docker's rules are its own"


def test_docker_first_where_the_machine_forwards_already():
    for words in ("-P FORWARD ACCEPT", "-F DOCKER-USER"):
        run("iptables", *words.split(), check=False)
    forwards(1)
    with_docker_first(lambda: None)


def test_docker_first_where_it_has_closed_forwarding():
    """It found ip_forward off, so it drops what it does not know: docs/networks.md has the two rules for its chain of others' rules."""
    forwards(0)

    def open_it():
        if "-P FORWARD DROP" not in run("iptables", "-S", "FORWARD").stdout:
            return
        for words in USER_RULES:
            run("iptables", "-I", "DOCKER-USER", *words, "-j", "ACCEPT")
    with_docker_first(open_it)


if __name__ == "__main__":
    own_network.enter()
    for tool in ("dockerd", "iptables"):
        if shutil.which(tool) is None:
            skip("needs %s" % tool)
    run_tests(sys.modules[__name__])
