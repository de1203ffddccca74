# SPDX-License-Identifier: Apache-2.0
"""Names in networks of CNI plugins: those of the other pods, answered inside of the pod, and servers that plugins name."""
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cni import cni, enter, on  # noqa: E402
from mete_agent import run_tests  # noqa: E402
from names import addresses_of, resolver_of, services_of_one_network  # noqa: E402
from pods import delete, documents, launch, pod  # noqa: E402


def find_each_other(agent):
    assert resolver_of(agent, "web") == ["127.0.0.11"]
    for name in ("db", "db.default", "store"):
        assert addresses_of(agent, "web", name) == [agent.pod("db")["podIP"]], name
    assert addresses_of(agent, "db", "web") == [agent.pod("web")["podIP"]]


def test_pods_find_each_other():
    with cni() as agent:
        launch(agent, documents(on(), on("db", ", mete/aliases: store"), pod("alone")), "web", "db", "alone")
        find_each_other(agent)
        assert addresses_of(agent, "web", "alone") == []
        agent.kill()
        agent.begin_again()
        find_each_other(agent)
        delete(agent, "db")
        assert addresses_of(agent, "web", "db") == []
        delete(agent, "web")
        # With its socket the namespace goes, and the plugins' devices.
        agent.wait_clean()


def test_a_pod_of_two_networks_finds_those_of_both():
    with cni() as agent:
        agent.mete("network", "create", "-d", "macvlan", "-o", "parent=cable", "--subnet", "192.0.2.0/24", "--ip-range", "192.0.2.128/25", "lan")
        launch(agent, documents(on(), on("db"), pod("router", metadata=", annotations: {mete/network: lan}")), "web", "db", "router")
        assert addresses_of(agent, "web", "router") == []
        agent.mete("network", "connect", "lan", "web")
        assert addresses_of(agent, "web", "router") == ["192.0.2.128"] and addresses_of(agent, "web", "db") == [agent.pod("db")["podIP"]]


def test_names_of_services():
    def behind(name, network):
        return pod(name, "sleep 1000", "ports: [{name: http, containerPort: 8080}]\n", labels=", tier: back", metadata=", annotations: {mete/network: %s}" % network)
    with cni() as agent:
        services_of_one_network(agent, behind, launch, "shop")


def test_servers_that_plugins_name_are_asked():
    with cni(first={"type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": {}, "dns": {"nameservers": ["192.0.2.53"], "search": ["shop.test"]}}) as agent:
        launch(agent, on())
        assert agent.mete("exec", "web", "--", "cat", "/etc/resolv.conf").stdout == "nameserver 192.0.2.53\nsearch shop.test\n"


if __name__ == "__main__":
    enter()
    run_tests(sys.modules[__name__])
