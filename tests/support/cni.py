# SPDX-License-Identifier: Apache-2.0
"""An agent with a network of CNI plugins: those of Debian's containernetworking-plugins, and one that remembers what it is asked and fails, hangs
or floods when it is told to."""
import glob
import json
import os
import stat

import own_network
from mete_agent import Agent, skip, wait_for, with_config, write
from own_network import devices
from pods import pod

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


def enter():
    """Called once, before the first test case."""
    if not os.path.exists(DEBIAN + "/bridge"):
        skip("needs Debian's containernetworking-plugins")
    own_network.enter()
