# SPDX-License-Identifier: Apache-2.0
"""Networks over several machines: pods reach each other by name over VXLAN, as etcd's records say; machines, etcd and cables come and go."""
import json
import shutil
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from hosts import ETCD, Cluster, encoded  # noqa: E402
from mete_agent import need_root, run_tests, wait_for, write  # noqa: E402
from pods import delete, launch, pod, wait_restarted, wait_running  # noqa: E402
from web_site import Authority  # noqa: E402


def create(host, name="shop", *more):
    return host.agent.mete("network", "create", "-d", "overlay", *(more or ("--subnet", "10.90.0.0/24")), name)


def member(name, command="sleep 1000", network="shop", ip="", **more):
    return pod(name, command, metadata=", annotations: {mete/network: %s%s}" % (network, ", mete/ip: " + ip if ip else ""), **more)


def known(host, name="shop"):
    return wait_for("network %s on machine %d" % (name, host.number), lambda: name in host.agent.mete("network", "ls").stdout)


def pings(host, name, target, count=1, check=True):
    done = host.agent.mete("exec", name, "--", "ping", "-c", str(count), "-W", "5", target, check=False)
    assert not check or done.returncode == 0, (done.stdout, done.stderr, host.agent.log_text()[-2000:])
    return done.returncode == 0


def address_of(keys, pod):
    return next(key.rsplit("/", 1)[1] for key, value in keys.items() if '"%s"' % pod in value)


def wait_told(host, words):
    """The first event with these words."""
    return wait_for("a word about " + words, lambda: next((each["message"] for each in host.agent.events() if words in each["message"]), None))


def cable_down(host):
    host.run("ip", "link", "set", "cable", "down")


def cable_up(host):
    host.run("ip", "link", "set", "cable", "up")


def put(host, *names, **how):
    """Pods that sleep, in the network."""
    for name in names:
        launch(host.agent, member(name, **how), name)


def address(host, name):
    return host.agent.pod(name)["podIP"]


def inspected(host, name):
    """What there is of the network on the machine: one, or none."""
    done = host.agent.mete("network", "inspect", name, "-o", "json", check=False)
    return json.loads(done.stdout)["networks"] if done.returncode == 0 else []


def names(host, name="shop"):
    """Pods of other machines that this one knows of, by name."""
    found = inspected(host, name)
    return {each["pod"]: each for each in found[0]["elsewhere"]} if found else {}


def wait_known(host, pod, name="shop"):
    return wait_for("%s to be known on machine %d" % (pod, host.number), lambda: names(host, name).get("default/" + pod))


def wait_forgotten(host, pod, name="shop"):
    wait_for("%s to be forgotten on machine %d" % (pod, host.number), lambda: "default/" + pod not in names(host, name))


def tunnel(host):
    """The network's device for other machines, and what it knows of them."""
    device = next(each for each in host.devices() if each.startswith("mtx"))
    forward = [line for line in host.run("bridge", "fdb", "show", "dev", device).stdout.splitlines() if "02:6d:" in line]
    neighbours = host.run("ip", "neigh", "show", "dev", device, "nud", "permanent").stdout.splitlines()
    return device, sorted(forward), sorted(neighbours)


def sent(host):
    """Packets that have left by the tunnel."""
    device = tunnel(host)[0]
    return int(json.loads(host.run("ip", "-s", "-j", "link", "show", device).stdout)[0]["stats64"]["tx"]["packets"])


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
        encrypted = one.agent.mete("network", "create", "-d", "overlay", "--opt", "encrypted", "secret", check=False)
        assert encrypted.returncode != 0 and "WireGuard" in encrypted.stderr, encrypted


def test_etcd_is_gone_for_a_while():
    with Cluster(2, ttl=5) as cluster:
        one, two = cluster.hosts
        create(one)
        known(two)
        put(one, "web")
        put(two, "db")
        wait_known(one, "db"), wait_known(two, "web")
        pings(one, "web", "db")
        cluster.etcd.stop()
        one.agent.event("OverlayLost")
        two.agent.event("OverlayLost")
        assert one.agent.metric("mete_network_overlay_connected") == 0
        # Longer than the lease, traffic and names go on.
        pings(one, "web", "db", count=7)
        refused = one.agent.mete("network", "create", "-d", "overlay", "other", check=False)
        assert refused.returncode != 0 and "etcd does not answer" in refused.stderr, refused
        one.agent.apply(member("late"))
        wait_told(one, "networks over several machines: etcd does not answer")
        # A container that ends comes again with its address.
        before = address(two, "db")
        two.run("kill", "-9", str(two.agent.container("db")["pid"]))
        wait_restarted(two.agent, "db")
        assert address(two, "db") == before
        pings(one, "web", "db")
        cluster.etcd.start()
        wait_running(one.agent, "late")
        wait_known(two, "late")
        pings(two, "db", "late")
        pings(one, "web", "db")
        assert one.agent.event("OverlayFound")


def test_etcd_forgets_its_history_and_its_data():
    with Cluster(2, ttl=5) as cluster:
        one, two = cluster.hosts
        create(one)
        known(two)
        put(one, "web")
        wait_known(two, "web")
        cluster.etcd.stop()
        # An etcd that was set up anew: revisions begin again, and no lease is known.
        shutil.rmtree(cluster.etcd.work + "/data")
        cluster.etcd.start()
        wait_for("the records to be put back", lambda: [key for key in cluster.etcd.keys() if key.startswith("/mete/members/shop/")])
        assert "/mete/networks/shop" in cluster.etcd.keys()
        put(two, "db")
        wait_known(one, "db")
        pings(one, "web", "db")
        # Records that somebody has removed.
        cluster.etcd.ask("kv/deleterange", key=encoded("/mete/members/"), range_end=encoded("/mete/members0"))
        wait_for("them to be put back", lambda: len([key for key in cluster.etcd.keys() if key.startswith("/mete/members/shop/")]) == 2)
        wait_known(one, "db"), wait_known(two, "web")
        # History that a machine has not read yet: it reads everything again.
        cable_down(two)
        put(one, "more")
        delete(one.agent, "web")
        revision = cluster.etcd.ask("kv/range", key=encoded("x"))["header"]["revision"]
        cluster.etcd.ask("kv/compaction", revision=revision)
        cable_up(two)
        wait_known(two, "more")
        wait_forgotten(two, "web")
        wait_for("the name", lambda: pings(two, "db", "more", check=False))


