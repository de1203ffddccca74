# SPDX-License-Identifier: Apache-2.0
"""What is done with a network over several machines in nearly every test of them."""
import json
import re
import struct

from mete_agent import wait_for
from pods import launch, pod


def create(host, name="shop", *more):
    return host.agent.mete("network", "create", "-d", "overlay", *(more or ("--subnet", "10.90.0.0/24")), name)


def member(name, command="sleep 1000", network="shop", ip="", **more):
    return pod(name, command, metadata=", annotations: {mete/network: %s%s}" % (network, ", mete/ip: " + ip if ip else ""), **more)


def known(host, name="shop"):
    return wait_for("network %s on machine %d" % (name, host.number), lambda: name in host.agent.mete("network", "ls").stdout)


def pings(host, name, target, count=1, check=True):
    """Whether the target answers. Where it has to: soon, as one packet alone may be lost on a busy machine."""
    def answered():
        return host.agent.mete("exec", name, "--", "ping", "-c", str(count), "-W", "5", target, check=False).returncode == 0
    return wait_for("%s to hear %s" % (name, target), answered) if check else answered()


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


def counted(host, *words):
    """Packets that the rules with these words have dropped."""
    found = [line for line in host.run("nft", "list", "table", "inet", "mete").stdout.splitlines() if "drop" in line and all(each in line for each in words)]
    assert found, (words, host.run("nft", "list", "table", "inet", "mete").stdout)
    return sum(int(re.search(r"packets (\d+)", line).group(1)) for line in found)


def received(host, name):
    """Frames that came in by the network's device for other machines."""
    device = "mtx" + inspected(host, name)[0]["device"][3:]
    return int(json.loads(host.run("ip", "-s", "-j", "link", "show", device).stdout)[0]["stats64"]["rx"]["packets"])


def vxlan_packet(vni, to_mac):
    """A frame of nobody to a pod's hardware address."""
    frame = bytes.fromhex(to_mac.replace(":", "")) + bytes.fromhex("020000000001") + b"\x08\x00" + bytes(46)
    return struct.pack("!II", 0x08000000, vni << 8) + frame


def hardware(host, pod, name):
    return next(each["mac"] for each in inspected(host, name)[0]["pods"] if each["pod"] == "default/" + pod)


def send_vxlan(host, pid, packet, *machines):
    """From the network of the process to each of these addresses."""
    host.run("nsenter", "-t", str(pid), "-n", "python3", "-c", SEND, packet.hex(), *machines)


SEND = """
import socket, sys
for each in sys.argv[2:]:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes.fromhex(sys.argv[1]), (each, 4789))
"""
