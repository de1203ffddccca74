# SPDX-License-Identifier: Apache-2.0
"""NetworkPolicies: who reaches a pod and whom it reaches, with traffic between pods, from this machine and from another one."""
import contextlib
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, run_tests, wait_for, with_config  # noqa: E402
from own_network import HOST, NEIGHBOUR, SERVER, get, inside, neighbours, run  # noqa: E402
from pods import documents, launch, pod  # noqa: E402


def bridged(*more):
    return Agent().start("--network", "bridge", *more)


def policy(spec, name="p"):
    return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s}\nspec: %s\n" % (name, spec)


def server(name, **more):
    """On port 8080, which has a name."""
    return pod(name, SERVER % name, "ports: [{name: http, containerPort: 8080}]", **more)


def ask(agent, client, url):
    return agent.mete("exec", client, "--", "timeout", "1", "wget", "-q", "-O", "-", "http://%s/" % url, check=False).stdout.strip()


def reaches(agent, client, name, port=8080):
    return ask(agent, client, "%s:%d" % (agent.pod(name)["podIP"], port)) == "hello-from-" + name


def settle(agent, client, name, wanted):
    wait_for("%s %s %s" % (client, "reaches" if wanted else "does not reach", name), lambda: reaches(agent, client, name) == wanted)


def test_a_closed_pod_is_reached_by_whom_a_policy_names():
    with bridged() as agent:
        launch(agent, documents(server("db"), server("web"), server("other")), "db", "web", "other")
        for client in ("web", "other", "db"):
            settle(agent, client, "db", True)
        agent.apply(policy("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: http}]}]}"))
        settle(agent, "other", "db", False)
        settle(agent, "web", "db", True)
        # It is closed in one direction; the machine reaches it, others do not.
        assert reaches(agent, "db", "other") and "hello-from-db" in get(agent.pod("db")["podIP"], 8080)
        # A pod that comes later is let in from its first packet on.
        late = pod("late", ["sh", "-c", "timeout 2 wget -q -O - http://%s:8080/ > /tmp/said; sleep 1000" % agent.pod("db")["podIP"]]).replace("{app: late", "{app: web")
        launch(agent, late, "late")
        wait_for("its first words", lambda: "hello-from-db" in agent.mete("exec", "late", "--", "cat", "/tmp/said", check=False).stdout)
        agent.mete("delete", "-f", "-", text=policy("{podSelector: {}}"))
        settle(agent, "other", "db", True)
        assert "closed-in4" not in run("nft", "list", "table", "inet", "mete").stdout


def test_ports_are_held_to():
    with bridged() as agent:
        more = SERVER % "db" + "& mkdir -p /two; echo hello-from-db > /two/index.html; exec httpd -f -p 8090 -h /two"
        launch(agent, documents(pod("db", more.replace("exec httpd -f -p 8080", "httpd -f -p 8080", 1)), server("web")), "db", "web")
        wait_for("both ports", lambda: reaches(agent, "web", "db", 8080) and reaches(agent, "web", "db", 8090))
        agent.apply(policy("{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 8085, endPort: 8095}, {protocol: UDP, port: 8080}]}]}"))
        settle(agent, "web", "db", False)
        assert reaches(agent, "web", "db", 8090)
        # Two rules about one packet are one: the kernel takes no two elements for it.
        agent.apply(policy("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}]}, {ports: [{port: 8080}]}, {}]}"))
        settle(agent, "web", "db", True)
        assert agent.mete("get", "netpol", "p").stdout.splitlines()[1].split()[:2] == ["p", "app=db"]
        assert agent.mete("delete", "networkpolicy/p").stdout == "NetworkPolicy default/p deleted\n"
        assert agent.mete("get", "networkpolicies").stdout == ""


def test_egress_and_blocks():
    with bridged() as agent:
        launch(agent, documents(server("web"), server("one"), server("two")), "web", "one", "two")
        settle(agent, "web", "one", True)
        pings = lambda: agent.mete("exec", "web", "--", "ping", "-c", "1", "-W", "1", NEIGHBOUR, check=False).returncode == 0  # noqa: E731
        wait_for("the way out", pings)
        block = "{ipBlock: {cidr: 10.77.0.0/16, except: [%s/32]}}" % agent.pod("two")["podIP"]
        agent.apply(policy("{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [%s]}]}" % block))
        settle(agent, "web", "two", False)
        assert reaches(agent, "web", "one") and reaches(agent, "two", "web"), "one direction alone"
        assert not pings()
        # Names are asked for at the machine, which is always reached.
        assert agent.pod("one")["podIP"] in agent.mete("exec", "web", "--", "nslookup", "-type=a", "one", "10.77.0.1").stdout


def link_local(container):
    return [line.split()[3].split("/")[0] for line in inside(container, "ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link").stdout.splitlines()][0]


