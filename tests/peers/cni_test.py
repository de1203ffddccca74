# SPDX-License-Identifier: Apache-2.0
"""Pods in networks of CNI plugins: those of Debian's containernetworking-plugins, and one of this test's own that remembers what it is asked and
fails, hangs or floods when it is told to."""
import glob
import json
import os
import stat
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from docker_api import Docker  # noqa: E402
from leftovers import kill, processes_naming  # noqa: E402
from mete_agent import Agent, run_tests, skip, skip_case, wait_for, with_config, write  # noqa: E402
from own_network import HOST, SERVER, devices, get, inside, neighbours, run  # noqa: E402
from pods import delete, documents, launch, output, pod, wait_gone, wait_running  # noqa: E402

DEBIAN = "/usr/lib/cni"
WITNESS = """#!/usr/bin/python3
import json, os, sys, time
folder = os.path.dirname(sys.argv[0])
command, conf = os.environ["CNI_COMMAND"], json.load(sys.stdin)
with open(folder + "/log", "a") as file:
    file.write(json.dumps({"command": command, "environment": dict(os.environ), "conf": conf}) + "\\n")
def told(what):
    return os.path.exists(folder + "/" + what + "-" + command)
if told("hang"):
    time.sleep(1000)
if told("flood"):
    print("x" * (2 << 20))
if told("fail"):
    print(json.dumps({"cniVersion": conf["cniVersion"], "code": 50, "msg": "told to fail", "details": "by the test"}))
    sys.exit(1)
if command == "VERSION":
    print(json.dumps({"cniVersion": conf["cniVersion"], "supportedVersions": ["0.3.1", "0.4.0", "1.0.0", "1.1.0"]}))
if command == "ADD":
    print(json.dumps(conf.get("prevResult", {"cniVersion": conf["cniVersion"]})))
"""


class Cni(Agent):
    """An agent with a folder of configurations and one of plugins beside Debian's."""

    def __init__(self, timeout):
        super().__init__()
        self.plugins = self.work + "/plugins"
        for each in (self.plugins, self.work + "/net.d"):
            os.mkdir(each)
        write(self.plugins + "/witness", WITNESS)
        os.chmod(self.plugins + "/witness", stat.S_IRWXU)
        self.config = with_config(self, "network:\n  cni: {configurations: [%s/net.d], plugins: [%s, %s], timeout: %s}\n"
                                  % (self.work, self.plugins, DEBIAN, timeout))
        self.begin_again()

    def begin_again(self):
        self.start(*self.config)

    def put(self, conf):
        write("%s/net.d/%s.conflist" % (self.work, conf["name"]), json.dumps(conf))

    def tell(self, what, on=True):
        path = self.plugins + "/" + what
        write(path, "") if on else os.unlink(path)

    def heard(self, command):
        """What the witness was asked, of this command."""
        path = self.plugins + "/log"
        calls = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
        return [each for each in calls if each["command"] == command]

    def refusal(self, name="web"):
        """Why a container of the pod does not start."""
        def told():
            return [each["message"] for each in self.events("CreateContainerError") if each["pod"] == "default/" + name]
        return wait_for("%s to be refused" % name, told)[0]

    def leases(self, network="shop"):
        return sorted(os.path.basename(each) for each in glob.glob("%s/leases/%s/[0-9a-f]*[0-9]" % (self.work, network)))

    def left(self):
        """What is on this machine for pods of CNI networks."""
        folder = self.state + "/networks/attachments"
        records = os.listdir(folder) if os.path.exists(folder) else []
        return [records, [each for each in self.mounts() if "/netns/" in each], [each for each in devices() if each.startswith(("veth", "ifb", "bwp"))]]

    def wait_clean(self):
        wait_for("nothing to be left", lambda: self.left() == [[], [], []])
        assert self.leases() == [], self.leases()


def ipam(folder, *subnets):
    return {"type": "host-local", "dataDir": folder, "ranges": [[each if isinstance(each, dict) else {"subnet": each}] for each in subnets]}


