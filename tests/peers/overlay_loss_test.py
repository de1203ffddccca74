# SPDX-License-Identifier: Apache-2.0
"""Networks over several machines when machines, etcd, agents and cables come and go."""
import shutil
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from hosts import ETCD, Cluster, encoded  # noqa: E402
from mete_agent import need_root, run_tests, wait_for, write  # noqa: E402
from overlays import address, address_of, cable_down, cable_up, create, known, member, pings, put, sent, tunnel, wait_forgotten, wait_known, wait_told  # noqa: E402
from pods import delete, wait_restarted, wait_running  # noqa: E402
from web_site import Authority  # noqa: E402


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


def test_an_address_that_was_given_away_meanwhile():
    with Cluster(2, ttl=5) as cluster:
        one, two = cluster.hosts
        create(one)
        known(two)
        put(one, "web", "near")
        put(two, "db")
        wait_known(two, "web"), wait_known(one, "db")
        lost = address(one, "web")
        cable_down(one)
        wait_forgotten(two, "web")
        put(two, "heir", ip=lost)
        cable_up(one)
        assert lost in one.agent.event("OverlayConflict")["message"]
        wait_known(one, "heir"), wait_known(two, "near")
        # Those of its machine reach the old one, those of the other the new one.
        before = sent(one)
        pings(one, "near", lost)
        assert sent(one) == before
        pings(two, "db", lost)
        # Started anew it has another address.
        delete(one.agent, "web")
        put(one, "web")
        wait_known(two, "web")
        assert address(one, "web") != lost
        wait_for("the heir", lambda: pings(one, "web", "heir", check=False))


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


if __name__ == "__main__":
    need_root()
    run_tests(sys.modules[__name__])
