# SPDX-License-Identifier: Apache-2.0
"""What a container with every right in its own network must not be able to do to others: each attack is tried, beside a frame that is allowed
and arrives, so that what is not heard was stopped."""
import os
import socket
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import frames  # noqa: E402
import own_network  # noqa: E402
from frames import BROADCAST, Ear, advertisement, arp, ether, icmp6, ip4, mac, router_advertisement, udp  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, with_config  # noqa: E402
from own_network import HOST, NEIGHBOUR, SERVER, get, inside, neighbours  # noqa: E402
from pods import delete, documents, launch, pod  # noqa: E402

V6 = "network: {default: bridge, subnet6: 'fd00:77::/64'}"
MARK = b"an honest frame"


def pair(agent):
    """Two pods, the attacker first: (container, address, hardware address, v6 address) of each."""
    launch(agent, documents(pod("evil"), pod("good")), "evil", "good")
    found = []
    for name in ("evil", "good"):
        told = agent.pod(name)
        found.append((agent.container(name), told["podIP"], mac(told["network"]["mac"]), (told["podIPs"] + [""])[1]))
    return found


def ear_of(container):
    return Ear(container["pid"])


def send(container, *all_frames):
    frames.send(container["pid"], "eth0", *all_frames)


def heard_of(attack, evil, good):
    """What the victim hears when the attack's frames are sent, and an honest one after them."""
    ear = ear_of(good[0])
    honest = ether(evil[2], good[2], 0x0800, ip4(evil[1], good[1], udp(4001, MARK)))
    send(evil[0], *attack, honest)
    heard = ear.until(lambda frame: MARK in frame)
    return [each for each in heard if MARK not in each]


def test_frames_with_others_addresses_are_dropped():
    with Agent() as agent:
        agent.start("--network", "bridge", *with_config(agent, V6))
        evil, good = pair(agent)
        gateway = "10.77.0.1"
        lie = b"a lie of the attacker"
        other_mac = mac("02:00:00:00:00:99")
        attacks = {
            "another hardware address": ether(other_mac, good[2], 0x0800, ip4(evil[1], good[1], udp(4001, lie))),
            "another IPv4 address": ether(evil[2], good[2], 0x0800, ip4(gateway, good[1], udp(4001, lie))),
            "a foreign IPv4 address": ether(evil[2], good[2], 0x0800, ip4("198.51.100.1", good[1], udp(4001, lie))),
            "another IPv6 address": ether(evil[2], good[2], 0x86dd, frames.ip6("fd00:77::1", good[3], udp(4001, lie), 17)),
            "another kind of packet": ether(evil[2], good[2], 0x88cc, lie),
            "a tag around another address": ether(evil[2], good[2], 0x8100, b"\x00\x00\x08\x00" + ip4(gateway, good[1], udp(4001, lie))),
        }
        for name, frame in attacks.items():
            heard = heard_of([frame], evil, good)
            assert not [each for each in heard if lie in each], (name, heard)


def test_neighbours_are_not_poisoned():
    with Agent() as agent:
        agent.start("--network", "bridge", *with_config(agent, V6))
        evil, good = pair(agent)
        gateway = "10.77.0.1"
        lies = {
            "the gateway's address in ARP": ether(evil[2], BROADCAST, 0x0806, arp(evil[2], gateway, good[2], good[1])),
            "the victim's own address": ether(evil[2], BROADCAST, 0x0806, arp(evil[2], good[1], BROADCAST, good[1], 1)),
            "another's hardware address in ARP": ether(evil[2], good[2], 0x0806, arp(mac("02:00:00:00:00:99"), evil[1], good[2], good[1])),
            "the gateway's IPv6 address": ether(evil[2], good[2], 0x86dd, icmp6(evil[3], good[3], 136, advertisement("fd00:77::1", evil[2]))),
            "a router": ether(evil[2], mac("33:33:00:00:00:01"), 0x86dd, icmp6("fe80::6d:aff:fe4d:%x" % int(evil[1].split(".")[3]), "ff02::1", 134, router_advertisement(evil[2]))),
        }
        for name, frame in lies.items():
            heard = heard_of([frame], evil, good)
            assert frame not in heard, name
        routes = inside(good[0], "ip", "-6", "route").stdout
        assert "proto ra" not in routes, routes
        table = inside(good[0], "ip", "neigh").stdout
        assert not [line for line in table.splitlines() if line.startswith(gateway + " ") and evil[2].hex(":") in line], table
        # The bridge has not learned the gateway's address at the attacker's port.
        send(evil[0], ether(mac("02:6d:0a:4d:00:01"), BROADCAST, 0x0800, ip4(evil[1], good[1], udp(4001, b"x"))))
        assert inside(good[0], "busybox", "ping", "-c", "1", "-W", "5", gateway).returncode == 0


