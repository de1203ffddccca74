# SPDX-License-Identifier: Apache-2.0
"""Several machines, each a network namespace with an agent in it whose folders and cgroups are its own, and one more with the switch that
they are all plugged into and with etcd."""
import base64
import contextlib
import json
import os
import signal
import subprocess
import urllib.request

from leftovers import clean_up
from mete_agent import Agent, skip, wait_for, with_config, work_folder
from own_network import CLONE_NEWNET, libc, run

ETCD = "192.0.2.9"


def set_namespace(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError("setns")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def decoded(text):
    return base64.b64decode(text).decode()


class Place:
    """A network namespace that lives as long as this process."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "3000"], preexec_fn=lambda: libc.prctl(1, signal.SIGKILL))
        own = os.readlink("/proc/self/ns/net")
        wait_for("the namespace", lambda: os.readlink("/proc/%d/ns/net" % self.process.pid) != own)
        self.run("ip", "link", "set", "lo", "up")

    @contextlib.contextmanager
    def entered(self):
        """This process and all that it starts meanwhile are in it."""
        before = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open("/proc/%d/ns/net" % self.process.pid, os.O_RDONLY)
        try:
            set_namespace(there)
            yield
        finally:
            set_namespace(before)
            os.close(there)
            os.close(before)

    def run(self, *words, **how):
        return run("nsenter", "-t", str(self.process.pid), "-n", *words, **how)

    def devices(self):
        return sorted(line.split(":")[1].split("@")[0].strip() for line in self.run("ip", "-o", "link").stdout.splitlines())

    def tables(self):
        return sorted(line.strip() for line in self.run("nft", "list", "tables").stdout.splitlines())

    def close(self):
        self.process.kill()
        self.process.wait()


class Etcd(Place):
    """The switch, and etcd beside it."""

    def __init__(self):
        super().__init__()
        self.address = ETCD
        self.work = work_folder("mete-etcd-")
        self.server = None
        for words in ("link add switch type bridge", "link set switch up", "addr add %s/24 dev switch" % ETCD):
            self.run("ip", *words.split())

    def plug(self, host, number):
        port = "port%d" % number
        self.run("ip", "link", "add", port, "type", "veth", "peer", "name", "cable", "netns", str(host.process.pid))
        self.run("ip", "link", "set", port, "master", "switch", "up")
        host.run("ip", "addr", "add", host.address + "/24", "dev", "cable")
        host.run("ip", "link", "set", "cable", "up")

    def start(self, *options, scheme="http"):
        self.scheme = scheme
        url = "%s://%s:2379" % (scheme, ETCD)
        with self.entered(), open(self.work + "/log", "a") as log:
            self.server = subprocess.Popen(
                ["etcd", "--data-dir", self.work + "/data", "--listen-client-urls", url, "--advertise-client-urls", url,
                 "--listen-peer-urls", "http://127.0.0.1:2380", *options],
                stdout=log, stderr=log, preexec_fn=lambda: libc.prctl(1, signal.SIGKILL))
        if scheme == "http":
            wait_for("etcd", self.is_healthy)
        return self

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.kill()
            self.server.wait()

    def ask(self, path, **body):
        """A request to its API v3; keys and values in base64 are the caller's."""
        request = urllib.request.Request("http://%s:2379/v3/%s" % (ETCD, path), json.dumps(body).encode())
        with self.entered(), urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def keys(self):
        """All keys with their values."""
        found = self.ask("kv/range", key=encoded("\0"), range_end=encoded("\0")).get("kvs", [])
        return {decoded(each["key"]): decoded(each.get("value", "")) for each in found}

    def is_healthy(self):
        try:
            with self.entered(), urllib.request.urlopen("http://%s:2379/health" % ETCD, timeout=2) as answer:
                return json.load(answer)["health"] == "true"
        except OSError:
            return False

    def close(self):
        self.stop()
        super().close()
        clean_up([self.work])


class HostAgent(Agent):
    """An agent whose port is in the namespace of its machine."""

    def __init__(self, host):
        super().__init__()
        self.host = host

    def start(self, *more, **how):
        with self.host.entered():
            return super().start(*more, **how)

    def get(self, path):
        with self.host.entered():
            return super().get(path)


CONFIG = """network:
  overlay:
    etcd: {endpoints: ["%s"]%s}
    ttl: %ds
"""


class Host(Place):
    def __init__(self, number):
        super().__init__()
        self.number, self.address = number, "192.0.2.%d" % (number + 1)
        self.agent = HostAgent(self)

    def start(self, ttl=60, url="http://%s:2379" % ETCD, etcd="", more=()):
        self.agent.start("--network", "bridge", *more, *with_config(self.agent, CONFIG % (url, etcd and ", " + etcd, ttl)))
        return self.agent

    def close(self):
        self.agent.close()
        super().close()


class Cluster:
    """`start`: etcd and all agents, else the test starts them."""

    def __init__(self, hosts=2, ttl=60, start=True):
        for tool in ("etcd", "ip", "nft", "nsenter"):
            if subprocess.run(["which", tool], stdout=subprocess.DEVNULL).returncode != 0:
                skip("needs %s" % tool)
        self.number, self.ttl, self.start_agents = hosts, ttl, start
        self.hosts, self.etcd = [], None

    def __enter__(self):
        try:
            self.etcd = Etcd()
            if self.start_agents:
                self.etcd.start()
            for number in range(self.number):
                host = Host(number)
                self.hosts.append(host)
                self.etcd.plug(host, number)
                if self.start_agents:
                    host.start(self.ttl)
        except BaseException:
            self.__exit__(True)
            raise
        return self

    def __exit__(self, kind, *unused):
        for host in self.hosts:
            if kind:
                print("--- machine %d\n%s" % (host.number, host.agent.log_text()[-6000:]))
            host.close()
        if self.etcd:
            self.etcd.close()
