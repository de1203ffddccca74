# SPDX-License-Identifier: Apache-2.0
"""Networks over time: made and removed by name, mended when somebody changes them, names of their members, machines without them."""
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from own_network import SERVER, devices, get, libc, run, tables  # noqa: E402
from pods import container, delete, documents, launch, pod, wait_running  # noqa: E402


def bridged(*more):
    return Agent().start("--network", "bridge", *more)


def reach(port, name="web"):
    return wait_for("port %d to answer" % port, lambda: "hello-from-%s" % name in get("127.0.0.1", port))


def server(name="web", ports="", **more):
    return pod(name, SERVER % name, "ports: [%s]" % ports if ports else "", **more)


def test_flushed_rules_are_put_back_and_told():
    with bridged() as agent:
        launch(agent, server(ports="{containerPort: 8080, hostPort: 8401}"))
        reach(8401)
        for words in (("flush", "ruleset"), ("delete", "element", "inet", "mete", "ports4", "{ tcp . 8401 }"), ("flush", "chain", "bridge", "mete", "sender")):
            before = len(agent.events("NetworkDrift"))
            run("nft", *words)
            wait_for("it to be told", lambda: len(agent.events("NetworkDrift")) > before)  # noqa: B023
            reach(8401)
            wait_for("the rules", lambda: "8401" in run("nft", "list", "ruleset").stdout and "owners4" in run("nft", "list", "chain", "bridge", "mete", "sender", check=False).stdout)
        assert "nft" in agent.events("NetworkDrift")[0]["fields"]["found"], agent.events("NetworkDrift")


def test_rules_of_others_are_left_alone_and_their_changes_are_no_drift():
    with bridged() as agent:
        launch(agent, server(ports="{containerPort: 8080, hostPort: 8402}"))
        run("nft", "-f", "-", text="table inet others {\n chain c {\n type filter hook forward priority 5; policy accept;\n counter\n }\n}\n")
        run("nft", "add", "element", "inet", "mete", "ports4", "{ tcp . 9999 : 10.77.0.9 . 1 }")
        agent.event("NetworkDrift")
        wait_for("the rules", lambda: "9999" not in run("nft", "list", "ruleset").stdout)
        assert len(agent.events("NetworkDrift")) == 1, agent.events("NetworkDrift")
        assert "table inet others" in tables()
        run("nft", "delete", "table", "inet", "others")


def test_a_removed_bridge_is_made_again():
    with bridged() as agent:
        launch(agent, server(ports="{containerPort: 8080, hostPort: 8403}"))
        reach(8403)
        run("ip", "link", "del", "mete0")
        assert "was removed" in agent.event("NetworkDrift")["message"]
        reach(8403)


def test_networks_by_name():
    before = {each for each in devices() if each.startswith("mtb")}  # of agents that have ended
    with bridged() as agent:
        assert agent.mete("network", "create", "shop", "--subnet", "10.91.0.0/24", "--label", "a=b").stdout == "shop\n"
        for words, why in ((("shop",), "expected a free name"), (("a b",), "expected at most 64"), (("two", "--subnet", "10.91.0.0/25"), "network shop has"), (("two", "--subnet", "192.0.2.0/25"), "in use on cable")):
            refused = agent.mete("network", "create", *words, check=False)
            assert refused.returncode != 0 and why in refused.stderr, (words, refused)
        launch(agent, pod("in", metadata=", annotations: {mete/network: shop, mete/ip: 10.91.0.77}"), "in")
        assert agent.pod("in")["podIP"] == "10.91.0.77"
        assert "10.91.0.0/24" in agent.mete("network", "ls").stdout
        assert "default/in" in agent.mete("network", "inspect", "shop").stdout
        refused = agent.mete("network", "rm", "shop", check=False)
        assert refused.returncode != 0 and "default/in" in refused.stderr, refused
        # A range that the machine uses is passed over.
        run("ip", "addr", "add", "10.78.0.5/24", "dev", "cable")
        agent.mete("network", "create", "spare")
        spare = next(each for each in json.loads(agent.mete("network", "ls", "-o", "json").stdout)["networks"] if each["name"] == "spare")
        assert spare["subnet"] != "10.78.0.0/24", spare
        run("ip", "addr", "del", "10.78.0.5/24", "dev", "cable")
        assert agent.mete("network", "prune").stdout == "spare\n"
        agent.kill()
        agent.start("--network", "bridge")
        assert agent.pod("in")["podIP"] == "10.91.0.77"
        delete(agent, "in")
        wait_for("the pod to be out of it", lambda: agent.mete("network", "rm", "shop", check=False).returncode == 0)
        assert agent.mete("network", "inspect", "shop", check=False).returncode != 0
        wait_for("its bridge to go", lambda: {each for each in devices() if each.startswith("mtb")} <= before)
        agent.apply(pod("nowhere", metadata=", annotations: {mete/network: shop}"))
        assert "found no network of that name" in agent.event("CreateContainerError")["message"]