def bridge(work, *subnets, **more):
    return {"type": "bridge", "bridge": "cni0", "isGateway": True, "isDefaultGateway": True, "hairpinMode": True, "capabilities": {"ips": True},
            "ipam": ipam(work, *(subnets or ("10.99.0.0/24",))), **more}


PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True}}


def chain(*plugins, name="shop", version="1.0.0", **more):
    return {"cniVersion": version, "name": name, "plugins": list(plugins), **more}


def cni(*plugins, subnets=(), version="1.0.0", first=None, timeout="30s", **more):
    """An agent with network `shop`: a bridge, or `first`, and these plugins behind it."""
    agent = Cni(timeout)
    begin = first or bridge(agent.work + "/leases", *subnets)
    if first and "ipam" in first:
        begin = {**first, "ipam": ipam(agent.work + "/leases", *subnets or ("10.99.0.0/24",))}
    agent.put(chain(begin, *plugins, version=version, **more))
    agent.mete("network", "create", "-d", "cni", "shop")
    return agent


def on(name="web", more="", command=("sleep", "1000"), lines=""):
    return pod(name, command if isinstance(command, str) else list(command), lines, metadata=", annotations: {mete/network: shop%s}" % more)


def test_a_pod_has_what_the_plugins_give():
    with cni(PORTMAP) as agent:
        said = output(agent, "ip -4 addr show eth0; ip route; ip addr show lo; echo ip=$IP; cat /etc/hosts; ping -c 1 -W 5 10.99.0.1",
                      "env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]", metadata=", annotations: {mete/network: shop}")
        assert "inet 10.99.0.2/24" in said and "default via 10.99.0.1 dev eth0" in said and "ip=10.99.0.2\n" in said, said
        assert "10.99.0.2\tp\n" in said and "1 packets received" in said and "LOOPBACK,UP" in said, said
        agent.wait_clean()
        launch(agent, on())
        told = agent.pod("web")
        assert told["podIP"] == "10.99.0.3" and told["network"]["name"] == "shop", told
        result = told["network"]["cni"]
        assert [each["name"] for each in result["interfaces"]][0::2] == ["cni0", "eth0"] and result["ips"][0]["address"] == "10.99.0.3/24", result
        assert told["network"]["mac"] == result["interfaces"][2]["mac"], told
        assert {"dst": "0.0.0.0/0"}.items() <= result["routes"][0].items(), result
        assert "10.99.0.3" in agent.mete("ps", "-o", "wide").stdout and "10.99.0.3" in agent.mete("get", "pods", "-o", "wide").stdout
        member = json.loads(agent.mete("network", "inspect", "-o", "json", "shop").stdout)["networks"][0]
        assert member["driver"] == "cni" and member["options"] == {"conf": "shop"} and member["pods"][0]["cni"] == result, member
        assert "cni" in agent.mete("network", "ls").stdout
        assert agent.mete("network", "rm", "shop", check=False).returncode != 0
        delete(agent, "web")
        agent.wait_clean()
        agent.mete("network", "rm", "shop")


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


def test_an_address_of_its_own_and_ipv6():
    with cni(subnets=("10.99.0.0/24", "fd00:99::/64")) as agent:
        launch(agent, on(more=', mete/ip: 10.99.0.77'))
        assert agent.pod("web")["podIPs"] == ["10.99.0.77", "fd00:99::2"], agent.pod("web")
        assert neighbours[0] and inside(agent.container("web"), "busybox", "ping", "-c", "1", "-W", "5", "fd00:99::1").returncode == 0
        delete(agent, "web")
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


def test_a_late_failure_leaves_nothing():
    with cni({"type": "witness"}) as agent:
        agent.tell("fail-ADD")
        agent.apply(on())
        told = agent.refusal()
        assert "network configuration shop: plugin witness, ADD: told to fail, by the test (code 50: the plugin is not available)" in told, told
        wait_for("DEL of all", lambda: agent.heard("DEL"))
        agent.tell("fail-ADD", on=False)
        wait_running(agent, "web")
        assert agent.leases() == [agent.pod("web")["podIP"]], agent.leases()
        delete(agent, "web")
        agent.wait_clean()


