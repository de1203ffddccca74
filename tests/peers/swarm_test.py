# SPDX-License-Identifier: Apache-2.0
"""Docker Swarm on two machines whose engines run everything by mete-oci, with an agent on each: what the swarm scales, rolls and drains is measured,
held by policy, and seen by one Prometheus. docs/swarm.md has the same by hand."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from amounts import amount  # noqa: E402
from held_cgroups import hold  # noqa: E402
from leftovers import clean_up, made_cgroup  # noqa: E402
from mete_agent import BIN, Agent, run_tests, skip, wait_for, work_folder  # noqa: E402
from own_network import libc, run  # noqa: E402
from prometheus_peer import Prometheus  # noqa: E402
from runtimes import Docker, need  # noqa: E402

REPLICAS = amount("SWARM_REPLICAS", 8, 50)
SLOW = 300  # for an engine that starts so many containers on a busy machine
ADDRESSES = "192.0.2.1", "192.0.2.2"
PROMETHEUS = """global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
- job_name: mete
  static_configs: [{targets: ["%s", "%s"]}]
"""
# Takes all memory that there is when the file appears.
GROW = """while [ ! -e /tmp/grow ]; do /bin/busybox sleep 0.2; done; exec /bin/busybox awk 'BEGIN { s = "x"; while (1) s = s s }'"""


class Node:
    """A machine: a network namespace, an engine in it whose containers are below a cgroup of its own, and an agent."""

    def __init__(self, number):
        self.number, self.address = number, ADDRESSES[number]
        self.parent = "/mete-swarm-%d-%d" % (os.getpid(), number)
        made_cgroup(self.parent)
        self.work = work_folder("mete-swarm-")
        self.place = subprocess.Popen(["unshare", "-n", "sleep", "100000"], preexec_fn=lambda: libc.prctl(1, signal.SIGKILL))
        own = os.readlink("/proc/self/ns/net")
        wait_for("the namespace", lambda: os.readlink("/proc/%d/ns/net" % self.place.pid) != own)
        self.inside("ip", "link", "set", "lo", "up")
        self.agent = self.engine = None

    def inside(self, *words):
        return run("nsenter", "-t", str(self.place.pid), "-n", *words)

    def start(self):
        self.agent = Agent().start()
        # No firewall and no bridge: the services use the machine's own network. Without a way out a pull fails at once, and the local image is taken.
        self.engine = Docker(self.work, tag="sleeper:1", before=["nsenter", "-t", str(self.place.pid), "-n"],
                             options=["--add-runtime", "mete=" + BIN + "/mete-oci", "--default-runtime", "mete", "--cgroup-parent", self.parent])
        self.engine.__enter__()

    def docker(self, *words):
        return run(*self.engine.client, *words).stdout.strip()

    def close(self):
        if self.agent:
            self.agent.close()
        if self.engine:
            subprocess.run(self.engine.client + ["swarm", "leave", "--force"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            left = subprocess.run(self.engine.client + ["ps", "-aq"], capture_output=True, text=True).stdout.split()
            if left:
                subprocess.run(self.engine.client + ["rm", "-f", *left], stdout=subprocess.DEVNULL)
            self.engine.__exit__()
        self.place.kill()
        self.place.wait()
        clean_up([self.work], [self.parent])

    def tasks(self):
        """The service's containers that this machine's agent measures, by docker's name for them."""
        return {dict(labels)["name"]: value for (name, labels), value in self.agent.metrics().items()
                if name == "container_memory_usage_bytes" and dict(labels).get("id", "").startswith(self.parent + "/") and "name" in dict(labels)}


