# SPDX-License-Identifier: Apache-2.0
"""Pods whose bandwidth is limited: bytes against the clock in both directions, and what is told of it."""
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from own_network import devices, inside, run  # noqa: E402
from pods import documents, launch, pod, policy  # noqa: E402

MEGABYTE = 1 << 20
LIMIT = ", annotations: {kubernetes.io/%s-bandwidth: 16M}"  # 2 MB a second

# In the pod: connects to the machine, and sends or reads as many bytes as it is told.
PEER = """
import socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60)
left = int(sys.argv[4])
while left > 0:
    left -= peer.send(bytes(min(left, 65536))) if sys.argv[3] == "send" else len(peer.recv(65536)) or left
peer.close()
"""


def seconds_for(container, way, size):
    """How long the bytes take between the pod and this machine."""
    with socket.create_server(("10.77.0.1", 0)) as server:
        words = ["nsenter", "-t", str(container["pid"]), "-n", "python3", "-c", PEER, "10.77.0.1", str(server.getsockname()[1]), way, str(size)]
        with subprocess.Popen(words) as peer:
            connection = server.accept()[0]
            begin = time.monotonic()
            if way == "send":
                while connection.recv(65536):
                    pass
            else:
                connection.sendall(bytes(size))
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(1) == b""
            took = time.monotonic() - begin
            connection.close()
            assert peer.wait(60) == 0
    return took


def test_both_directions_are_held():
    with Agent().start("--network", "bridge") as agent:
        launch(agent, documents(pod("out", metadata=LIMIT % "egress"), pod("in", metadata=LIMIT % "ingress"), pod("free")), "out", "in", "free")
        size = 5 * MEGABYTE
        for name, way, other in (("out", "send", "receive"), ("in", "receive", "send")):
            container = agent.container(name)
            held, free = seconds_for(container, way, size), seconds_for(container, other, size)
            # 2,000,000 bytes a second but for a burst and a queue; TCP leaves a part of it unused.
            assert 2.1 < held < 6, (name, held)
            assert free < held / 2, (name, "the other direction", free)
        assert seconds_for(agent.container("free"), "send", size) < 2
        directions = {"out": "egress", "in": "ingress"}
        for name, direction in directions.items():
            assert agent.metric("mete_network_bandwidth_limit_bytes", pod=name, direction=direction) == 2_000_000
            wait_for("its count", lambda: agent.metric("mete_network_bandwidth_delayed_packets_total", pod=name, direction=direction) > 0, 30)  # noqa: B023
        told = {each["pod"]: each["message"] for each in agent.events("NetworkThrottled")}
        assert set(told) == {"default/in", "default/out"} and "sends" in told["default/out"] and "receives" in told["default/in"], told


def queues(device):
    return run("tc", "qdisc", "show", "dev", device, check=False).stdout


def shapers():
    """Devices that hold what pods send."""
    return [each for each in devices() if re.fullmatch("mti[0-9a-f]{10}", each)]


def test_what_is_sent_is_held_out_of_the_containers_reach():
    with Agent().start("--network", "bridge") as agent:
        launch(agent, pod("out", metadata=LIMIT % "egress", lines="securityContext: {capabilities: {add: [NET_ADMIN]}}"), "out")
        container = agent.container("out")
        assert "tbf" not in inside(container, "tc", "qdisc", "show").stdout, "nothing of it is in the container"
        inside(container, "tc", "qdisc", "del", "dev", "eth0", "root", check=False)
        assert 2.1 < seconds_for(container, "send", 5 * MEGABYTE) < 6
        assert len(shapers()) == 1
        agent.mete("delete", "out")
        wait_for("the end of its devices", lambda: not shapers() and agent.pod("out") is None)


def test_a_device_of_an_earlier_agent_gets_its_name():
    with Agent().start("--network", "bridge") as agent:
        launch(agent, pod("out", metadata=LIMIT % "egress"), "out")
        now = shapers()[0]
        agent.kill()
        before = "mtb" + now[3:]  # the name had the first letters of bridges
        for words in (["set", now, "down"], ["set", now, "name", before], ["set", before, "up"], ["add", before[:5] + "00000000", "type", "ifb"]):
            run("ip", "link", *words)
        agent.start("--network", "bridge")
        wait_for("its name", lambda: shapers() == [now] and not [each for each in devices() if each.startswith(before[:5])])
        assert "rate 16Mbit" in queues(now) and 2.1 < seconds_for(agent.container("out"), "send", 5 * MEGABYTE) < 6


