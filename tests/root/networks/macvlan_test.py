# SPDX-License-Identifier: Apache-2.0
"""Pods as machines of their own on a device of this one: macvlan and ipvlan. The device is the cable to the neighbour of own_network.py."""
import contextlib
import json
import os
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests, skip_case, wait_for  # noqa: E402
from names import addresses_of, resolver_of, services_of_one_network  # noqa: E402
from own_network import HOST, NEIGHBOUR, devices, inside, neighbours, run, tables, udp_server  # noqa: E402
from pods import delete, documents, launch, pod, wait_restarted  # noqa: E402

LAN = ("--subnet", "192.0.2.0/24", "--gateway", NEIGHBOUR, "--aux-address", "host=" + HOST, "--ip-range", "192.0.2.128/25")


def need(kind):
    """Network devices of this kind, on a device of the test's own."""
    run("ip", "link", "add", "try0", "type", "veth", "peer", "name", "try1")
    try:
        made = run("ip", "link", "add", "link", "try0", "name", "try2", "type", *kind, check=False)
        if made.returncode != 0:
            skip_case("this kernel has no %s: %s" % (kind[0], made.stderr.strip()))
    finally:
        run("ip", "link", "del", "try0")


def lan(agent, *more, driver="macvlan", name="lan", parent="cable"):
    return agent.mete("network", "create", "-d", driver, "-o", "parent=" + parent, *more, *LAN, name)


def on(network="lan", name="web", more="", command=("sleep", "1000")):
    return pod(name, list(command), metadata=", annotations: {mete/network: %s%s}" % (network, more))


def pings(container, address, check=True):
    return inside(container, "busybox", "ping", "-c", "1", "-W", "5" if check else "1", address, check=check).returncode == 0


def refused(agent, *words):
    done = agent.mete("network", "create", *words, check=False)
    assert done.returncode == 1 and done.stdout == "", done
    return done.stderr


def test_a_pod_is_a_machine_of_its_own():
    before = devices()
    with Agent().start() as agent:
        lan(agent)
        web = launch(agent, documents(on(), on(name="db")), "web", "db")
        assert [agent.pod(each)["podIP"] for each in ("web", "db")] == ["192.0.2.128", "192.0.2.129"], agent.pods()
        assert "default via %s dev eth0" % NEIGHBOUR in inside(web, "ip", "route").stdout
        assert pings(web, NEIGHBOUR) and pings(web, "192.0.2.129")
        # The neighbour reaches it with an address of its own, and no rule stands between.
        assert neighbours[0].run("busybox", "ping", "-c", "1", "-W", "5", "192.0.2.128").returncode == 0
        assert agent.pod("web")["network"]["mac"] in neighbours[0].run("ip", "neigh").stdout
        assert devices() == before and tables() == [], (devices(), tables())
        # As docker's: the device's own addresses are out of reach.
        assert not pings(web, HOST, check=False)
        assert agent.get("/readyz")
        delete(agent, "web", "db")
        agent.mete("network", "rm", "lan")
        assert devices() == before and agent.events("NetworkFailed") == []


def test_modes_and_words_of_docker():
    with Agent().start() as agent:
        lan(agent, "-o", "macvlan_mode=private")
        web = launch(agent, documents(on(), on(name="db")), "web", "db")
        assert pings(web, NEIGHBOUR) and not pings(web, "192.0.2.129", check=False)
        assert "macvlan mode private" in inside(web, "ip", "-d", "link", "show", "eth0").stdout
        told = json.loads(agent.mete("network", "inspect", "-o", "json", "lan").stdout)["networks"][0]
        assert told["driver"] == "macvlan" and told["options"] == {"parent": "cable", "macvlan_mode": "private"}, told
        assert told["gateway"] == NEIGHBOUR and told["ipRange"] == "192.0.2.128/25" and told["auxAddresses"] == {"host": HOST}, told
        delete(agent, "web", "db")
        agent.mete("network", "rm", "lan")
        lan(agent, "-o", "macvlan_mode=passthru")
        web = launch(agent, on())
        assert pings(web, NEIGHBOUR)
        # One device of the machine has one pod then.
        agent.apply(on(name="db"))
        assert "connect 192.0.2.129 to device cable" in agent.event("CreateContainerError")["message"]


