# SPDX-License-Identifier: Apache-2.0
"""Requests of the Docker Engine API over an agent's socket, by hand: no client of docker is needed."""
import http.client
import json
import socket
import struct
import urllib.parse

from waiting import SLOW


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("docker", timeout=timeout * SLOW)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, dict(response.getheaders()), response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        return self.json()["message"]


class Docker:
    """One agent's socket, as a client of one version."""

    def __init__(self, agent, version="1.41"):
        self.socket, self.version = agent.run + "/docker.sock", version

    def target(self, path, query):
        return ("/v%s" % self.version if self.version else "") + path + ("?" + urllib.parse.urlencode(query) if query else "")

    def ask(self, method, path, body=None, headers=None, **query):
        connection = Connection(self.socket)
        sent = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, self.target(path, query), body, sent)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def get(self, path, **query):
        answer = self.ask("GET", path, **query)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json()

    def post(self, path, body=None, expect=(200, 201, 204), **query):
        answer = self.ask("POST", path, body, **query)
        assert answer.status in expect, (path, answer.status, answer.body)
        return answer

    def create(self, name="web", command=("sleep", "1000"), host=None, **more):
        body = {"Image": "busybox", "Cmd": list(command), "HostConfig": host or {}, **more}
        return self.post("/containers/create", body, name=name).json()["Id"]

    def run(self, name="web", command=("sleep", "1000"), host=None, **more):
        made = self.create(name, command, host, **more)
        self.post("/containers/%s/start" % made)
        return made

    def inspect(self, name):
        return self.get("/containers/%s/json" % name)

    def state(self, name):
        return self.inspect(name)["State"]

    def wait(self, name, condition="not-running"):
        return self.post("/containers/%s/wait" % name, condition=condition).json()["StatusCode"]

    def remove(self, name, **query):
        return self.ask("DELETE", "/containers/%s" % name, **query)

    def stream(self, path, body=None, **query):
        """A connection that is taken over: the socket, after the head of the answer."""
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(60 * SLOW)
        raw.connect(self.socket)
        text = "" if body is None else json.dumps(body)
        raw.sendall(("POST %s HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n"
                     "Content-Length: %d\r\n\r\n%s" % (self.target(path, query), len(text), text)).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = raw.recv(1)
            if not byte:
                raise ConnectionError("the stream ended in its head: %s" % head)
            head += byte
        return raw, head.decode()

    def execute(self, name, *command, **more):
        """Exit code, and what it wrote to both streams."""
        made = self.post("/containers/%s/exec" % name, {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True, **more}).json()["Id"]
        raw, head = self.stream("/exec/%s/start" % made, {"Detach": False, "Tty": more.get("Tty", False)})
        assert head.startswith("HTTP/1.1 101 "), head
        out, errors = streams(rest(raw))
        return self.get("/exec/%s/json" % made)["ExitCode"], out, errors


def rest(raw):
    """All that comes until the other side closes."""
    got = b""
    while True:
        piece = raw.recv(65536)
        if not piece:
            return got
        got += piece


def streams(framed):
    """What is in the frames of stdout and stderr."""
    found = {1: b"", 2: b""}
    while framed:
        stream, size = struct.unpack(">BxxxL", framed[:8])
        assert len(framed) >= 8 + size, framed
        found[stream] += framed[8:8 + size]
        framed = framed[8 + size:]
    return found[1].decode(), found[2].decode()
