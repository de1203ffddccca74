# SPDX-License-Identifier: Apache-2.0
"""Networks over time: made and removed by name, mended when somebody changes them, names of their members, machines without them."""
import socket
import subprocess
import sys
import threading

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from own_network import SERVER, devices, get, libc, run, tables  # noqa: E402
from pods import delete, documents, launch, pod  # noqa: E402


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
        agent.mete("network", "create", "spare")
        assert agent.mete("network", "prune").stdout == "spare\n"
        agent.kill()
        agent.start("--network", "bridge")
        assert agent.pod("in")["podIP"] == "10.91.0.77"
        delete(agent, "in")
        wait_for("the pod to be out of it", lambda: agent.mete("network", "rm", "shop", check=False).returncode == 0)
        assert agent.mete("network", "inspect", "shop", check=False).returncode != 0
        wait_for("its bridge to go", lambda: not [each for each in devices() if each.startswith("mtb")])
        agent.apply(pod("nowhere", metadata=", annotations: {mete/network: shop}"))
        assert "found no network of that name" in agent.event("CreateContainerError")["message"]


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
        assert agent.mete("exec", "asker", "--", "cat", "/etc/resolv.conf").stdout == "nameserver 10.77.0.1\nsearch example.org\n"
        for name in ("web", "web.default", "shop", "front.local", "WEB"):
            assert address in agent.mete("exec", "asker", "--", "nslookup", "-type=a", name, "10.77.0.1").stdout, name
        assert "192.0.2.53" in agent.mete("exec", "asker", "--", "nslookup", "-type=a", "elsewhere.example.com", "10.77.0.1").stdout
        assert "hello-from-web" in agent.mete("exec", "asker", "--", "wget", "-T", "5", "-q", "-O", "-", "http://web:8080/").stdout
        agent.mete("network", "create", "apart")
        launch(agent, pod("stranger", metadata=", annotations: {mete/network: apart}"), "stranger")
        assert address not in agent.mete("exec", "stranger", "--", "nslookup", "-type=a", "web", "10.78.0.1", check=False).stdout


def test_without_the_right_pods_start_without_a_network():
    with Agent() as agent:
        agent.process = subprocess.Popen(["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin",
                                          *agent.words("agent", "--manifests", agent.manifests, "--cgroup-parent", agent.parent, "--listen", "127.0.0.1:0")],
                                         stderr=open(agent.log, "a"), stdin=subprocess.DEVNULL)
        wait_for("the agent to be ready", lambda: agent.listens() and agent.ready())
        launch(agent, pod("web"))
        assert "Operation not permitted" in agent.event("NoNetwork")["message"]
        assert agent.pod("web").get("podIP") is None
        agent.apply(server("published", "{containerPort: 8080, hostPort: 8404}"))
        assert "Operation not permitted" in agent.event("CreateContainerError")["message"]


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