def test_the_api_of_docker():
    with Agent().start() as agent:
        docker = Docker(agent)
        config = {"Subnet": "192.0.2.0/24", "Gateway": NEIGHBOUR, "IPRange": "192.0.2.128/25", "AuxiliaryAddresses": {"host": HOST}}
        body = {"Name": "lan", "Driver": "macvlan", "IPAM": {"Driver": "default", "Config": [config]}, "Options": {"parent": "cable"}}
        docker.post("/networks/create", body)
        told = docker.get("/networks/lan")
        assert told["Driver"] == "macvlan" and told["Options"] == {"parent": "cable"} and told["IPAM"]["Config"] == [config], told
        assert [each["Name"] for each in docker.get("/networks", filters=json.dumps({"driver": ["macvlan"]}))] == ["lan"]
        made = docker.run("web", host={"NetworkMode": "lan"})
        ends = docker.inspect(made)["NetworkSettings"]["Networks"]["lan"]
        assert ends["IPAddress"] == "192.0.2.128" and ends["Gateway"] == NEIGHBOUR and ends["IPPrefixLen"] == 24, ends
        assert ends["MacAddress"].startswith("02:6d:"), ends
        assert docker.ask("POST", "/networks/create", {"Name": "x", "Driver": "weave"}).status == 404
        assert "parent" in docker.ask("POST", "/networks/create", {"Name": "x", "Driver": "macvlan", "Options": {"parent": "eth9"}}).message


def test_what_cannot_be_is_one_sentence():
    with Agent().start() as agent:
        lan(agent)
        for words, expected in (
                (("-d", "macvlan", "-o", "parent=eth9", "x"), "network option parent: found no device eth9 on this machine, expected one that it has"),
                (("-d", "macvlan", "-o", "parent=eth9.5", "x"), "found no device eth9 on this machine"),
                (("-d", "macvlan", "-o", "parent=cable", "x"), "network option parent: found cable, which network lan has"),
                (("-d", "macvlan", "-o", "macvlan_mode=source", "x"), "found \"source\", expected bridge, private, vepa or passthru"),
                (("-d", "macvlan", "-o", "ipvlan_mode=l2", "x"), "network option ipvlan_mode: found one that driver macvlan does not have"),
                (("-d", "macvlan", "--no-icc", "-o", "parent=cable", "x"), "icc: found driver macvlan"),
                (("-d", "macvlan", "--internal", "-o", "parent=cable", "x"), "internal: found a parent"),
                (("-d", "weave", "x"), "driver: found \"weave\", expected bridge, overlay, macvlan, ipvlan or cni"),
                (("--subnet", "192.0.2.0/24", "x"), "which network lan has, expected a free one"),
                (("--subnet", "10.9.0.0/24", "--gateway", "10.8.0.1", "x"), "gateway: found \"10.8.0.1\", expected an address of 10.9.0.0/24"),
                (("--subnet", "10.9.0.0/24", "--ip-range", "10.8.0.0/25", "x"), "ip-range: found \"10.8.0.0/25\", expected a part of 10.9.0.0/24"),
                (("--subnet", "10.9.0.0/24", "--aux-address", "a=b", "x"), "aux-address a: found \"b\", expected an address of 10.9.0.0/24"),
                (("--gateway", "10.9.0.1", "x"), "subnet: found none"),
                (("--subnet", "10.9.0.0/24", "--ip-range", "10.9.0.0/31", "--aux-address", "a=10.9.0.1", "x"), "without a free address")):
            assert expected in refused(agent, *words), (words, refused(agent, *words))
        assert agent.mete("network", "ls").stdout.count("\n") == 3
        agent.apply(pod("web", lines="ports: [{containerPort: 80, hostPort: 8080}]", metadata=", annotations: {mete/network: lan}"))
        assert "of driver macvlan, whose pods are reached by their own addresses" in agent.event("CreateContainerError")["message"]


def test_gateway_and_range_of_a_bridge():
    with Agent().start("--network", "bridge") as agent:
        agent.mete("network", "create", "--subnet", "10.9.0.0/24", "--gateway", "10.9.0.254", "--ip-range", "10.9.0.64/26", "--aux-address", "a=10.9.0.65", "shop")
        web = launch(agent, documents(on("shop"), on("shop", "db")), "web", "db")
        assert [agent.pod(each)["podIP"] for each in ("web", "db")] == ["10.9.0.64", "10.9.0.66"], agent.pods()
        assert "default via 10.9.0.254 dev eth0" in inside(web, "ip", "route").stdout and pings(web, "10.9.0.254")
        assert "nameserver 10.9.0.254" in agent.mete("exec", "web", "--", "cat", "/etc/resolv.conf").stdout


