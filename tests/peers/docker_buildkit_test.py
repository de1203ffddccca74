# SPDX-License-Identifier: Apache-2.0
"""Clients that want BuildKit's builder, which mete does not have: they show mete's sentence, at once, and the connections that they have
taken over are not left behind."""
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests, skip_case, wait_for  # noqa: E402
from waiting import SLOW  # noqa: E402

SENTENCE = "mete has no BuildKit: build with DOCKER_BUILDKIT=0 in the environment, or with `mete build`"
# Node's own HTTP/2 calls as buildx does: three times, with more than a connection takes without being given room again.
CALLS = """
const http = require('http'), http2 = require('http2');
const request = http.request({socketPath: process.argv[1], path: '/grpc', method: 'POST', headers: {Connection: 'Upgrade', Upgrade: 'h2c'}});
request.on('response', answer => { console.log('not taken over', answer.statusCode); process.exit(1); });
request.on('upgrade', (head, socket) => {
  const session = http2.connect('http://docker', {createConnection: () => socket});
  const call = left => {
    if (left === 0) return session.close();
    const stream = session.request({':method': 'POST', ':path': '/moby.buildkit.v1.Control/Solve', 'content-type': 'application/grpc', te: 'trailers'});
    stream.on('response', heads => console.log(heads[':status'], heads['content-type'], heads['grpc-status'], heads['grpc-message']));
    stream.on('close', () => call(left - 1));
    stream.resume();
    stream.end(Buffer.alloc(40000));
  };
  call(3);
});
request.end();
"""


def descriptors(agent):
    return len(os.listdir("/proc/%d/fd" % agent.process.pid))


def test_dockers_own_clients():
    clients = sorted({os.path.realpath(each + "/docker") for each in os.environ["PATH"].split(":") if os.access(each + "/docker", os.X_OK)})
    if not clients:
        skip_case("needs the docker command line (Debian: docker.io)")
    told = []
    with Agent().start() as agent:
        os.mkdir(agent.work + "/context")
        with open(agent.work + "/context/Dockerfile", "w") as out:
            out.write("FROM busybox\nRUN true\n")
        before = descriptors(agent)
        for client in clients:
            env = {**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_HOST": "unix://%s/docker.sock" % agent.run, "DOCKER_CONFIG": agent.work + "/config"}
            done = subprocess.run([client, "build", agent.work + "/context"], env=env, capture_output=True, text=True, timeout=60 * SLOW)
            assert done.returncode == 1, done
            told.append(done.stderr)
            # Without buildx, clients from 23 on say so themselves, and send nothing.
            own_words = "buildx component is missing or broken" in done.stderr
            assert own_words or done.stderr == "Error response from daemon: %s\n" % SENTENCE, done
            assert subprocess.run([client, "build", "-q", agent.work + "/context"], env={**env, "DOCKER_BUILDKIT": "0"}, capture_output=True).returncode == 0
        wait_for("sessions to end", lambda: descriptors(agent) <= before)
    if not any(SENTENCE in each for each in told):
        skip_case("needs a client with a builder of its own (docker 20.10)")


def test_what_calls_the_builder():
    if shutil.which("node") is None:
        skip_case("needs node (Debian's nodejs)")
    with Agent().start() as agent:
        before = descriptors(agent)
        done = subprocess.run(["node", "-e", CALLS, agent.run + "/docker.sock"], capture_output=True, text=True, timeout=60 * SLOW)
        assert done.stdout == 3 * ("200 application/grpc 12 %s\n" % SENTENCE), done
        wait_for("connections to end", lambda: descriptors(agent) <= before)


def test_connections_that_are_taken_over():
    with Agent().start() as agent:
        docker = Docker(agent, "1.39")
        before = descriptors(agent)
        for path in ("/session", "/grpc"):
            answer = docker.ask("POST", path)  # without an upgrade
            assert (answer.status, answer.message) == (400, SENTENCE), answer.body
            raw, head = docker.stream(path)
            assert head.startswith("HTTP/1.1 101 ") and "upgrade: h2c" in head.lower(), head
            assert docker.ask("POST", "/build", version="2", remote="client-session", session="s", buildid="b").message == SENTENCE
            raw.shutdown(socket.SHUT_WR)  # its end is the end of both sides
            while raw.recv(100):
                pass
            raw.close()
        raw, _ = docker.stream("/grpc")
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert raw.recv(100) == b""  # this is no gRPC
        raw.close()
        wait_for("connections to end", lambda: descriptors(agent) <= before)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