def test_a_limit_changes_on_a_running_pod():
    with Agent().start("--network", "bridge") as agent:
        agent.apply(pod("web"))
        before = launch(agent, pod("web"), "web")
        limit = lambda direction: agent.metric("mete_network_bandwidth_limit_bytes", pod="web", direction=direction)  # noqa: E731
        agent.apply(policy("  network: {ingress: 16M, egress: 16M, burst: 64Ki}"))
        wait_for("the policy", lambda: limit("egress") == 2_000_000 and limit("ingress") == 2_000_000)
        wait_for("the queue", lambda: shapers() and "rate 16Mbit" in queues(shapers()[0]))
        assert 2.1 < seconds_for(before, "send", 5 * MEGABYTE) < 6
        # What the pod asks for is below the policy's bound, or has no effect.
        told = agent.mete("update", "web", "--network-opt", "egress=8M", "--network-opt", "ingress=1G")
        assert told.returncode == 0, told
        wait_for("the update", lambda: limit("egress") == 1_000_000 and limit("ingress") == 2_000_000)
        wait_for("the queue", lambda: "rate 8Mbit" in queues(shapers()[0]))
        # The manifest's annotation ends what `mete update` said.
        agent.apply(pod("web", metadata=LIMIT % "egress"))
        wait_for("the manifest", lambda: limit("egress") == 2_000_000)
        agent.kill()
        agent.start("--network", "bridge")
        wait_for("the next agent", lambda: limit("egress") == 2_000_000)
        assert len(shapers()) == 1, devices()
        agent.apply(pod("web"))
        agent.mete("delete", "-f", "-", text=policy("  network: {ingress: 16M}"))
        wait_for("the end of the limits", lambda: limit("egress") is None and limit("ingress") is None and not shapers())
        assert "tbf" not in run("tc", "qdisc", "show").stdout
        assert agent.container("web")["pid"] == before["pid"], "one and the same container"
        refused = agent.mete("update", "web", "--network-opt", "egress=fast", check=False)
        assert refused.returncode != 0 and "bits a second from 1k to 1P" in refused.stderr, refused


def test_a_policy_that_cannot_hold_says_so():
    with Agent().start("--network", "bridge") as agent:
        launch(agent, pod("web", spec="hostNetwork: true"), "web")
        agent.apply(policy("  network: {egress: 16M}"))
        assert "machine's network" in agent.event("NotEnforced")["message"]
        refused = agent.mete("update", "web", "--network-opt", "egress=8M", check=False)
        assert refused.returncode != 0 and "machine's network" in refused.stderr, refused


def test_driver_options_as_docker_has_them():
    with Agent().start("--network", "bridge") as agent:
        agent.mete("run", "-d", "--name", "web", "--network-opt", "egress=16M", "busybox", "sleep", "1000")
        wait_for("its shaper", lambda: shapers() and "rate 16Mbit" in queues(shapers()[0]))
        refused = agent.mete("run", "-d", "--network-opt", "mtu=9000", "busybox", "sleep", "1", check=False)
        assert refused.returncode == 125 and "expected ingress=BITS" in refused.stderr, refused
        assert agent.mete("rm", "-f", "web").returncode == 0
        wait_for("its end", lambda: not shapers())


def test_what_is_no_amount_is_refused():
    with Agent().start("--network", "none") as agent:
        for word in ("fast", "10", "2P"):
            refused = agent.mete("apply", "-f", "-", text=pod("web", metadata=", annotations: {kubernetes.io/egress-bandwidth: '%s'}" % word), check=False)
            assert refused.returncode != 0 and "bits a second from 1k to 1P" in refused.stderr, refused


def test_drivers_that_there_are_not():
    with Agent().start("--network", "bridge") as agent:
        for driver, why in (("overlay", "expected network.overlay.etcd in agent.yaml"), ("other", "expected bridge")):
            refused = agent.mete("network", "create", "-d", driver, "shop", check=False)
            assert refused.returncode != 0 and why in refused.stderr, refused
        assert agent.mete("network", "create", "-d", "bridge", "shop").stdout == "shop\n"


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