def test_a_plugin_that_hangs_or_floods_is_killed():
    with cni({"type": "witness"}, timeout="1s") as agent:
        for fault, expected in (("hang", "found it running after 1 s, so it was killed"), ("flood", "bytes of output, so it was killed")):
            agent.tell(fault + "-ADD")
            agent.apply(on(fault))
            told = agent.refusal(fault)
            assert "plugin witness, ADD: " in told and expected in told, told
            agent.tell(fault + "-ADD", on=False)
            delete(agent, fault)
        agent.wait_clean()


def test_the_agent_does_not_wait_for_a_plugin_when_it_ends():
    with cni({"type": "witness"}, timeout="10m") as agent:
        agent.tell("hang-ADD")
        agent.apply(on())
        wait_for("the plugin to run", lambda: agent.heard("ADD"))
        agent.stop()
        agent.tell("hang-ADD", on=False)
        agent.begin_again()
        wait_running(agent, "web")
        assert agent.leases() == [agent.pod("web")["podIP"]], "what the first one had is given back"
        delete(agent, "web")
        agent.wait_clean()


def test_a_failed_del_is_told_and_tried_again():
    with cni({"type": "witness"}) as agent:
        launch(agent, on())
        agent.tell("fail-DEL")
        delete(agent, "web")
        told = agent.event("NetworkFailed")["message"]
        assert "A pod could not be taken out of network shop and is tried again: network configuration shop: plugin witness, DEL" in told, told
        assert agent.leases() and agent.left()[0] and agent.left()[1], "all is kept for the next one"
        agent.tell("fail-DEL", on=False)
        agent.wait_clean()
        assert len(agent.events("NetworkFailed")) == 1


def test_the_next_agent_takes_pods_out():
    with cni({"type": "witness"}, PORTMAP) as agent:
        launch(agent, documents(on(lines="ports: [{containerPort: 80, hostPort: 8704}]"), on("gone")), "web", "gone")
        before = agent.pod("web")
        agent.kill()
        agent.forget("Pod", "gone")
        agent.begin_again()
        wait_gone(agent, "gone")
        wait_for("its DEL", lambda: agent.leases() == [before["podIP"]])
        now = agent.pod("web")
        assert now["podIP"] == before["podIP"] and now["network"]["cni"] == before["network"]["cni"] and agent.container("web")["restarts"] == 0, now
        # The configuration has gone meanwhile: DEL is as ADD was.
        os.unlink(agent.work + "/net.d/shop.conflist")
        delete(agent, "web")
        agent.wait_clean()
        assert "8704" not in run("iptables", "-t", "nat", "-S").stdout


def test_a_kill_during_add():
    with cni({"type": "witness"}) as agent:
        agent.tell("hang-ADD")
        agent.apply(on())
        wait_for("the plugin to run", lambda: agent.heard("ADD"))
        agent.kill()
        for pid in processes_naming(agent.plugins):
            kill(pid)
        agent.tell("hang-ADD", on=False)
        agent.begin_again()
        wait_running(agent, "web")
        assert agent.leases() == [agent.pod("web")["podIP"]]
        delete(agent, "web")
        agent.wait_clean()


def test_a_further_network_of_plugins():
    with cni({"type": "witness"}) as agent:
        web = launch(agent, pod("web"))
        done = agent.mete("network", "connect", "shop", "web", check=False)
        assert "found none of that name that is in a network" in done.stderr, done
        agent.mete("network", "create", "-d", "macvlan", "-o", "parent=cable", "--subnet", "192.0.2.0/24", "--ip-range", "192.0.2.128/25", "lan")
        web = launch(agent, pod("two", metadata=", annotations: {mete/network: lan}"), "two")
        agent.mete("network", "connect", "--ip", "10.99.0.50", "shop", "two")
        assert "inet 10.99.0.50/24" in inside(web, "ip", "addr", "show", "eth1").stdout
        assert agent.pod("two")["furtherNetworks"][0]["cni"]["ips"][0]["address"] == "10.99.0.50/24", agent.pod("two")
        agent.mete("network", "disconnect", "shop", "two")
        assert inside(web, "ip", "addr", "show", "eth1", check=False).returncode != 0
        agent.wait_clean()
        agent.mete("network", "connect", "shop", "two")
        delete(agent, "two")
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


