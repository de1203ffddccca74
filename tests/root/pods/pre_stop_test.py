# SPDX-License-Identifier: Apache-2.0
"""preStop hooks: before the stop signal, within the grace period, at a pod's deletion, its stop and a restart by policy."""
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import delete, documents, launch, pod, policy, wait_exited, wait_gone, wait_restarted  # noqa: E402

SCRIPT = "trap 'echo term >> /out/log; exit 0' TERM; echo start >> /out/log; while :; do sleep 0.02; done"
RESTART = policy("  memory: {at: [{usage: 50%, do: restart}]}", "hooked")


def hooked(agent, hook, grace=60, restart="Always", script=SCRIPT, lines="", spec=""):
    os.makedirs(agent.work + "/out", exist_ok=True)
    return pod("hooked", script, "volumeMounts: [{name: out, mountPath: /out}]\nlifecycle: {preStop: %s}\nresources: {limits: {memory: 64Mi}}\n%s" % (json.dumps(hook), lines),
               "volumes: [{name: out, hostPath: {path: %s}}]\n%s" % (agent.work + "/out", spec), grace=grace, restart=restart)


def log(agent):
    try:
        return open(agent.work + "/out/log").read().split()
    except FileNotFoundError:
        return []


def launch_hooked(agent, manifest):
    launch(agent, manifest, "hooked")
    wait_for("its word", lambda: log(agent))


def deleted(agent, *more):
    begin = time.monotonic()
    delete(agent, "hooked", more=more)
    return time.monotonic() - begin


def test_a_command_runs_before_the_stop_signal():
    with Agent().start() as agent:
        launch_hooked(agent, hooked(agent, {"exec": {"command": ["sh", "-c", "sleep 0.5; echo hook >> /out/log"]}}))
        took = deleted(agent)
        assert log(agent) == ["start", "hook", "term"], log(agent)
        assert 0.5 <= took < 60, took
        assert not agent.events("FailedPreStopHook"), agent.events("FailedPreStopHook")


def test_a_pause():
    with Agent().start() as agent:
        launch_hooked(agent, hooked(agent, {"sleep": {"seconds": 1}}))
        took = deleted(agent)
        assert log(agent) == ["start", "term"] and 1 <= took < 60, (log(agent), took)


def test_no_grace_means_no_hook():
    with Agent().start() as agent:
        launch_hooked(agent, hooked(agent, {"exec": {"command": ["sh", "-c", "echo hook >> /out/log"]}}))
        deleted(agent, "--grace", "0")
        assert "hook" not in log(agent), log(agent)


def test_a_hook_that_fails_or_is_not_there_is_told():
    for command, why in ((["sh", "-c", "exit 3"], "exit code 3"), (["/no/such/thing"], "exit code 127")):
        with Agent().start() as agent:
            launch_hooked(agent, hooked(agent, {"exec": {"command": command}}))
            took = deleted(agent)
            told = agent.events("FailedPreStopHook")
            assert len(told) == 1 and why in told[0]["message"], told
            assert log(agent) == ["start", "term"] and took < 60, (log(agent), took)


def test_a_hook_that_hangs_ends_with_the_grace_period():
    for hook in ({"exec": {"command": ["sh", "-c", "sleep 100 & sleep 100"]}}, {"sleep": {"seconds": 100}}):
        with Agent().start() as agent:
            launch_hooked(agent, hooked(agent, hook, grace=2))
            took = deleted(agent)
            assert 1.9 <= took < 60, took
            assert "longer than the grace period" in agent.events("FailedPreStopHook")[0]["message"], agent.events("FailedPreStopHook")
            wait_for("nothing of it to be left", lambda: not agent.processes())


# In a pod without a network its own loopback is all there is.
SERVER = r"""mkdir -p /www/cgi-bin
printf '#!/bin/sh\necho "hook $REQUEST_METHOD $QUERY_STRING $HTTP_X_WHY" >> /out/log\necho Status: 503 no\necho\n' > /www/cgi-bin/hook
chmod 755 /www/cgi-bin/hook; ip link set lo up; httpd -p 127.0.0.1:8080 -h /www
trap 'echo term >> /out/log; exit 0' TERM; echo start >> /out/log; while :; do sleep 0.02; done"""


def serving(agent, hook):
    launch_hooked(agent, hooked(agent, hook, script=SERVER, lines="ports: [{name: web, containerPort: 8080}]"))


def test_a_request_is_made_from_inside_the_pod_and_any_answer_will_do():
    for port in (8080, "web"):
        with Agent().start() as agent:
            serving(agent, {"httpGet": {"port": port, "path": "/cgi-bin/hook?a=b", "httpHeaders": [{"name": "X-Why", "value": "it ends"}]}})
            took = deleted(agent)
            said = open(agent.work + "/out/log").read().splitlines()
            assert said == ["start", "hook GET a=b it ends", "term"], said
            assert took < 60 and not agent.events("FailedPreStopHook"), (took, agent.events("FailedPreStopHook"))


class Server:
    """On the machine's loopback: with TLS, or never answering."""

    def __init__(self, agent, tls):
        self.got, self.socket = [], socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=nobody", "-days", "1",
                            "-keyout", agent.work + "/key", "-out", agent.work + "/certificate"], check=True, capture_output=True)
            context.load_cert_chain(agent.work + "/certificate", agent.work + "/key")
        threading.Thread(target=self.serve, args=(context,), daemon=True).start()

    def serve(self, context):
        peer, _ = self.socket.accept()
        if context is None:
            self.got.append(peer)  # kept, and not answered
            return
        with context.wrap_socket(peer, server_side=True) as stream:
            self.got.append(stream.recv(4096).decode())
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def on_the_host(agent, server, **more):
    launch_hooked(agent, hooked(agent, {"httpGet": {"host": "localhost", "port": server.port, "path": "/x", **more}}, grace=2, spec="hostNetwork: true"))