def test_it_survives_the_agent_and_restarts():
    with Agent().start() as agent:
        lan(agent)
        web = launch(agent, documents(on(), on(name="again", command=("sh", "-c", "sleep 1; exit 1"))))
        agent.kill()
        assert pings(web, NEIGHBOUR)
        agent.start()
        assert agent.pod("web")["podIP"] == "192.0.2.128" and agent.container("web")["restarts"] == 0
        wait_restarted(agent, "again")
        assert agent.pod("again")["podIP"] == "192.0.2.129"
        # The addresses of both are known to be taken.
        launch(agent, on(name="late"), "late")
        assert agent.pod("late")["podIP"] == "192.0.2.130"
        # A pod that is made again with its address finds its hardware address free.
        delete(agent, "web")
        web = launch(agent, on(more=", mete/ip: 192.0.2.128"))
        assert pings(web, NEIGHBOUR)


def sockets(agent):
    """How many the agent has open."""
    folder = "/proc/%d/fd/" % agent.process.pid
    return len([each for each in os.listdir(folder) if os.path.lexists(folder + each) and os.readlink(folder + each).startswith("socket:")])


def find_each_other(agent):
    """web and db of network lan."""
    assert resolver_of(agent, "web") == ["127.0.0.11"]
    for name in ("db", "db.default", "store"):
        assert addresses_of(agent, "web", name) == ["192.0.2.129"], name
    assert addresses_of(agent, "db", "web") == ["192.0.2.128"]


def test_names_are_answered_inside():
    with Agent().start() as agent:
        lan(agent)
        launch(agent, documents(on(), on(name="db", more=", mete/aliases: store"), pod("alone")), "web", "db", "alone")
        find_each_other(agent)
        # Those of another network, and those of a pod that is gone.
        assert addresses_of(agent, "web", "alone") == []
        agent.kill()
        agent.start()
        find_each_other(agent)
        delete(agent, "db")
        assert addresses_of(agent, "web", "db") == []
        assert agent.events("NetworkFailed") == []
        # Sockets keep a network namespace alive: none is left when the pods are gone.
        held = sockets(agent)
        delete(agent, "web")
        wait_for("its socket to go", lambda: sockets(agent) < held)


def behind(name, network, lines=""):
    """A pod behind every Service of tier=back."""
    return pod(name, ["sleep", "1000"], lines="ports: [{name: http, containerPort: 8080}]\n" + lines, labels=", tier: back",
               metadata=", annotations: {mete/network: %s}" % network)


@contextlib.contextmanager
def device(name):
    run("ip", "link", "add", name, "type", "veth", "peer", "name", name + "-end")
    try:
        yield
    finally:
        run("ip", "link", "del", name)


def test_names_of_services():
    with device("far"), Agent().start() as agent:
        lan(agent)
        both = services_of_one_network(agent, behind, launch, "lan")
        # A pod that is not ready is no pod of the Service, and comes back to it.
        ready = "readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}\n"
        launch(agent, behind("late", "lan", ready), "late")
        late = agent.pod("late")["podIP"]
        assert addresses_of(agent, "web", "api") == both
        agent.mete("exec", "late", "--", "touch", "/tmp/ready")
        wait_for("it to be ready", lambda: addresses_of(agent, "web", "api") == sorted([*both, late]))
        delete(agent, "late")
        assert addresses_of(agent, "web", "api") == both
        # Pods of another network are none of this one: they are not reached.
        lan_pods = addresses_of(agent, "web", "api")
        agent.mete("network", "create", "-d", "macvlan", "-o", "parent=far", "--subnet", "198.51.100.0/24", "other")
        launch(agent, behind("apart", "other"), "apart")
        assert addresses_of(agent, "web", "api") == lan_pods and addresses_of(agent, "apart", "api") == [agent.pod("apart")["podIP"]]
        # A further network makes its pods those of the asker.
        agent.mete("network", "connect", "other", "web")
        found = sorted([*lan_pods, agent.pod("apart")["podIP"], "198.51.100.3"])
        wait_for("those of both", lambda: addresses_of(agent, "web", "api") == found)
        agent.kill()
        agent.start()
        wait_for("the next agent to know them", lambda: addresses_of(agent, "web", "api") == found)