class Swarm:
    def __enter__(self):
        need("ip", "nsenter")
        self.nodes = []
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        self.nodes = [Node(0), Node(1)]
        self.nodes[0].inside("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(self.nodes[1].place.pid))
        for node in self.nodes:
            node.inside("ip", "addr", "add", node.address + "/24", "dev", "cable")
            node.inside("ip", "link", "set", "cable", "up")
            node.start()
        manager, worker = self.nodes
        manager.docker("swarm", "init", "--advertise-addr", manager.address, "--listen-addr", manager.address + ":2377")
        token = manager.docker("swarm", "join-token", "-q", "worker")
        worker.docker("swarm", "join", "--token", token, "--advertise-addr", worker.address, "--listen-addr", worker.address + ":2377", manager.address + ":2377")

    def __exit__(self, *unused):
        for node in reversed(self.nodes):
            node.close()

    def wait_for_tasks(self, what, are_right):
        def right():
            seen = [node.tasks() for node in self.nodes]
            return seen if are_right(seen) else None
        try:
            return wait_for(what, right, SLOW, 0.5)
        except AssertionError as error:
            tasks = run(*self.nodes[0].engine.client, "service", "ps", "--no-trunc", "web", check=False).stdout
            raise AssertionError("%s; seen: %s\n%s" % (error, [sorted(node.tasks()) for node in self.nodes], tasks)) from error


def check_scaling(swarm):
    manager = swarm.nodes[0]
    manager.docker("service", "create", "--detach", "--quiet", "--no-resolve-image", "--name", "web", "--network", "host", "--replicas", "2",
                   "--limit-memory", "64m", "--limit-cpu", "0.1", "--stop-grace-period", "1s", "--update-parallelism", "4", "sleeper:1", "/bin/busybox", "sh", "-c", GROW)
    swarm.wait_for_tasks("a task on each machine", lambda seen: all(len(each) == 1 for each in seen))
    manager.docker("service", "scale", "--detach", "web=%d" % REPLICAS)
    seen = swarm.wait_for_tasks("all replicas", lambda seen: sum(map(len, seen)) == REPLICAS)
    assert all(name.startswith("web.") for each in seen for name in each), seen
    assert all(len(each) == REPLICAS // 2 for each in seen), [len(each) for each in seen]


def check_one_prometheus(swarm):
    addresses = tuple(node.agent.address for node in swarm.nodes)
    with Prometheus(swarm.nodes[0].agent, configuration=PROMETHEUS % addresses) as prometheus:
        # Each agent measures all of the machine that both nodes are on here.
        for node in swarm.nodes:
            one = 'container_memory_usage_bytes{instance="%s", name=~"web[.].*", id=~"%s/.*"}' % (node.agent.address, node.parent)
            wait_for("both machines in one Prometheus", lambda one=one: prometheus.value("count(%s)" % one) == REPLICAS // 2, SLOW, 0.5)


def told(node):
    return [json.loads(line) for line in node.agent.mete("events", "-o", "json").stdout.splitlines()]


def check_policy(swarm):
    """A limit that docker service has no word for, on the worker's containers only; what one of them does past its memory is told by its name."""
    manager, worker = swarm.nodes
    hold(worker.agent, worker.parent + "/*", "  pids: {max: 33}\n  memory: {onOOM: kill-container}")

    def limits(node):
        folder = "/sys/fs/cgroup/pids" + node.parent
        return {open("%s/%s/pids.max" % (folder, name)).read().strip() for name in os.listdir(folder) if os.path.isdir(folder + "/" + name)}
    wait_for("the worker's tasks to be held", lambda: limits(worker) == {"33"}, SLOW)
    assert limits(manager) == {"max"}, limits(manager)
    victim = worker.docker("ps", "--format", "{{.ID}} {{.Names}}").splitlines()[0].split()
    worker.docker("exec", victim[0], "/bin/touch", "/tmp/grow")
    wait_for("the OOM kill to be told", lambda: [event for event in told(worker) if "OOM" in event["reason"] and victim[0] in event["fields"]["cgroup"]], SLOW)
    # The swarm replaces it, and the replacement is held as well.
    swarm.wait_for_tasks("a replacement", lambda seen: victim[1] not in seen[1] and sum(map(len, seen)) == REPLICAS)
    wait_for("the replacement to be held", lambda: limits(worker) == {"33"}, SLOW)


def check_roll(swarm):
    manager = swarm.nodes[0]
    before = set().union(*(node.tasks() for node in swarm.nodes))
    manager.docker("service", "update", "--detach", "--quiet", "--no-resolve-image", "--limit-memory", "48m", "web")
    seen = swarm.wait_for_tasks("new tasks alone", lambda seen: sum(map(len, seen)) == REPLICAS and not before & set().union(*seen))
    limits = {value for node in swarm.nodes for (name, labels), value in node.agent.metrics().items()
              if name == "container_spec_memory_limit_bytes" and dict(labels).get("name") in set().union(*seen)}
    assert limits == {48 << 20}, limits


def check_drain(swarm):
    manager, worker = swarm.nodes
    identity = worker.docker("info", "--format", "{{.Swarm.NodeID}}")
    manager.docker("node", "update", "--availability", "drain", identity)
    swarm.wait_for_tasks("all tasks on one machine", lambda seen: len(seen[0]) == REPLICAS and not seen[1])
    manager.docker("service", "rm", "web")
    swarm.wait_for_tasks("no task", lambda seen: not any(seen))


def test_a_swarm_on_mete_oci_measured_and_held_on_each_machine():
    if not os.path.isdir("/sys/fs/cgroup/pids"):
        skip("needs cgroup v1's pids controller")
    with Swarm() as swarm:
        for check in (check_scaling, check_one_prometheus, check_policy, check_roll, check_drain):
            check(swarm)
            print("     " + check.__name__)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
