# SPDX-License-Identifier: Apache-2.0
"""Networks over several machines that are encrypted (WireGuard): what is on the wire, what comes beside the tunnel, keys, and kernels without it."""
import base64
import json
import os
import re
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from docker_api import Docker  # noqa: E402
from hosts import ETCD, Cluster, encoded  # noqa: E402
from mete_agent import need_root, run_tests, skip_case, wait_for  # noqa: E402
from overlays import address, counted, create, hardware, inspected, known, member, pings, put, received, send_vxlan, tunnel, vxlan_packet, wait_known, wait_told  # noqa: E402,E501
from pods import delete  # noqa: E402
from wire import Wire  # noqa: E402

PORT, VXLAN = 14789, 4789
PATTERN = b"B" * 40  # of `ping -p 42`
DATA = 4  # a packet of WireGuard with something in it
KEY = "overlay-key"


def need_wireguard(host, there=True):
    made = host.run("ip", "link", "add", "probe", "type", "wireguard", check=False)
    if made.returncode == 0:
        host.run("ip", "link", "del", "probe")
    if (made.returncode == 0) != there:
        skip_case("this kernel has no WireGuard" if there else "this kernel has WireGuard")


def create_secret(host):
    create(host, "secret", "--opt", "encrypted", "--subnet", "10.91.0.0/24")


def wireguard(host):
    """The machine's end, as `mete network inspect` tells it."""
    return inspected(host, "secret")[0]["overlay"]["wireguard"]


def index_of(place, device):
    return json.loads(place.run("ip", "-j", "link", "show", device).stdout)[0]["ifindex"]


def own_link(place, device):
    """Its address of the link."""
    return wait_for("an address of the link", lambda: re.search(r"inet6 (fe80\S+)/", place.run("ip", "-6", "addr", "show", device).stdout)).group(1)


def inside(host, pod, *words, **how):
    """In the pod's network, also while no agent runs."""
    return host.run("nsenter", "-t", str(host.pids[pod]), "-n", *words, **how)


def remember(host, *pods):
    host.pids = {each: host.agent.container(each)["pid"] for each in pods}


def reaches(host, pod, target):
    return inside(host, pod, "ping", "-c", "1", "-W", "3", target, check=False).returncode == 0


def pattern(host, pod, target):
    return inside(host, pod, "ping", "-c", "2", "-W", "5", "-p", "42", target)


def only_wireguard(wire, cluster):
    """Everything between the machines since the last look, which is encrypted."""
    frames = wire.frames()
    assert not [each for each in frames if PATTERN in each], "plain text is on the wire"
    packets = Wire.between(frames, *cluster.hosts)
    assert packets and all(each.port == PORT for each in packets), [(each.source, each.to, each.protocol, each.port) for each in packets]
    return [each for each in packets if each.payload[0] == DATA]


def test_a_kernel_without_wireguard_says_so():
    with Cluster(1) as cluster:
        one = cluster.hosts[0]
        need_wireguard(one, there=False)
        refused = one.agent.mete("network", "create", "-d", "overlay", "--opt", "encrypted", "secret", check=False)
        assert refused.returncode != 0 and "kernel without WireGuard" in refused.stderr, refused
        told = Docker(one.agent).ask("POST", "/networks/create", {"Name": "secret", "Driver": "overlay", "Options": {"encrypted": ""}})
        assert told.status >= 400 and "kernel without WireGuard" in told.message, told.body
        assert "secret" not in one.agent.mete("network", "ls").stdout
        assert cluster.etcd.keys() == {}, cluster.etcd.keys()
        assert not [each for each in one.devices() if each.startswith(("mtw", "mtx"))], one.devices()
        wrong = one.agent.mete("network", "create", "-d", "overlay", "--opt", "encrypted=perhaps", "secret", check=False)
        assert wrong.returncode != 0 and "expected true, false or nothing" in wrong.stderr, wrong
        # One that another machine has made: no pod is in it here, in plain text least of all.
        record = {"encryptedVni": 7143424, "subnet": "10.91.0.0/24", "mtu": 1350}
        cluster.etcd.ask("kv/put", key=encoded("/mete/networks/secret"), value=encoded(json.dumps(record)))
        known(one, "secret")
        one.agent.apply(member("web", network="secret"))
        assert "kernel without WireGuard" in wait_told(one, "kernel without WireGuard")
        assert not [each for each in one.devices() if each.startswith(("mtw", "mtx"))], one.devices()
        delete(one.agent, "web")
        # Encryption that is switched off is none.
        create(one, "open", "--opt", "encrypted=false", "--subnet", "10.92.0.0/24")
        assert inspected(one, "open")[0]["overlay"]["encrypted"] is False