def test_port_53_stays_the_pods_own():
    with Agent().start() as agent:
        lan(agent)
        web = launch(agent, documents(on(), on(name="db")), "web", "db")
        with udp_server(web, 53):
            ask = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.sendto(b'ping', ('192.0.2.128', 53)); print(s.recv(100))"
            assert "pong" in inside(agent.container("db"), "python3", "-c", ask).stdout
            assert addresses_of(agent, "web", "db") == ["192.0.2.129"]
        # Neither the question nor the answer is tracked as a connection.
        assert " dport=53 " not in inside(web, "cat", "/proc/net/nf_conntrack").stdout


def test_names_in_the_network_of_another_pod():
    with Agent().start() as agent:
        lan(agent)
        launch(agent, documents(on(), on(name="db")), "web", "db")
        launch(agent, pod("side", metadata=", annotations: {mete/network: 'container:web'}"), "side")
        assert resolver_of(agent, "side") == ["127.0.0.11"] and addresses_of(agent, "side", "db") == ["192.0.2.129"]


def test_a_hardware_address_of_its_own():
    with Agent().start() as agent:
        lan(agent)
        web = launch(agent, on(more=", mete/mac: '02:00:00:00:00:09'"))
        assert "02:00:00:00:00:09" in inside(web, "ip", "link", "show", "eth0").stdout and pings(web, NEIGHBOUR)
        agent.apply(on(name="db", more=", mete/mac: '03:00:00:00:00:09'"))
        assert "mete/mac: found \"03:00:00:00:00:09\", expected a hardware address of one device" in agent.event("CreateContainerError")["message"]


def test_a_further_network():
    with Agent().start() as agent:
        lan(agent)
        web = launch(agent, on())
        run("ip", "link", "add", "spare", "type", "veth", "peer", "name", "spare-end")
        run("ip", "link", "set", "spare", "up")
        agent.mete("network", "create", "-d", "macvlan", "-o", "parent=spare", "--subnet", "10.9.0.0/24", "back")
        agent.mete("network", "connect", "--ip", "10.9.0.7", "back", "web")
        assert "inet 10.9.0.7/24" in inside(web, "ip", "addr", "show", "eth1").stdout
        assert agent.mete("network", "rm", "back", check=False).returncode != 0
        agent.mete("network", "disconnect", "back", "web")
        assert inside(web, "ip", "addr", "show", "eth1", check=False).returncode != 0
        agent.mete("network", "rm", "back")
        assert pings(web, NEIGHBOUR)
        run("ip", "link", "del", "spare")


def test_a_vlan_comes_and_goes_with_its_network():
    need(("vlan", "id", "10"))
    with Agent().start() as agent:
        lan(agent, parent="cable.10")
        assert "cable.10" in devices()
        neighbours[0].run("ip", "link", "add", "link", "cable", "name", "cable.10", "type", "vlan", "id", "10")
        neighbours[0].run("ip", "addr", "add", "192.0.2.99/24", "dev", "cable.10")
        neighbours[0].run("ip", "link", "set", "cable.10", "up")
        try:
            assert pings(launch(agent, on()), "192.0.2.99")
        finally:
            neighbours[0].run("ip", "link", "del", "cable.10")
        delete(agent, "web")
        agent.mete("network", "rm", "lan")
        assert "cable.10" not in devices()


def test_ipvlan():
    need(("ipvlan", "mode", "l2"))
    with Agent().start() as agent:
        for mode in ("l2", "l3", "l3s"):
            lan(agent, "-o", "ipvlan_mode=" + mode, driver="ipvlan")
            web = launch(agent, on())
            if mode != "l2":  # nobody answers who has its address: those around have to know the way
                own = json.loads(run("ip", "-j", "link", "show", "cable").stdout)[0]["address"]
                neighbours[0].run("ip", "neigh", "replace", "192.0.2.128", "lladdr", own, "dev", "cable")
            assert pings(web, NEIGHBOUR), mode
            assert ("default dev eth0" if mode != "l2" else "default via " + NEIGHBOUR) in inside(web, "ip", "route").stdout
            delete(agent, "web")
            agent.mete("network", "rm", "lan")


def test_a_kernel_that_lacks_it_is_one_error():
    made = subprocess.run(["ip", "link", "add", "try0", "type", "dummy"], capture_output=True, text=True)
    if made.returncode == 0:
        run("ip", "link", "del", "try0")
        skip_case("this kernel lacks nothing")
    with Agent().start() as agent:
        # A network without a parent has a device that leads nowhere.
        assert "this kernel has no network devices of kind dummy (module dummy)" in refused(agent, "-d", "macvlan", "x")
        wait_for("nothing to be left", lambda: not [each for each in devices() if each.startswith("dm-")])
        assert "x" not in agent.mete("network", "ls").stdout.split()


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