def test_a_machine_dies_and_comes_back():
    with Cluster(3, ttl=5) as cluster:
        one, two, three = cluster.hosts
        create(one)
        known(two), known(three)
        put(one, "web")
        put(two, "db")
        put(three, "cache")
        wait_known(one, "db"), wait_known(three, "db")
        pings(one, "web", "db")
        before = address(two, "db")
        cable_down(two)
        two.agent.kill()
        wait_forgotten(one, "db")
        wait_forgotten(three, "db")
        assert not pings(one, "web", "db", check=False)
        wait_known(one, "cache")
        pings(one, "web", "cache")
        cable_up(two)
        two.start(5)
        wait_known(one, "db"), wait_known(three, "db"), wait_known(two, "web")
        wait_for("its traffic", lambda: pings(one, "web", "db", check=False))
        assert address(two, "db") == before
        pings(two, "db", "cache")


def test_an_agent_that_is_killed_leaves_all_as_it_is():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        create(one)
        known(two)
        put(one, "web", "gone")
        put(two, "db")
        wait_known(one, "db"), wait_known(two, "gone")
        keys = cluster.etcd.keys()
        devices, tunnels = [host.devices() for host in (one, two)], [tunnel(host) for host in (one, two)]
        for host in (one, two):
            host.agent.kill()
        two.start()
        wait_known(two, "web")
        # What ends while no agent looks is corrected by the next one.
        pings(two, "db", address_of(keys, "default/web"))
        one.start()
        wait_known(one, "db")
        assert [host.devices() for host in (one, two)] == devices
        wait_for("the same entries", lambda: [tunnel(host) for host in (one, two)] == tunnels)
        assert cluster.etcd.keys() == keys, (cluster.etcd.keys(), keys)
        pings(one, "web", "db")
        # The tunnel's entries are put back when somebody has flushed them.
        two.run("ip", "neigh", "flush", "dev", tunnel(two)[0], "nud", "permanent")
        two.agent.event("NetworkDrift")
        wait_for("the same entries", lambda: tunnel(two) == tunnels[1])


def test_a_link_that_loses_packets():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        create(one)
        known(two)
        put(one, "web", command="httpd -f -p 8080 -h /bin")
        put(two, "db")
        wait_known(two, "web")
        # Every twentieth frame that the switch passes on, etcd's too.
        cluster.etcd.run("nft", "-f", "-", text="table bridge lossy { chain forward { type filter hook forward priority 0; numgen random mod 20 < 1 drop; }; "
                         "chain input { type filter hook input priority 0; numgen random mod 20 < 1 drop; }; }")
        said = two.agent.mete("exec", "db", "--", "sh", "-c", "wget -q -O - http://web:8080/busybox | md5sum; md5sum < /bin/busybox").stdout.splitlines()
        assert len(said) == 2 and said[0] == said[1], said
        put(one, "more")
        wait_known(two, "more")
        wait_for("the name", lambda: pings(two, "db", "more", check=False))


def test_etcd_behind_tls_and_a_password():
    with Cluster(2, start=False) as cluster:
        etcd = cluster.etcd.start()
        for role in ("root", "mete"):
            etcd.ask("auth/role/add", name=role)
            etcd.ask("auth/user/add", name=role, password=role + "-secret")
            etcd.ask("auth/user/grant", user=role, role=role)
        etcd.ask("auth/role/grant", name="mete", perm={"permType": "READWRITE", "key": encoded("/mete/"), "range_end": encoded("/mete0")})
        etcd.ask("auth/enable")
        etcd.stop()
        ca = Authority(etcd.work + "/ca")
        cert, key = ca.sign("etcd", "IP:" + ETCD, "serverAuth,clientAuth")
        # Beside passwords etcd's JSON API takes no certificate with a common name, since it would not be the user.
        own = ca.sign("machine", "DNS:machine", "clientAuth", subject="/O=machine")
        etcd.start("--cert-file", cert, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", ca.cert, scheme="https")
        password = etcd.work + "/password"
        write(password, "mete-secret\n")
        one, two = cluster.hosts
        words = "caFile: %s, certFile: %s, keyFile: %s, username: mete, passwordFile: %s" % (ca.cert, *own, password)
        for host in (one, two):
            host.start(url="https://%s:2379" % ETCD, etcd=words)
            wait_for("etcd", lambda host=host: host.agent.metric("mete_network_overlay_connected") == 1)
        create(one)
        known(two)
        put(one, "web")
        put(two, "db")
        wait_known(one, "db")
        pings(one, "web", "db")
        # Without the certificate, and with another password: a sentence that says so.
        for wrong, told in ((words.replace("certFile: %s, keyFile: %s, " % own, ""), "etcd does not answer"),
                            (words.replace(password, etcd.work + "/ca/ca.key"), "etcd does not answer")):
            two.agent.stop()
            two.start(url="https://%s:2379" % ETCD, etcd=wrong)
            wait_told(two, told)
            assert two.agent.metric("mete_network_overlay_connected") == 0


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