def test_ipv6_is_held_as_ipv4_is():
    with Agent() as agent:
        agent.start("--network", "bridge", *with_config(agent, "network: {default: bridge, subnet6: 'fd00:77::/64'}"))
        launch(agent, documents(server("db"), server("web"), server("other")), "db", "web", "other")
        v6 = agent.pod("db")["podIPs"][1]
        hears = lambda client: ask(agent, client, "[%s]:8080" % v6) == "hello-from-db"  # noqa: E731
        pings = lambda client, address: inside(agent.container(client), "busybox", "ping6", "-c", "1", "-W", "1", address, check=False).returncode == 0  # noqa: E731
        own = link_local(agent.container("db")) + "%eth0"
        for client in ("web", "other"):
            wait_for("%s reaches it" % client, lambda: hears(client) and pings(client, own))  # noqa: B023
        agent.apply(policy("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}"))
        wait_for("it to be closed", lambda: not hears("other"))
        assert hears("web") and pings("web", own)
        assert not pings("other", own), "by its address of the link neither"
        inside(agent.container("web"), "ip", "-6", "neigh", "flush", "dev", "eth0")
        assert hears("web"), "whoever may reach it finds it"
        agent.apply(policy("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 'fd00:77::/64', except: ['%s/128']}}]}]}" % agent.pod("web")["podIPs"][1]))
        wait_for("the block", lambda: hears("other") and not hears("web"))


@contextlib.contextmanager
def watched_rules(path):
    """What changes in the rules meanwhile, as lines of `nft monitor`."""
    with open(path, "w") as file:
        monitor = subprocess.Popen(["stdbuf", "-oL", "nft", "monitor"], stdout=file)

    def lines():
        return open(path).read().splitlines()

    def listens():
        run("nft", "add", "table", "ip", "probe")
        run("nft", "delete", "table", "ip", "probe")
        return any("probe" in line for line in lines())
    try:
        wait_for("the monitor", listens)
        yield lines
    finally:
        monitor.kill()
        monitor.wait()


def test_a_pod_changes_its_own_elements_alone():
    with bridged() as agent:
        agent.apply(policy("{podSelector: {}, ingress: [{from: [{podSelector: {}}]}], policyTypes: [Ingress, Egress]}"))
        launch(agent, documents(*[pod("p%d" % i) for i in range(20)]), *["p%d" % i for i in range(20)])
        with watched_rules(agent.work + "/rules") as lines:
            launch(agent, pod("late"), "late")
            address = agent.pod("late")["podIP"]
            wait_for("its elements", lambda: sum(address in line for line in lines()) >= 3)
            told = [line for line in lines() if " inet mete " in line]
        assert len(told) == 3 and all("add element" in line and address in line for line in told), told


ECHO = """
import socket, sys
with socket.create_server(("0.0.0.0", 9000)) as server:
    print("ready", flush=True)
    peer = server.accept()[0]
    while True:
        peer.sendall(peer.recv(100))
"""
TALK = """
import socket, sys
peer = socket.create_connection((sys.argv[1], 9000), timeout=10)
for line in sys.stdin:
    peer.sendall(line.encode())
    print(peer.recv(100).decode(), end="", flush=True)
"""


@contextlib.contextmanager
def python_in(container, program, *words):
    with subprocess.Popen(["nsenter", "-t", str(container["pid"]), "-n", "python3", "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def test_connections_that_exist_go_on():
    with bridged() as agent:
        launch(agent, documents(pod("db"), server("web")), "db", "web")
        with python_in(agent.container("db"), ECHO) as echo:
            assert echo.stdout.readline() == "ready\n"
            with python_in(agent.container("web"), TALK, agent.pod("db")["podIP"]) as talk:
                def says(word):
                    talk.stdin.write(word + "\n")
                    talk.stdin.flush()
                    return talk.stdout.readline()
                assert says("before") == "before\n"
                agent.apply(policy("{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, Egress]}"))
                wait_for("the rules", lambda: agent.pod("db")["podIP"] in run("nft", "list", "map", "inet", "mete", "closed-in4", check=False).stdout)
                assert says("after") == "after\n"


def test_a_published_port_and_a_restart_of_the_agent():
    with bridged() as agent:
        published = pod("web", SERVER % "web", "ports: [{containerPort: 8080, hostPort: 8500}]")
        launch(agent, documents(published, server("other")), "web", "other")
        wait_for("the port", lambda: "hello" in neighbours[0].get(HOST, 8500))
        agent.apply(policy("{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}]}"))
        wait_for("it to be closed", lambda: "hello" not in neighbours[0].get(HOST, 8500, 1))
        agent.kill()
        assert "hello" not in neighbours[0].get(HOST, 8500, 1), "while no agent runs"
        agent.start("--network", "bridge")
        settle(agent, "other", "web", False)
        assert "hello" not in neighbours[0].get(HOST, 8500, 1)
        run("nft", "flush", "ruleset")
        agent.event("NetworkDrift")
        wait_for("the rules", lambda: "closed-in4" in run("nft", "list", "ruleset").stdout)
        settle(agent, "other", "web", False)
        agent.apply(policy("{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: %s/32}}]}]}" % NEIGHBOUR))
        wait_for("it to be open", lambda: "hello" in neighbours[0].get(HOST, 8500))
        assert not reaches(agent, "other", "web")


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