def test_configurations_that_cannot_be_used_are_named():
    with cni() as agent:
        write(agent.work + "/net.d/00-broken.conf", "{")
        write(agent.work + "/net.d/odd.conflist", json.dumps(chain({"type": "odd"}, name="odd")))
        write(agent.plugins + "/ancient", '#!/bin/sh\necho \'{"supportedVersions": ["0.1.0", "0.2.0"]}\'\n')
        os.chmod(agent.plugins + "/ancient", stat.S_IRWXU)
        write(agent.work + "/net.d/old.conflist", json.dumps(chain({"type": "ancient"}, name="old")))
        for words, expected in ((("-o", "conf=none", "x"), "network configuration none: found none of that name in %s/net.d; %s/net.d/00-broken.conf: found" % (agent.work, agent.work)),
                                (("odd",), "network configuration odd: plugin odd, VERSION: found no program odd in %s, %s" % (agent.plugins, DEBIAN)),
                                (("old",), "found no version of the specification that its plugins have in common"),
                                (("--subnet", "10.1.0.0/24", "shop2"), "subnet: found addresses for driver cni"),
                                (("-o", "parent=eth0", "shop3"), "network option parent: found one that driver cni does not have")):
            done = agent.mete("network", "create", "-d", "cni", *words, check=False)
            assert done.returncode == 1 and expected in done.stderr, (words, done)


def test_names_are_what_the_plugins_say():
    with cni(first={"type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": {}, "dns": {"nameservers": ["192.0.2.53"], "search": ["shop.test"]}}) as agent:
        launch(agent, on())
        assert agent.mete("exec", "web", "--", "cat", "/etc/resolv.conf").stdout == "nameserver 192.0.2.53\nsearch shop.test\n"


def test_ptp_with_firewall_and_tuning():
    tuning = {"type": "tuning", "sysctl": {"net.core.somaxconn": "77"}}
    with cni({"type": "firewall"}, tuning, first={"type": "ptp", "ipMasq": True, "ipam": {}}) as agent:
        web = launch(agent, on())
        assert agent.mete("exec", "web", "--", "cat", "/proc/sys/net/core/somaxconn").stdout == "77\n"
        assert inside(web, "busybox", "ping", "-c", "1", "-W", "5", "10.99.0.1").returncode == 0
        assert "10.99.0.2" in run("iptables", "-S").stdout
        delete(agent, "web")
        agent.wait_clean()
        assert "10.99.0." not in run("iptables", "-S").stdout + run("iptables", "-t", "nat", "-S").stdout, "the namespace was there at DEL"


def test_macvlan_of_the_plugins():
    with cni(first={"type": "macvlan", "master": "cable", "ipam": {}}, subnets=({"subnet": "192.0.2.0/24", "rangeStart": "192.0.2.128"},)) as agent:
        launch(agent, on())
        address = agent.pod("web")["podIP"]
        assert neighbours[0].run("busybox", "ping", "-c", "1", "-W", "5", address).returncode == 0
        delete(agent, "web")
        agent.wait_clean()


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


def test_the_api_of_docker():
    with cni() as agent:
        docker = Docker(agent)
        docker.post("/networks/create", {"Name": "plugins", "Driver": "cni", "Options": {"conf": "shop"}})
        told = docker.get("/networks/plugins")
        assert told["Driver"] == "cni" and told["Options"] == {"conf": "shop"} and told["IPAM"]["Config"] == [], told
        made = docker.run("web", host={"NetworkMode": "plugins"})
        ends = docker.inspect(made)["NetworkSettings"]["Networks"]["plugins"]
        assert ends["IPAddress"] == "10.99.0.2" and ends["Gateway"] == "10.99.0.1" and ends["IPPrefixLen"] == 24, ends
        docker.remove(made, force="1")
        agent.wait_clean()


if __name__ == "__main__":
    if not os.path.exists(DEBIAN + "/bridge"):
        skip("needs Debian's containernetworking-plugins")
    own_network.enter()
    run_tests(sys.modules[__name__])
