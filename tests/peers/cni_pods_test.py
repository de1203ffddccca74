# SPDX-License-Identifier: Apache-2.0
"""Pods in networks of CNI plugins: what plugins give to a pod, what the pod has of it, and what is gone after DEL."""
import json
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cni import PORTMAP, cni, enter, on  # noqa: E402
from docker_api import Docker  # noqa: E402
from mete_agent import run_tests  # noqa: E402
from own_network import inside, neighbours, run  # noqa: E402
from pods import delete, launch, output, pod  # noqa: E402


def test_a_pod_has_what_the_plugins_give():
    with cni(PORTMAP) as agent:
        said = output(agent, "ip -4 addr show eth0; ip route; ip addr show lo; echo ip=$IP; cat /etc/hosts; ping -c 1 -W 5 10.99.0.1",
                      "env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]", metadata=", annotations: {mete/network: shop}")
        assert "inet 10.99.0.2/24" in said and "default via 10.99.0.1 dev eth0" in said and "ip=10.99.0.2\n" in said, said
        assert "10.99.0.2\tp\n" in said and "1 packets received" in said and "LOOPBACK,UP" in said, said
        agent.wait_clean()
        launch(agent, on())
        told = agent.pod("web")
        assert told["podIP"] == "10.99.0.3" and told["network"]["name"] == "shop", told
        result = told["network"]["cni"]
        assert [each["name"] for each in result["interfaces"]][0::2] == ["cni0", "eth0"] and result["ips"][0]["address"] == "10.99.0.3/24", result
        assert told["network"]["mac"] == result["interfaces"][2]["mac"], told
        assert {"dst": "0.0.0.0/0"}.items() <= result["routes"][0].items(), result
        assert "10.99.0.3" in agent.mete("ps", "-o", "wide").stdout and "10.99.0.3" in agent.mete("get", "pods", "-o", "wide").stdout
        member = json.loads(agent.mete("network", "inspect", "-o", "json", "shop").stdout)["networks"][0]
        assert member["driver"] == "cni" and member["options"] == {"conf": "shop"} and member["pods"][0]["cni"] == result, member
        assert "cni" in agent.mete("network", "ls").stdout
        assert agent.mete("network", "rm", "shop", check=False).returncode != 0
        delete(agent, "web")
        agent.wait_clean()
        agent.mete("network", "rm", "shop")


def test_an_address_of_its_own_and_ipv6():
    with cni(subnets=("10.99.0.0/24", "fd00:99::/64")) as agent:
        launch(agent, on(more=', mete/ip: 10.99.0.77'))
        assert agent.pod("web")["podIPs"] == ["10.99.0.77", "fd00:99::2"], agent.pod("web")
        assert neighbours[0] and inside(agent.container("web"), "busybox", "ping", "-c", "1", "-W", "5", "fd00:99::1").returncode == 0
        delete(agent, "web")
        agent.wait_clean()


def test_a_further_network_of_plugins():
    with cni({"type": "witness"}) as agent:
        web = launch(agent, pod("web"))
        done = agent.mete("network", "connect", "shop", "web", check=False)
        assert "found none of that name that is in a network" in done.stderr, done
        agent.mete("network", "create", "-d", "macvlan", "-o", "parent=cable", "--subnet", "192.0.2.0/24", "--ip-range", "192.0.2.128/25", "lan")
        web = launch(agent, pod("two", metadata=", annotations: {mete/network: lan}"), "two")
        agent.mete("network", "connect", "--ip", "10.99.0.50", "shop", "two")
        assert "inet 10.99.0.50/24" in inside(web, "ip", "addr", "show", "eth1").stdout
        assert agent.pod("two")["furtherNetworks"][0]["cni"]["ips"][0]["address"] == "10.99.0.50/24", agent.pod("two")
        agent.mete("network", "disconnect", "shop", "two")
        assert inside(web, "ip", "addr", "show", "eth1", check=False).returncode != 0
        agent.wait_clean()
        agent.mete("network", "connect", "shop", "two")
        delete(agent, "two")
        agent.wait_clean()


def test_ptp_with_firewall_and_tuning():
    tuning = {"type": "tuning", "sysctl": {"net.core.somaxconn": "77"}}
    with cni({"type": "firewall"}, tuning, first={"type": "ptp", "ipMasq": True, "ipam": {}}) as agent:
        web = launch(agent, on())
        assert agent.mete("exec", "web", "--", "cat", "/proc/sys/net/core/somaxconn").stdout == "77\n"
        assert inside(web, "busybox", "ping", "-c", "1", "-W", "5", "10.99.0.1").returncode == 0
        assert "10.99.0.2" in run("iptables", "-S").stdout
        delete(agent, "web")
        agent.wait_clean()
        assert "10.99.0." not in run("iptables", "-S").stdout + run("iptables", "-t", "nat", "-S").stdout, "the namespace was there at DEL"


def test_macvlan_of_the_plugins():
    with cni(first={"type": "macvlan", "master": "cable", "ipam": {}}, subnets=({"subnet": "192.0.2.0/24", "rangeStart": "192.0.2.128"},)) as agent:
        launch(agent, on())
        address = agent.pod("web")["podIP"]
        assert neighbours[0].run("busybox", "ping", "-c", "1", "-W", "5", address).returncode == 0
        delete(agent, "web")
        agent.wait_clean()


def test_the_api_of_docker():
    with cni() as agent:
        docker = Docker(agent)
        docker.post("/networks/create", {"Name": "plugins", "Driver": "cni", "Options": {"conf": "shop"}})
        told = docker.get("/networks/plugins")
        assert told["Driver"] == "cni" and told["Options"] == {"conf": "shop"} and told["IPAM"]["Config"] == [], told
        made = docker.run("web", host={"NetworkMode": "plugins"})
        ends = docker.inspect(made)["NetworkSettings"]["Networks"]["plugins"]
        assert ends["IPAddress"] == "10.99.0.2" and ends["Gateway"] == "10.99.0.1" and ends["IPPrefixLen"] == 24, ends
        docker.remove(made, force="1")
        agent.wait_clean()


if __name__ == "__main__":
    enter()
    run_tests(sys.modules[__name__])
