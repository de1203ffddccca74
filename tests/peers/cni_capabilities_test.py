# SPDX-License-Identifier: Apache-2.0
"""What plugins of CNI networks are offered and asked: capabilities, and the newer commands STATUS, CHECK and GC."""
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from cni import DEBIAN, PORTMAP, cni, enter, on  # noqa: E402
from mete_agent import run_tests, skip_case, wait_for  # noqa: E402
from own_network import HOST, SERVER, get, inside, neighbours, run  # noqa: E402
from pods import delete, launch, pod  # noqa: E402


def test_published_ports_are_those_of_a_plugin():
    with cni(PORTMAP) as agent:
        launch(agent, on(command=SERVER % "web", lines="ports: [{containerPort: 8080, hostPort: 8701}]"))
        for address, ask in ((HOST, neighbours[0].get), ("127.0.0.1", get)):
            wait_for("the port to answer", lambda: "hello-from-web" in ask(address, 8701))  # noqa: B023
        assert "CNI-DN" in run("iptables", "-t", "nat", "-S").stdout
        # A port is one pod's, whoever leads there.
        agent.apply(on("late", lines="ports: [{containerPort: 8080, hostPort: 8701}]"))
        assert "published for pod default/web" in agent.refusal("late")
        delete(agent, "late", "web")
        agent.wait_clean()
        assert "CNI-DN-" not in run("iptables", "-t", "nat", "-S").stdout, "DEL has the ports that ADD had"


def test_what_no_plugin_takes_is_refused():
    with cni({"type": "witness"}, first={"type": "bridge", "bridge": "cni0", "ipam": {}}) as agent:
        for name, more, lines, capability in (("port", "", "ports: [{containerPort: 80, hostPort: 8702}]", "portMappings"),
                                              ("address", ", mete/ip: 10.99.0.9", "", "ips"),
                                              ("slow", ", kubernetes.io/ingress-bandwidth: 1M", "", "bandwidth")):
            agent.apply(on(name, more, lines=lines))
            told = agent.refusal(name)
            assert "network configuration shop: found no plugin with the capability %s, which the pod needs" % capability in told, told
        assert agent.heard("ADD") == []
        delete(agent, "port", "address", "slow")
        agent.wait_clean()


def test_each_plugin_gets_what_the_specification_says():
    offers = {"dns": True, "aliases": True, "portMappings": True, "bandwidth": True, "mac": True}
    with cni({"type": "witness", "capabilities": offers, "own": 7}, version="1.1.0", disableCheck="true") as agent:
        launch(agent, pod("web", spec="dnsConfig: {nameservers: [192.0.2.53], options: [{name: ndots, value: '3'}]}",
                          lines="ports: [{containerPort: 80, hostPort: 8703, protocol: UDP, hostIP: 192.0.2.1}]",
                          metadata=", annotations: {mete/network: shop, mete/aliases: front, mete/mac: '02:00:00:00:00:09', kubernetes.io/egress-bandwidth: 8M}"))
        uid = agent.pod("web")["uid"]
        asked = agent.heard("ADD")[0]
        environment, conf = asked["environment"], asked["conf"]
        assert environment["CNI_CONTAINERID"] == uid and environment["CNI_IFNAME"] == "eth0", environment
        assert environment["CNI_NETNS"] == agent.run + "/netns/" + uid and environment["CNI_PATH"] == agent.plugins + ":" + DEBIAN, environment
        assert "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;" in environment["CNI_ARGS"] and "IgnoreUnknown=1" in environment["CNI_ARGS"], environment
        assert "HOME" not in environment and "METE_BIN_DIR" not in environment, environment
        # Debian's bridge does not know 1.1.0: all speak the newest that all know.
        assert conf["cniVersion"] == "1.0.0" and conf["name"] == "shop" and conf["own"] == 7 and "capabilities" not in conf, conf
        assert conf["prevResult"]["ips"][0]["address"] == "10.99.0.2/24", conf
        offered = conf["runtimeConfig"]
        assert offered["portMappings"] == [{"containerPort": 80, "hostPort": 8703, "hostIP": "192.0.2.1", "protocol": "udp"}], offered
        assert offered["dns"] == {"servers": ["192.0.2.53"], "options": ["ndots:3"]} and "front" in offered["aliases"], offered
        assert offered["mac"] == "02:00:00:00:00:09", offered
        assert offered["bandwidth"] == {"egressRate": 8000000, "egressBurst": 524288}, offered
        delete(agent, "web")
        agent.wait_clean()
        gone = agent.heard("DEL")[-1]
        assert gone["conf"]["runtimeConfig"] == offered and gone["conf"]["prevResult"]["ips"] == conf["prevResult"]["ips"], gone
        assert {**gone["environment"], "CNI_COMMAND": "ADD"} == environment


def test_bandwidth_of_the_plugins():
    if run("ip", "link", "add", "ifb9", "type", "ifb", check=False).returncode != 0:
        skip_case("this kernel has no ifb")
    run("ip", "link", "del", "ifb9")
    with cni({"type": "bandwidth", "capabilities": {"bandwidth": True}}) as agent:
        launch(agent, on(more=", kubernetes.io/ingress-bandwidth: 8M, kubernetes.io/egress-bandwidth: 4M"))
        queues = run("tc", "qdisc", "show").stdout
        assert "rate 8Mbit" in queues and "rate 4Mbit" in queues, queues
        delete(agent, "web")
        agent.wait_clean()


def test_check_tells_what_is_wrong():
    with cni({"type": "witness"}) as agent:
        web = launch(agent, on())
        assert agent.mete("network", "check", "shop").stdout == "default/web: as it was connected\n"
        inside(web, "ip", "addr", "flush", "dev", "eth0")
        done = agent.mete("network", "check", "shop", check=False)
        assert done.returncode == 1 and "default/web: network configuration shop: plugin bridge, CHECK: " in done.stdout, done
        assert agent.heard("STATUS") == [], "1.0.0 has none"
        assert "found none of driver cni" in agent.mete("network", "check", "bridge", check=False).stderr


def test_status_and_garbage_of_new_plugins():
    with cni(first={"type": "witness"}, version="1.1.0") as agent:
        launch(agent, on())
        uid = agent.pod("web")["uid"]
        assert agent.heard("STATUS") and agent.heard("ADD")[0]["conf"]["cniVersion"] == "1.1.0"
        agent.mete("network", "gc", "shop")
        assert agent.heard("GC")[0]["conf"]["cni.dev/valid-attachments"] == [{"containerID": uid, "ifname": "eth0"}], agent.heard("GC")
        agent.tell("fail-STATUS")
        done = agent.mete("network", "create", "-d", "cni", "-o", "conf=shop", "other", check=False)
        assert done.returncode == 1 and "plugin witness, STATUS: told to fail" in done.stderr, done
        assert "other" not in agent.mete("network", "ls").stdout
        # Nothing gave it an address.
        assert "podIP" not in agent.pod("web") and agent.container("web")["state"] == "running", agent.pod("web")


if __name__ == "__main__":
    enter()
    run_tests(sys.modules[__name__])
