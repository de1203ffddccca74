# SPDX-License-Identifier: Apache-2.0
"""Networks over several machines: pods reach each other by name over VXLAN, as the records in etcd say, and nothing is left of them."""
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from hosts import Cluster  # noqa: E402
from mete_agent import need_root, run_tests, wait_for  # noqa: E402
from overlays import address, counted, create, hardware, inspected, known, member, pings, put, received, send_vxlan, sent, tunnel, vxlan_packet, wait_forgotten, wait_known, wait_told  # noqa: E402,E501
from pods import delete, wait_running  # noqa: E402


def test_pods_of_two_machines_reach_each_other_by_name():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        create(one)
        known(two)
        put(one, "web")
        put(two, "db")
        assert address(one, "web") != address(two, "db")
        wait_for("the name", lambda: pings(one, "web", "db", check=False))
        pings(two, "db", "web")
        found = two.agent.mete("exec", "db", "--", "nslookup", "-type=a", "web.default", "10.90.0.1").stdout
        assert address(one, "web") in found, found


def test_what_a_machine_knows_comes_from_etcd_alone():
    with Cluster(3) as cluster:
        one, two, three = cluster.hosts
        create(one)
        known(two), known(three)
        put(one, "web")
        put(two, "db")
        put(three, "cache")
        at_two = wait_known(three, "db")
        assert at_two["machine"] == two.address and at_two["address"] == address(two, "db"), at_two
        wait_known(three, "web")
        device, forward, neighbours = tunnel(three)
        # Its own entry and the bridge's for each of the two; nothing that floods.
        assert len(forward) == 4 and sum("dst" in line for line in forward) == 2, forward
        assert len(neighbours) == 2, neighbours
        details = three.run("ip", "-d", "link", "show", device).stdout
        assert "nolearning" in details and "proxy" in details and "mtu 1450" in details, details
        assert "00:00:00:00:00:00" not in three.run("bridge", "fdb", "show", "dev", device).stdout
        # An address that nobody has, and a broadcast, do not leave the machine.
        wait_known(one, "db")
        pings(one, "web", "db")
        before = sent(one)
        assert not pings(one, "web", "10.90.0.200", check=False)
        one.agent.mete("exec", "web", "--", "ping", "-b", "-c", "1", "-W", "1", "10.90.0.255", check=False)
        assert sent(one) == before
        assert "mtu 1450" in one.agent.mete("exec", "web", "--", "ip", "link", "show", "eth0").stdout
        # A packet of the largest size that passes.
        assert one.agent.mete("exec", "web", "--", "ping", "-c", "1", "-W", "5", "-s", "1422", "db").returncode == 0
        assert one.agent.metric("mete_network_overlay_connected") == 1
        assert three.agent.metric("mete_network_overlay_remote_addresses", network="shop") == 2
        # A pod that goes is forgotten by all.
        delete(two.agent, "db")
        wait_forgotten(three, "db")
        wait_for("its entries to go", lambda: [len(each) for each in tunnel(three)[1:]] == [2, 1])


def test_an_address_is_given_once():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        create(one)
        known(two)
        put(one, "fixed", ip="10.90.0.77")
        wait_known(two, "fixed")
        two.agent.apply(member("late", ip="10.90.0.77"))
        assert "default/fixed on 192.0.2.1" in wait_told(two, "10.90.0.77")
        # Side by side: no two have one.
        for number in range(4):
            for host in (one, two):
                host.agent.apply(member("p%d%d" % (host.number, number)))
        for number in range(4):
            for host in (one, two):
                wait_running(host.agent, "p%d%d" % (host.number, number))
        given = [address(host, "p%d%d" % (host.number, number)) for number in range(4) for host in (one, two)]
        assert len(set(given)) == 8, given
        # When the one goes, the other gets it.
        delete(one.agent, "fixed")
        wait_running(two.agent, "late")
        assert address(two, "late") == "10.90.0.77"


