# SPDX-License-Identifier: Apache-2.0
"""A pod that runs leaves its own network, for a further one or for none, and comes back."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from own_network import SERVER, get, run  # noqa: E402
from pods import delete, documents, launch, pod  # noqa: E402

PORT = 8471


def bridged():
    return Agent().start("--network", "bridge")


def front(agent):
    agent.mete("network", "create", "--subnet", "10.92.0.0/24", "back")
    server = pod("front", SERVER % "front", "ports: [{containerPort: 8080, hostPort: %d}]" % PORT)
    launch(agent, documents(server, pod("db", metadata=", annotations: {mete/network: back}")), "front", "db")
    reach()
    return agent.pod("front")["podIP"]


def reach():
    return wait_for("the port to answer", lambda: "hello-from-front" in get("127.0.0.1", PORT))


def look(agent, *words):
    return agent.mete("exec", "front", "--", *words).stdout


def links(agent):
    return sorted(look(agent, "ls", "/sys/class/net").split())


def end(agent, *pods):
    delete(agent, *pods)
    wait_for("nobody to be in it", lambda: agent.mete("network", "rm", "back", check=False).returncode == 0)
    assert os.listdir(agent.state + "/networks/endpoints") == []


def check_back(agent, device):
    """It is in network back alone, whose is all that a pod has of its own network."""
    assert links(agent) == [device, "lo"], links(agent)
    found = agent.pod("front")
    address = found["podIP"]
    assert address.startswith("10.92.0.") and found["network"]["name"] == "back" and found["furtherNetworks"] == [], found
    assert "default via 10.92.0.1 dev %s" % device in look(agent, "ip", "route")
    assert "nameserver 10.92.0.1\n" in look(agent, "cat", "/etc/resolv.conf")
    assert [line.split()[0] for line in look(agent, "cat", "/etc/hosts").splitlines() if line.endswith("front")] == [address]
    assert agent.pod("db")["podIP"] in look(agent, "nslookup", "-type=a", "db", "10.92.0.1")
    reach()


def test_a_further_network_becomes_its_own():
    with bridged() as agent:
        before = front(agent)
        agent.mete("network", "connect", "back", "front")
        assert links(agent) == ["eth0", "eth1", "lo"]
        agent.mete("network", "disconnect", "bridge", "front")
        check_back(agent, "eth1")
        assert before not in run("nft", "list", "ruleset").stdout
        assert agent.container("front")["restarts"] == 0
        agent.kill()
        agent.start("--network", "bridge")
        check_back(agent, "eth1")
        # The former one is a further one now, without the way out.
        agent.mete("network", "connect", "bridge", "front")
        assert links(agent) == ["eth1", "eth2", "lo"]
        assert [each["name"] for each in agent.pod("front")["furtherNetworks"]] == ["bridge"]
        assert "default via 10.92.0.1 dev eth1" in look(agent, "ip", "route")
        # And its own once more.
        agent.mete("network", "disconnect", "back", "front")
        assert links(agent) == ["eth2", "lo"] and agent.pod("front")["network"]["name"] == "bridge"
        assert "default via 10.77.0.1 dev eth2" in look(agent, "ip", "route")
        reach()
        end(agent, "front", "db")


def test_in_no_network_and_back():
    with bridged() as agent:
        before = front(agent)
        agent.mete("network", "disconnect", "bridge", "front")
        assert links(agent) == ["lo"] and "podIP" not in agent.pod("front"), agent.pod("front")
        assert look(agent, "ip", "route") == "" and "hello" not in get("127.0.0.1", PORT)
        assert before not in run("nft", "list", "ruleset").stdout
        # Its port is free for others meanwhile.
        assert str(PORT) not in run("nft", "list", "ruleset").stdout
        again = agent.mete("network", "disconnect", "bridge", "front", check=False)
        assert again.returncode != 0 and "not in network bridge" in again.stderr, again
        agent.kill()
        agent.start("--network", "bridge")
        assert links(agent) == ["lo"] and agent.container("front")["restarts"] == 0
        agent.mete("network", "connect", "--ip", "10.92.0.50", "back", "front")
        check_back(agent, "eth0")
        assert agent.pod("front")["podIP"] == "10.92.0.50"
        end(agent, "front", "db")


def test_who_shares_it_goes_along():
    with bridged() as agent:
        front(agent)
        launch(agent, pod("side", metadata=", annotations: {mete/network: 'container:front'}"), "side")
        agent.mete("network", "connect", "back", "front")
        agent.mete("network", "disconnect", "bridge", "front")
        address = agent.pod("front")["podIP"]
        assert agent.pod("side")["podIP"] == address and agent.pod("side")["network"]["name"] == "back", agent.pod("side")
        assert address in agent.mete("exec", "side", "--", "ip", "addr").stdout
        assert "nameserver 10.92.0.1\n" in agent.mete("exec", "side", "--", "cat", "/etc/resolv.conf").stdout
        end(agent, "front", "side", "db")


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