def test_over_tls_whoever_signed_the_certificate():
    with Agent().start() as agent:
        server = Server(agent, tls=True)
        on_the_host(agent, server, scheme="HTTPS")
        deleted(agent)
        assert server.got and server.got[0].startswith("GET /x HTTP/1.1\r\nHost: localhost:%d\r\n" % server.port), server.got
        assert log(agent) == ["start", "term"] and not agent.events("FailedPreStopHook"), agent.events("FailedPreStopHook")


def test_a_server_that_does_not_answer_ends_with_the_grace_period():
    with Agent().start() as agent:
        server = Server(agent, tls=False)
        on_the_host(agent, server)
        took = deleted(agent)
        assert server.got and 1.9 <= took < 60, took
        assert "longer than the grace period" in agent.events("FailedPreStopHook")[0]["message"], agent.events("FailedPreStopHook")


def test_a_request_that_nobody_takes_is_told():
    for get, why in (({"port": 9}, "Connection refused"), ({"port": 9, "host": "no-such-host.invalid"}, "Host not found")):
        with Agent().start() as agent:
            serving(agent, {"httpGet": get})
            took = deleted(agent)
            told = agent.events("FailedPreStopHook")
            assert len(told) == 1 and why in told[0]["message"], told
            assert log(agent) == ["start", "term"] and took < 60, (log(agent), took)


def test_a_request_survives_the_agent():
    with Agent().start() as agent:
        serving(agent, {"httpGet": {"port": 8080, "path": "/cgi-bin/hook"}})
        agent.kill()
        agent.forget("Pod", "hooked")
        agent.start()
        wait_gone(agent, "hooked")
        assert [line.strip() for line in open(agent.work + "/out/log")] == ["start", "hook GET", "term"], log(agent)


def test_a_second_delete_shortens_it():
    with Agent().start() as agent:
        launch_hooked(agent, hooked(agent, {"sleep": {"seconds": 100}}, grace=200))
        agent.mete("delete", "hooked")
        wait_for("the end to begin", lambda: agent.pod("hooked")["phase"] == "Terminating")
        assert deleted(agent, "--grace", "1") < 100


def test_stop_and_start_run_it_once_each_time():
    with Agent().start() as agent:
        launch_hooked(agent, hooked(agent, {"exec": {"command": ["sh", "-c", "echo hook >> /out/log"]}}))
        agent.mete("stop", "hooked")
        wait_exited(agent, "hooked")
        agent.mete("start", "hooked")
        wait_for("the start", lambda: log(agent).count("start") == 2)
        deleted(agent)
        assert log(agent) == ["start", "hook", "term"] * 2, log(agent)


def test_a_restart_by_policy_is_as_graceful():
    with Agent().start() as agent:
        launch_hooked(agent, documents(hooked(agent, {"exec": {"command": ["sh", "-c", "echo hook >> /out/log"]}}, restart="Never"), RESTART))
        agent.mete("exec", "hooked", "--", "sh", "-c", "dd if=/dev/zero of=/dev/null bs=45M count=1 2>/dev/null", check=False)  # it ends with the container
        wait_restarted(agent, "hooked")
        wait_for("its word", lambda: len(log(agent)) == 4)
        assert log(agent) == ["start", "hook", "term", "start"], log(agent)


def test_the_next_agent_runs_it_for_a_pod_whose_manifest_is_gone():
    with Agent().start() as agent:
        launch_hooked(agent, hooked(agent, {"exec": {"command": ["sh", "-c", "echo hook >> /out/log"]}}))
        agent.kill()
        agent.forget("Pod", "hooked")
        agent.start()
        wait_gone(agent, "hooked")
        assert log(agent) == ["start", "hook", "term"], log(agent)


def test_a_restart_that_the_agent_did_not_see_to_its_end_is_gone_on_with():
    with Agent().start() as agent:
        launch_hooked(agent, documents(hooked(agent, {"sleep": {"seconds": 2}}, restart="Never"), RESTART))
        agent.mete("exec", "hooked", "--", "sh", "-c", "dd if=/dev/zero of=/dev/null bs=45M count=1 2>/dev/null", check=False)  # it ends with the container
        wait_for("the restart to begin", lambda: agent.events("PolicyRestart"))
        agent.kill()
        agent.start()
        wait_restarted(agent, "hooked")
        assert agent.container("hooked")["last"]["reason"] == "PolicyRestarted", agent.container("hooked")


def test_what_cannot_be_understood_is_refused():
    with Agent().start() as agent:
        for hook, expected in (({"exec": {}}, "command"), ({"exec": {"command": ["a"]}, "sleep": {"seconds": 1}}, "one of exec"), ({}, "one of exec"), ({"sleep": {"seconds": -1}}, "seconds"),
                               ({"httpGet": {"port": 0}}, "a port from 1"), ({"httpGet": {"port": "No_Body"}}, "`ports`"), ({"httpGet": {"port": 1, "scheme": "FTP"}}, "HTTPS"),
                               ({"httpGet": {"port": 1, "path": "/a b"}}, "blanks"), ({"httpGet": {"port": 1, "httpHeaders": [{"name": "a:", "value": "b"}]}}, "header"),
                               ({"httpGet": {"port": 1, "httpHeaders": [{"name": "a", "value": "b\r\nc: d"}]}}, "line breaks")):
            done = agent.mete("apply", "-f", "-", text=hooked(agent, hook), check=False)
            assert done.returncode != 0 and expected in done.stderr, (hook, done)
        assert agent.pods() == []


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