def test_both_families_and_further_networks():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        create(one, "shop", "--subnet", "10.90.0.0/24", "--subnet", "fd00:90::/64")
        create(two, "back", "--subnet", "10.91.0.0/24")
        create(one, "apart", "--subnet", "10.92.0.0/24", "--no-icc")
        for name in ("shop", "back", "apart"):
            known(one, name), known(two, name)
        numbers = {name: network["overlay"]["vni"] for name in ("shop", "back", "apart") for network in inspected(one, name)}
        assert len(set(numbers.values())) == 3, numbers
        assert all(network["overlay"]["vni"] == numbers[name] for name in numbers for network in inspected(two, name))
        put(one, "web")
        put(two, "db")
        wait_known(one, "db")
        v6 = two.agent.pod("db")["podIPs"][1]
        assert v6.startswith("fd00:90::"), v6
        pings(one, "web", v6)
        assert v6 in one.agent.mete("exec", "web", "--", "nslookup", "-type=aaaa", "db", "10.90.0.1").stdout
        # A further network of pods that run.
        one.agent.mete("network", "connect", "back", "web")
        two.agent.mete("network", "connect", "--ip", "10.91.0.9", "back", "db")
        wait_known(one, "db", "back"), wait_known(two, "web", "back")
        pings(one, "web", "10.91.0.9")
        two.agent.mete("network", "disconnect", "back", "db")
        wait_forgotten(one, "db", "back")
        assert not pings(one, "web", "10.91.0.9", check=False)
        # Without icc they reach their gateways alone.
        put(one, "lone", network="apart")
        put(two, "other", network="apart")
        wait_known(one, "other", "apart")
        pings(one, "lone", "10.92.0.1")
        assert not pings(one, "lone", address(two, "other"), check=False)


def test_a_pod_writes_no_packets_of_the_machines_itself():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        create(one)
        create(one, "back", "--subnet", "10.91.0.0/24")
        known(two), known(two, "back")
        put(one, "web")
        put(one, "near", network="back")
        put(two, "far", network="back")
        wait_known(one, "far", "back"), wait_known(two, "near", "back")
        number = inspected(one, "back")[0]["overlay"]["vni"]
        # From the machine itself such a packet arrives: what follows can fail.
        came = received(two, "back")
        send_vxlan(one, one.process.pid, vxlan_packet(number, hardware(two, "far", "back")), two.address)
        wait_for("the machine's own to arrive", lambda: received(two, "back") == came + 1)
        came, dropped = [received(each, "back") for each in (one, two)], counted(one, "iifname", "dport 4789")
        pid = one.agent.container("web")["pid"]
        send_vxlan(one, pid, vxlan_packet(number, hardware(two, "far", "back")), two.address)
        send_vxlan(one, pid, vxlan_packet(number, hardware(one, "near", "back")), one.address)
        assert counted(one, "iifname", "dport 4789") == dropped + 2
        assert [received(each, "back") for each in (one, two)] == came


def test_a_network_goes_when_nobody_is_in_it():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        create(one)
        known(two)
        put(two, "db")
        wait_known(one, "db")
        refused = one.agent.mete("network", "rm", "shop", check=False)
        assert refused.returncode != 0 and "default/db on 192.0.2.2" in refused.stderr, refused
        again = two.agent.mete("network", "create", "-d", "overlay", "shop", check=False)
        assert again.returncode != 0 and "free name" in again.stderr, again
        delete(two.agent, "db")
        wait_for("it to be free", lambda: one.agent.mete("network", "rm", "shop", check=False).returncode == 0)
        wait_for("it to go on the other machine", lambda: "shop" not in two.agent.mete("network", "ls").stdout)
        for host in (one, two):
            wait_for("its devices to go", lambda host=host: not [each for each in host.devices() if each.startswith(("mtb", "mtx"))])
        assert not [key for key in cluster.etcd.keys() if "shop" in key], cluster.etcd.keys()


def test_nothing_is_left():
    with Cluster(2, start=False) as cluster:
        cluster.etcd.start()
        one, two = cluster.hosts
        before = [(host.devices(), host.tables()) for host in (one, two)]
        for host in (one, two):
            host.start(more=["--remove-all"])
        create(one)
        known(two)
        put(one, "web")
        put(two, "db")
        wait_known(one, "db"), wait_known(two, "web")
        for host, name in ((one, "web"), (two, "db")):
            delete(host.agent, name)
        wait_for("no pod in etcd", lambda: not [key for key in cluster.etcd.keys() if key.startswith("/mete/members/")])
        one.agent.mete("network", "rm", "shop")
        wait_for("it to go on the other machine", lambda: "shop" not in two.agent.mete("network", "ls").stdout)
        assert cluster.etcd.keys() == {}, cluster.etcd.keys()
        for host in (one, two):
            host.agent.stop()
        assert [(host.devices(), host.tables()) for host in (one, two)] == before


if __name__ == "__main__":
    need_root()
    run_tests(sys.modules[__name__])