def test_the_network_of_a_pod_that_is_gone_is_dead():
    with Agent().start("--network", "bridge") as agent:
        evil, good = pair(agent)
        with subprocess.Popen(["nsenter", "-t", str(evil[0]["pid"]), "-n", "sleep", "1000"]) as holder:
            try:
                own = os.readlink("/proc/self/ns/net")
                wait_for("somebody to hold its network", lambda: os.readlink("/proc/%d/ns/net" % holder.pid) != own)
                left = {"pid": holder.pid}
                delete(agent, "evil")
                ear = ear_of(good[0])
                send(left, ether(evil[2], good[2], 0x0800, ip4(evil[1], good[1], udp(4001, b"of a dead pod"))))
                launch(agent, pod("honest"), "honest")
                told = agent.pod("honest")
                send(agent.container("honest"), ether(mac(told["network"]["mac"]), good[2], 0x0800, ip4(told["podIP"], good[1], udp(4001, MARK))))
                assert not [each for each in ear.until(lambda frame: MARK in frame) if b"of a dead pod" in each]
            finally:
                holder.kill()


def test_the_machines_loopback_is_out_of_reach():
    with Agent().start("--network", "bridge") as agent, socket.socket() as secret:
        evil, _ = pair(agent)
        secret.bind(("127.0.0.1", 8300))
        secret.listen()
        assert open("/proc/sys/net/ipv4/conf/mete0/route_localnet").read() == "1\n"
        # A route to the machine's 127.0.0.1 through the gateway.
        inside(evil[0], "busybox", "sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1", "net.ipv4.conf.eth0.route_localnet=1")
        inside(evil[0], "ip", "addr", "del", "127.0.0.1/8", "dev", "lo")
        for table in ("local", "main"):
            inside(evil[0], "ip", "route", "replace", "127.0.0.1/32", "via", "10.77.0.1", "dev", "eth0", "table", table, "src", evil[1])
        said = inside(evil[0], sys.executable, "-c", own_network.GET, "127.0.0.1", "8300", "1", check=False).stdout
        assert "failed" in said, said
        # The same server on the gateway's own address is reached: it is the loopback that is not.
        with socket.socket() as open_one:
            open_one.bind(("10.77.0.1", 8301))
            open_one.listen()
            assert inside(evil[0], sys.executable, "-c", "import socket; socket.create_connection(('10.77.0.1', 8301), 5)", check=False).returncode == 0


def test_other_networks_and_unpublished_ports_are_out_of_reach():
    with Agent().start("--network", "bridge") as agent:
        agent.mete("network", "create", "back")
        agent.mete("network", "create", "closed", "--internal", "--subnet", "10.90.0.0/24")
        annotated = ", annotations: {mete/network: %s}"
        launch(agent, documents(pod("front", SERVER % "front"), pod("back", SERVER % "back", metadata=annotated % "back"),
                                pod("closed", SERVER % "closed", metadata=annotated % "closed"), pod("peer", metadata=annotated % "closed")), "front", "back", "closed", "peer")
        address = {name: agent.pod(name)["podIP"] for name in ("front", "back", "closed", "peer")}
        assert address["closed"].startswith("10.90.0.") and address["back"].startswith("10.78."), address

        def fetch(name, to):
            done = agent.mete("exec", name, "--", "timeout", "1", "wget", "-q", "-O", "-", "http://%s:8080/" % to, check=False)
            return "hello-from" in done.stdout
        for name, to, reached in (("peer", "closed", True), ("front", "back", False), ("back", "front", False), ("closed", "front", False), ("front", "closed", False)):
            if reached:
                wait_for("%s to reach %s" % (name, to), lambda: fetch(name, address[to]))  # noqa: B023
            else:
                assert not fetch(name, address[to]), (name, to)
        for name in ("front", "back", "closed"):
            assert "hello" not in neighbours[0].get(address[name], 8080, 1), name
            assert "hello-from" in get(address[name], 8080), name
        ping = ["busybox", "ping", "-c", "1", "-W", "1", NEIGHBOUR]
        assert inside(agent.container("back"), *ping, check=False).returncode == 0
        assert inside(agent.container("closed"), *ping, check=False).returncode != 0
        # Not by a route of its own, either.
        inside(agent.container("closed"), "ip", "route", "add", "default", "via", "10.90.0.1")
        assert inside(agent.container("closed"), *ping, check=False).returncode != 0


def test_containers_that_are_to_be_apart():
    with Agent() as agent:
        agent.start("--network", "bridge", *with_config(agent, "network: {icc: false}"))
        launch(agent, documents(pod("a", SERVER % "a", "ports: [{containerPort: 8080, hostPort: 8302}]"), pod("b")), "a", "b")
        address = agent.pod("a")["podIP"]
        assert "hello" not in agent.mete("exec", "b", "--", "timeout", "1", "wget", "-q", "-O", "-", "http://%s:8080/" % address, check=False).stdout
        wait_for("the server", lambda: "hello-from-a" in get(address, 8080))
        assert inside(agent.container("b"), "busybox", "ping", "-c", "1", "-W", "5", "10.77.0.1").returncode == 0
        assert "hello-from-a" in neighbours[0].get(HOST, 8302)


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
