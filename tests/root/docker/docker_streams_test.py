# SPDX-License-Identifier: Apache-2.0
"""Streams of the Docker Engine API: what a client that reads badly gets, that it holds nobody, and that many sessions leave nothing behind.
METE_SESSIONS says how many."""
import os
import select
import signal
import socket
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from amounts import amount  # noqa: E402
from docker_api import Docker, rest, streams  # noqa: E402
from mete_agent import Agent, run_tests, stays, wait_for  # noqa: E402
from waiting import SLOW  # noqa: E402


def raw_request(docker, method, path, body="", upgrade=True):
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(60 * SLOW)
    raw.connect(docker.socket)
    head = "%s /v1.41%s HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (method, path, len(body))
    raw.sendall((head + ("Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else "") + "\r\n" + body).encode())
    return raw


def test_a_client_may_take_all_that_has_come_for_the_head():
    # docker-py reads the head through a buffer, and the stream past it: what came with the head would be lost.
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("web")
        for upgrade in (True, False):
            made = docker.post("/containers/web/exec", {"Cmd": ["echo", "said"], "AttachStdout": True}).json()["Id"]
            raw = raw_request(docker, "POST", "/exec/%s/start" % made, "{}", upgrade)
            wait_for("its end", lambda: docker.get("/exec/%s/json" % made)["ExitCode"] == 0)  # noqa: B023
            head = raw.recv(65536)
            assert head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1, head
            assert streams(rest(raw)) == ("said\n", ""), upgrade


def test_who_reads_no_log_holds_nobody():
    # It writes more than all buffers between it and a client that does not read, while that client follows.
    script = "read go; i=0; while [ $i -lt 64 ]; do i=$((i+1)); dd if=/dev/zero bs=64k count=1 2>/dev/null | tr '\\0' x; echo; done; touch /written; sleep 100000"
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("web", ["sh", "-c", script], OpenStdin=True)
        followers = [raw_request(docker, "GET", "/containers/web/logs?stdout=1&follow=1", upgrade=False) for _ in range(3)]
        pid = docker.state("web")["Pid"]
        raw, _ = docker.stream("/containers/web/attach", stream=1, stdin=1)
        raw.sendall(b"go\n")
        wait_for("it to have written all", lambda: os.path.exists("/proc/%d/root/written" % pid), 60)
        # And all of it is there for who reads at last, in order.
        seen = 0
        while seen < 64 * 65536:
            piece = followers[0].recv(1 << 20)
            assert piece, seen
            seen += piece.count(b"x")
        for each in (*followers, raw):
            each.close()
        docker.remove("web", force=1)


def test_a_terminal_has_its_size_when_the_request_is_answered():
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("web", ["sh", "-c", "read go; stty size; sleep 100000"], OpenStdin=True, Tty=True)
        with open("/proc/%d/stat" % docker.state("web")["Pid"]) as file:
            shim = int(file.read().rsplit(") ", 1)[1].split()[1])
        terminal, _ = docker.stream("/containers/web/attach", stream=1, stdin=1, stdout=1)
        os.kill(shim, signal.SIGSTOP)
        asked = raw_request(docker, "POST", "/containers/web/resize?h=33&w=77", upgrade=False)
        try:
            assert not select.select([asked], [], [], 0.5)[0], "answered before the terminal has it"
        finally:
            os.kill(shim, signal.SIGCONT)
        assert asked.recv(65536).startswith(b"HTTP/1.1 200"), "of the shim that runs again"
        terminal.sendall(b"go\n")
        shown = b""
        while b"33 77" not in shown:
            piece = terminal.recv(65536)
            assert piece, shown
            shown += piece
        # A shim that stays stopped holds nobody for long.
        os.kill(shim, signal.SIGSTOP)
        try:
            assert raw_request(docker, "POST", "/containers/web/resize?h=34&w=78", upgrade=False).recv(65536).startswith(b"HTTP/1.1 200")
        finally:
            os.kill(shim, signal.SIGCONT)
        docker.remove("web", force=1)


def of_agent(agent):
    pid = agent.process.pid
    status = dict(line.split(":", 1) for line in open("/proc/%d/status" % pid) if ":" in line)
    return len(os.listdir("/proc/%d/fd" % pid)), int(status["RssAnon"].split()[0])


def session(docker, number):
    """One of each kind, in turn: exec that ends, exec that is left, a terminal, attach that is left, exec in the background."""
    kind = number % 5
    if kind == 0:
        assert docker.execute("web", "echo", "hello") == (0, "hello\n", "")
    elif kind == 1:
        made = docker.post("/containers/web/exec", {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True}).json()["Id"]
        raw, _ = docker.stream("/exec/%s/start" % made, {})
        raw.sendall(b"typed\n")
        assert raw.recv(100)
        raw.close()  # its input ends, and so it does
    elif kind == 2:
        made = docker.post("/containers/web/exec", {"Cmd": ["stty", "size"], "Tty": True, "AttachStdout": True}).json()["Id"]
        raw, _ = docker.stream("/exec/%s/start" % made, {"Tty": True, "ConsoleSize": [31, 61]})
        assert rest(raw) == b"31 61\r\n"
    elif kind == 3:
        raw, _ = docker.stream("/containers/web/attach", stream=1, stdout=1, stderr=1)
        raw.close()
    else:
        made = docker.post("/containers/web/exec", {"Cmd": ["true"]}).json()["Id"]
        docker.post("/exec/%s/start" % made, {"Detach": True})


def test_many_sessions_leave_nothing():
    sessions = amount("SESSIONS", short=200, long=10_000)
    with Agent().start() as agent:
        docker = Docker(agent)
        docker.run("web", ["sleep", "100000"])  # longer than ten thousand sessions on a busy machine

        def quiet():
            names = [command for _, command in agent.processes()]
            return not any("mete-shim exec" in each or each in ("cat", "stty size", "true") for each in names)

        def settled(most):
            wait_for("commands to end", quiet)
            wait_for("descriptors to be closed", lambda: of_agent(agent)[0] <= most)
            return of_agent(agent)
        for number in range(60):
            session(docker, number)
        descriptors, memory = settled(1000)
        stays("descriptors", lambda: of_agent(agent)[0] <= descriptors, 0.2)
        # What is known of an ended exec is kept for five minutes, of at most 4,096 of them: 2 KiB each are allowed for.
        known = 0
        for half in range(2):
            for number in range(sessions // 2):
                session(docker, number)
            after = settled(descriptors)
            more = min(4096, (half + 1) * sessions * 2 // 5) - known
            print("     %d sessions: %d descriptors before and %d after; memory %d KiB and %d KiB"
                  % (sessions // 2, descriptors, after[0], memory, after[1]), flush=True)
            assert after[1] - memory <= 2048 + more * 2, (half, memory, after[1], more)
            known, memory = known + more, after[1]
        docker.remove("web", force=1)


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