def test_a_further_network_while_the_pod_runs():
    with bridged() as agent:
        agent.mete("network", "create", "back", "--subnet", "10.92.0.0/24")
        launch(agent, documents(pod("front"), server("db", metadata=", annotations: {mete/network: back}")), "front", "db")
        ask = ["nslookup", "-type=a", "db", "10.77.0.1"]
        address = agent.pod("db")["podIP"]
        fetch = ["timeout", "1", "wget", "-q", "-O", "-", "http://%s:8080/" % address]
        assert "hello" not in agent.mete("exec", "front", "--", *fetch, check=False).stdout
        assert address not in agent.mete("exec", "front", "--", *ask, check=False).stdout
        agent.mete("network", "connect", "--ip", "10.92.0.77", "back", "front")
        assert agent.pod("front")["furtherNetworks"] == [{"name": "back", "address": "10.92.0.77", "device": "eth1"}], agent.pod("front")
        wait_for("the other network's pod", lambda: "hello-from-db" in agent.mete("exec", "front", "--", *fetch, check=False).stdout)
        assert address in agent.mete("exec", "front", "--", *ask).stdout
        assert "default via 10.77.0.1 dev eth0" in agent.mete("exec", "front", "--", "ip", "route").stdout
        for words, why in ((("connect", "back", "front"), "already"), (("connect", "none", "front"), "found no network"), (("connect", "back", "nobody"), "There is no pod default/nobody"),
                           (("disconnect", "bridge", "db"), "not in network")):
            refused = agent.mete("network", *words, check=False)
            assert refused.returncode != 0 and why in refused.stderr, (words, refused)
        assert agent.mete("network", "rm", "back", check=False).returncode != 0
        agent.kill()
        agent.start("--network", "bridge")
        assert "hello-from-db" in agent.mete("exec", "front", "--", *fetch).stdout
        agent.mete("network", "disconnect", "back", "front")
        assert agent.pod("front")["furtherNetworks"] == []
        assert "eth1" not in agent.mete("exec", "front", "--", "ip", "link").stdout
        assert "10.92.0.77" not in run("nft", "list", "ruleset").stdout
        # And with the pod.
        agent.mete("network", "connect", "back", "front")
        delete(agent, "front", "db")
        wait_for("nobody to be in it", lambda: agent.mete("network", "rm", "back", check=False).returncode == 0)
        assert os.listdir(agent.state + "/networks/endpoints") == []