def test_nothing_is_plain_on_the_wire():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        need_wireguard(one)
        wire = Wire(cluster.etcd)
        create_secret(one)
        create(two, "open", "--subnet", "10.92.0.0/24")
        known(two, "secret"), known(one, "open")
        put(one, "web", network="secret")
        put(two, "db", network="secret")
        wait_known(one, "db", "secret"), wait_known(two, "web", "secret")
        remember(one, "web"), remember(two, "db")
        wait_for("the name", lambda: pings(one, "web", "db", check=False))
        pings(two, "db", "web")
        pattern(one, "web", address(two, "db"))
        assert len(only_wireguard(wire, cluster)) >= 8  # questions and answers of each ping
        # What an ear on the wire hears of a network that is not encrypted, of the same pods.
        one.agent.mete("network", "connect", "--ip", "10.92.0.8", "open", "web")
        two.agent.mete("network", "connect", "--ip", "10.92.0.9", "open", "db")
        wait_known(one, "db", "open"), wait_known(two, "web", "open")
        wait_for("the plain network", lambda: reaches(one, "web", "10.92.0.9"))
        pattern(one, "web", "10.92.0.9")
        frames = wire.frames()
        assert [each for each in frames if PATTERN in each]
        assert VXLAN in {each.port for each in Wire.between(frames, one, two)}
        # The largest packet that passes, as a whole.
        assert "mtu 1350" in inside(one, "web", "ip", "link", "show", "eth0").stdout
        assert inside(one, "web", "ping", "-c", "1", "-W", "5", "-s", "1322", address(two, "db")).returncode == 0
        assert max(len(each.frame) for each in only_wireguard(wire, cluster)) <= 1514

        refuse_what_comes_beside(one, two, cluster)
        keep_keys(one, two, cluster)

        for host, pod in ((one, "web"), (two, "db")):
            delete(host.agent, pod)
        for name in ("secret", "open"):
            wait_for("%s to be free" % name, lambda name=name: one.agent.mete("network", "rm", name, check=False).returncode == 0)
        wait_for("nothing in etcd", lambda: cluster.etcd.keys() == {})
        for host in cluster.hosts:
            # Not the ends of pods: in the emulated kernel they were still there after minutes, and it is not known yet who holds them.
            wait_for("its devices to go", lambda host=host: not [each for each in host.devices() if each.startswith(("mtb", "mtx", "mtw"))])
            assert not host.run("ip", "-6", "route", "show", "fd6d:6574:6577:6700::/64").stdout


