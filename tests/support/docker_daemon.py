# SPDX-License-Identifier: Apache-2.0
"""A dockerd of the test's own, asked over its socket."""
import http.client
import json
import os
import shutil
import socket
import subprocess

from mete_agent import wait_for


class Socket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Docker:
    """A dockerd of the caller's own, with its bridge and its rules, in the caller's network namespace; `box` is an image of busybox."""

    def __init__(self, work):
        self.work = work + "/docker"
        self.socket = self.work + "/docker.sock"
        os.makedirs(self.work)

    def __enter__(self):
        self.daemon = subprocess.Popen(["dockerd", "--data-root", self.work + "/data", "--exec-root", self.work + "/exec", "-H", "unix://" + self.socket, "--pidfile", self.work + "/pid"],
                                       stdout=open(self.work + "/log", "w"), stderr=subprocess.STDOUT)
        wait_for("dockerd", lambda: os.path.exists(self.socket) and self.ask("GET", "/_ping")[0] == 200, 60)
        root = self.work + "/root"
        os.makedirs(root + "/bin")
        shutil.copy("/bin/busybox", root + "/bin/")
        tar = subprocess.run(["tar", "-C", root, "-c", "."], check=True, stdout=subprocess.PIPE).stdout
        assert self.ask("POST", "/images/create?fromSrc=-&repo=box", tar)[0] == 200
        return self

    def __exit__(self, *unused):
        self.daemon.terminate()
        self.daemon.wait(60)

    def ask(self, method, path, body=None):
        try:
            client = Socket(self.socket)
            client.request(method, path, body, {"Content-Type": "application/x-tar" if isinstance(body, bytes) else "application/json"})
            reply = client.getresponse()
            return reply.status, reply.read()
        except OSError:
            return 0, b""

    def launch(self, command, binds=(), ports=None, **host):
        """The id of a container that has been started. `ports`: {the container's: the machine's}."""
        ports = ports or {}
        wanted = {"Image": "box", "Cmd": command, "ExposedPorts": {"%d/tcp" % inner: {} for inner in ports},
                  "HostConfig": {"PortBindings": {"%d/tcp" % inner: [{"HostPort": str(outer)}] for inner, outer in ports.items()}, "Binds": list(binds), **host}}
        status, made = self.ask("POST", "/containers/create", json.dumps(wanted))
        assert status == 201, made
        name = json.loads(made)["Id"]
        status, said = self.ask("POST", "/containers/%s/start" % name)
        assert status == 204, said
        return name

    def inspect(self, name):
        return json.loads(self.ask("GET", "/containers/%s/json" % name)[1])

    def remove(self, name):
        self.ask("DELETE", "/containers/%s?force=1" % name)