def test_a_pod_in_the_network_of_another():
    with bridged() as agent:
        sharing = ", annotations: {mete/network: 'container:web'}"
        agent.apply(pod("beside", metadata=sharing))
        assert "found no pod default/web" in agent.event("CreateContainerError")["message"]
        launch(agent, server("web"), "web")
        wait_running(agent, "beside")
        assert agent.pod("beside")["podIP"] == agent.pod("web")["podIP"]
        fetch = ["timeout", "5", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"]
        assert "hello-from-web" in agent.mete("exec", "beside", "--", *fetch).stdout
        agent.apply(pod("wrong", "sleep 1000", "ports: [{containerPort: 1, hostPort: 8410}]", metadata=sharing))
        wait_for("the port to be refused", lambda: [each for each in agent.events("CreateContainerError") if "expected the ports with that pod" in each["message"]])
        agent.kill()
        agent.start("--network", "bridge")
        assert agent.pod("beside")["podIP"] == agent.pod("web")["podIP"]
        delete(agent, "web")
        wait_for("its address to go", lambda: agent.pod("beside").get("podIP") is None)
        launch(agent, server("web"), "web")
        delete(agent, "web", "beside", "wrong")
        wait_for("all to go", lambda: not [each for each in devices() if each.startswith("mte") and each != "mete0"])


def test_a_pod_in_the_namespace_of_one_that_is_in_no_network():
    # Nothing of it needs a bridge: the agent has no networks.
    with Agent().start() as agent:
        sharing = ", annotations: {mete/network: 'container:%s'}"
        web = pod("web", SERVER % "web", more=container("second"))
        agent.apply(documents(pod("beside", metadata=sharing % "web"), pod("third", metadata=sharing % "beside")))
        wait_for("both to be told", lambda: len(agent.events("CreateContainerError")) >= 2)
        launch(agent, web, "web")
        fetch = ["timeout", "5", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"]
        for name in ("beside", "third"):
            wait_running(agent, name)
            assert "hello-from-web" in agent.mete("exec", name, "--", *fetch).stdout, name
        agent.kill()
        agent.start()
        assert "hello-from-web" in agent.mete("exec", "third", "--", *fetch).stdout
        # The machine's network, with its files of names and its settings.
        launch(agent, documents(pod("front", spec="hostNetwork: true"), pod("side", metadata=sharing % "front", spec="hostAliases: [{ip: 192.0.2.7, hostnames: [friend]}]")), "front", "side")
        own = os.readlink("/proc/self/ns/net")
        assert agent.mete("exec", "side", "--", "readlink", "/proc/self/ns/net").stdout.strip() == own
        hosts = agent.mete("exec", "side", "--", "cat", "/etc/hosts").stdout
        assert open("/etc/hosts").read().strip() in hosts and "192.0.2.7\tfriend" in hosts, hosts
        for name, spec, why in (("users", "hostUsers: false", "no user namespace"), ("sysctls", "securityContext: {sysctls: [{name: net.core.somaxconn, value: '9'}]}", "no setting net.core.somaxconn")):
            agent.apply(pod(name, metadata=sharing % "front", spec=spec))
            wait_for(name + " to be refused", lambda: [each for each in agent.events("CreateContainerError") if why in each["message"]])  # noqa: B023
        delete(agent, "web", "beside", "third", "front", "side", "users", "sysctls")
        assert os.listdir(agent.state + "/networks/endpoints") == [] and not [each for each in devices() if each.startswith("mte")]


class Server:
    """Somebody's name server: answers every question with 192.0.2.53."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.asked = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            end = query.index(b"\0", 12) + 5
            self.asked.append(query[12:end])
            kind = query[end - 4:end - 2]
            record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04" + socket.inet_aton("192.0.2.53") if kind == b"\0\x01" else b""
            self.socket.sendto(query[:2] + b"\x81\x80\0\x01\0" + bytes([1 if record else 0]) + b"\0\0\0\0" + query[12:end] + record, peer)


def test_members_are_found_by_name_and_all_others_by_the_machine():
    with bridged() as agent:
        Server("127.0.0.9")
        resolv = agent.work + "/resolv.conf"
        open(resolv, "w").write("nameserver 127.0.0.9\nsearch example.org\n")
        if libc.unshare(0x20000) != 0 or subprocess.run(["mount", "--make-rprivate", "/"]).returncode or subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"]).returncode:
            raise AssertionError("cannot give the agent a resolv.conf of its own")
        agent.stop()
        agent.start("--network", "bridge")
        launch(agent, documents(server("web", metadata=", annotations: {mete/aliases: 'shop, front.local'}"), pod("asker")), "web", "asker")
        address = agent.pod("web")["podIP"]
        assert agent.mete("exec", "asker", "--", "cat", "/etc/resolv.conf").stdout == "search example.org\nnameserver 10.77.0.1\n"
        for name in ("web", "web.default", "shop", "front.local", "WEB"):
            assert address in agent.mete("exec", "asker", "--", "nslookup", "-type=a", name, "10.77.0.1").stdout, name
        assert "192.0.2.53" in agent.mete("exec", "asker", "--", "nslookup", "-type=a", "elsewhere.example.com", "10.77.0.1").stdout
        agent.mete("network", "create", "apart", "--subnet", "10.93.0.0/24")
        launch(agent, pod("stranger", metadata=", annotations: {mete/network: apart}"), "stranger")
        assert address not in agent.mete("exec", "stranger", "--", "nslookup", "-type=a", "web", "10.93.0.1", check=False).stdout


def without_nftables():
    """The kernel has none: socket(AF_NETLINK, ..., NETLINK_NETFILTER) fails with EPROTONOSUPPORT."""
    load, equal, end = 0x20, 0x15, 0x06  # BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K
    steps = [(load, 0, 0, 0), (equal, 0, 5, 41), (load, 0, 0, 16), (equal, 0, 3, 16), (load, 0, 0, 32), (equal, 0, 1, 12), (end, 0, 0, 0x00050000 | 93), (end, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    assert libc.prctl(22, 2, program) == 0, "PR_SET_SECCOMP"


def test_where_the_kernel_has_no_rules_pods_start_without_a_network():
    with Agent() as agent:
        agent.process = subprocess.Popen(agent.words("agent", "--manifests", agent.manifests, "--cgroup-parent", agent.parent, "--listen", "127.0.0.1:0"),
                                         stderr=open(agent.log, "a"), stdin=subprocess.DEVNULL, preexec_fn=without_nftables)
        wait_for("the agent to be ready", lambda: agent.listens() and agent.ready())
        launch(agent, pod("web"))
        assert "Protocol not supported" in agent.event("NoNetwork")["message"]
        assert agent.pod("web").get("podIP") is None
        agent.apply(server("published", "{containerPort: 8080, hostPort: 8404}"))
        assert "Protocol not supported" in agent.event("CreateContainerError")["message"]


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