def refuse_what_comes_beside(one, two, cluster):
    """Packets with the network's number, and a pod's hardware address, that no tunnel has brought."""
    number = inspected(one, "secret")[0]["overlay"]["vni"]
    packet = vxlan_packet(number, hardware(one, "web", "secret"))
    came, dropped = received(one, "secret"), counted(one, "dport 4789", "0x%x" % number)
    with cluster.etcd.entered(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        for _ in range(3):
            sender.sendto(packet, (own_link(one, "cable"), VXLAN, 0, index_of(cluster.etcd, "switch")))
    wait_for("them to be dropped", lambda: counted(one, "dport 4789", "0x%x" % number) >= dropped + 3)
    assert received(one, "secret") == came
    # What a pod sends into the tunnel, or as VXLAN, is not the machine's.
    before = counted(one, "iifname", "dport 4789")
    send_vxlan(one, one.pids["web"], packet, two.address, one.address)
    assert counted(one, "iifname", "dport 4789") == before + 2
    assert received(one, "secret") == came


def keep_keys(one, two, cluster):
    """The private key is in its file alone; the public one is told."""
    ends = [wireguard(host) for host in (one, two)]
    assert ends[0]["publicKey"] != ends[1]["publicKey"] and all(each["port"] == PORT for each in ends), ends
    records = cluster.etcd.keys()
    told = [value for key, value in records.items() if key.startswith("/mete/hosts/")]
    assert sorted(json.loads(each)["publicKey"] for each in told) == sorted(each["publicKey"] for each in ends), told
    for host in (one, two):
        path = host.agent.state + "/networks/" + KEY
        assert os.stat(path).st_mode & 0o7777 == 0o600
        secret = open(path).read().strip()
        assert len(base64.b64decode(secret)) == 32
        everything = [*records.values(), host.agent.log_text(), json.dumps(inspected(host, "secret")), host.agent.mete("events", "-o", "json").stdout,
                      host.agent.get("/metrics")]
        assert not [each for each in everything if secret in each or base64.b64decode(secret).hex() in each]
    assert inspected(one, "secret")[0]["options"] == {"encrypted": ""}
    assert Docker(one.agent).get("/networks/secret")["Options"].get("encrypted") == ""
    assert one.agent.metric("mete_network_overlay_encrypted", network="secret") == 1
    assert one.agent.metric("mete_network_overlay_encrypted", network="open") == 0
    assert one.agent.metric("mete_network_overlay_unreached_machines", network="secret") == 0


def test_agents_keys_and_devices_come_and_go():
    with Cluster(2) as cluster:
        one, two = cluster.hosts
        need_wireguard(one)
        wire = Wire(cluster.etcd)
        create_secret(one)
        known(two, "secret")
        put(one, "web", network="secret")
        put(two, "db", network="secret")
        wait_known(one, "db", "secret"), wait_known(two, "web", "secret")
        remember(one, "web"), remember(two, "db")
        there = address(two, "db")
        wait_for("the first ping", lambda: reaches(one, "web", there))
        # kill -9: traffic goes on, and the next agent takes over the device with its sessions.
        end = wireguard(one)
        index = index_of(one, end["device"])
        one.agent.kill()
        assert reaches(one, "web", there)
        one.start()
        wait_known(one, "db", "secret")
        assert reaches(one, "web", there)
        assert index_of(one, end["device"]) == index and wireguard(one) == end
        assert not [each for each in one.agent.events("NetworkDrift")], one.agent.events("NetworkDrift")
        # A new key, while etcd knows the old one.
        two.agent.kill()
        os.remove(two.agent.state + "/networks/" + KEY)
        old = [json.loads(value)["publicKey"] for key, value in cluster.etcd.keys().items() if key.startswith("/mete/hosts/")]
        two.start()
        wait_known(two, "web", "secret")
        assert wireguard(two)["publicKey"] not in old
        wait_for("the new key", lambda: reaches(one, "web", there))
        assert len(one.run("ip", "-6", "route", "show", "fd6d:6574:6577:6700::/64").stdout.splitlines()) == 2
        # Somebody takes the device down, and the rules away: nothing leaves in plain text, and all is put back.
        only_wireguard(wire, cluster)
        one.run("ip", "link", "set", end["device"], "down")
        one.run("ip", "-6", "route", "add", "default", "via", own_link(cluster.etcd, "switch"), "dev", "cable")
        one.run("nft", "delete", "table", "inet", "mete")
        inside(one, "web", "ping", "-c", "3", "-W", "1", "-p", "42", there, check=False)
        assert not [each for each in wire.frames() if PATTERN in each or b"\xfd\x6d\x65\x74\x65\x77\x67\x00" in each]
        wait_for("it to be put back", lambda: reaches(one, "web", there))
        one.run("ip", "link", "del", end["device"])
        wait_for("it to be made again", lambda: reaches(one, "web", there))
        assert one.agent.event("NetworkDrift")
        # A machine that has no key: it is told, and sent nothing.
        stranger = {"mac": "02:6d:0a:5b:00:63", "host": "00000000000000a1", "vtep": ETCD, "names": ["default/old", "old"]}
        cluster.etcd.ask("kv/put", key=encoded("/mete/members/secret/10.91.0.99"), value=encoded(json.dumps(stranger)))
        told = one.agent.event("OverlayUnreached", network="secret", machine=ETCD)
        assert "etcd has no key of it" in told["message"], told
        assert one.agent.metric("mete_network_overlay_unreached_machines", network="secret") == 1
        assert "02:6d:0a:5b:00:63" not in "".join(tunnel(one)[1])
        wire.frames()
        assert not reaches(one, "web", "10.91.0.99")
        assert not [each for each in Wire.between(wire.frames(), one, cluster.etcd) if each.protocol == 17]
        # Traffic goes on while etcd is gone.
        cluster.etcd.stop()
        one.agent.event("OverlayLost")
        assert reaches(one, "web", there) and reaches(two, "db", address(one, "web"))


if __name__ == "__main__":
    need_root()
    run_tests(sys.modules[__name__])
