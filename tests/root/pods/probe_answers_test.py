# SPDX-License-Identifier: Apache-2.0
"""What probes ask of a server, and which answer makes a container ready."""
import subprocess
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
from mete_agent import Agent, run_tests, wait_for  # noqa: E402
from pods import delete, launch, pod  # noqa: E402
from probed_pods import FAST, HOST, WAIT, http, is_ready, probed, unhealthy  # noqa: E402
from probed_server import RESET, ProbedServer, grpc_answer, http_answer  # noqa: E402


def check_answers(agent, server):
    """Of a probe that asks it for /health."""
    wait_for("it to be ready", lambda: is_ready(agent))
    request = server.requests[0]
    assert request.startswith("GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: kube-probe/" % server.port), request
    assert "\r\nX-Why: asked\r\n" in request, request

    def turns(answer, ready, word=None, pause=0):
        # From the other state, so that a change is seen.
        server.answer, server.pause = http_answer(503) if ready else http_answer(200), 0
        wait_for("the other state", lambda: is_ready(agent) != ready)
        server.answer, server.pause = answer, pause
        wait_for("readiness %s after %r" % (ready, answer), lambda: is_ready(agent) == ready)
        if word:
            wait_for("%s, told" % word, lambda: any(word in each["message"] for each in agent.events()))
    turns(http_answer(204, ""), True)
    turns(http_answer(200), True, pause=0.1)
    turns(http_answer(399, ""), True, "Readiness probe warning: Probe terminated redirects")
    turns(http_answer(400, "no"), False, "Readiness probe failed: HTTP probe failed with statuscode: 400: no")
    turns(http_answer(200, "x" * 100000), True)
    turns(b"SSH-2.0-OpenSSH_9.2\r\n", False, "malformed HTTP response")
    turns(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", False, "ends before its body")
    turns(b"", False, "ended without an answer")
    turns(RESET, False, "Connection reset by peer")
    turns(None, False, "no answer within 1 s")


ASKED = "httpGet: {port: %d, path: /health, httpHeaders: [{name: X-Why, value: asked}]}"


def test_answers_of_a_server():
    with Agent().start() as agent:
        server = ProbedServer()
        launch(agent, probed("readiness", ASKED % server.port, spec=HOST), "web")
        check_answers(agent, server)


def test_answers_of_a_server_in_the_network_of_the_pod():
    with Agent().start() as agent:
        launch(agent, probed("readiness", ASKED % 8080), "web")
        wait_for("its word", lambda: any("127.0.0.1:8080" in each and "refused" in each for each in unhealthy(agent)))
        check_answers(agent, ProbedServer(inside=(agent.container("web")["pid"], 8080)))


def test_redirects_on_the_host_are_followed_and_others_are_told():
    with Agent().start() as agent:
        server, there = ProbedServer(), ProbedServer()
        server.answer = http_answer(302, "", "Location: http://127.0.0.1:%d/there" % there.port)
        there.answer = http_answer(500)
        launch(agent, probed("readiness", http(server), spec=HOST), "web")
        wait_for("the failure there", lambda: any("statuscode: 500" in each for each in unhealthy(agent)))
        assert there.requests[0].startswith("GET /there "), there.requests
        there.answer = http_answer(200)
        wait_for("it to be ready", lambda: is_ready(agent))
        server.answer = http_answer(302, "", "Location: http://elsewhere.invalid/")
        wait_for("a warning", lambda: agent.events("ProbeWarning"))
        assert is_ready(agent)
        server.answer = http_answer(302, "", "Location: /again")
        wait_for("the end of a circle", lambda: any("stopped after 10 redirects" in each for each in unhealthy(agent)))


def test_over_tls_whoever_signed_the_certificate():
    with Agent().start() as agent:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=nobody", "-days", "1",
                        "-keyout", agent.work + "/key", "-out", agent.work + "/certificate"], check=True, capture_output=True)
        server = ProbedServer(tls=(agent.work + "/certificate", agent.work + "/key"))
        launch(agent, probed("readiness", http(server, ", scheme: HTTPS, host: localhost"), spec=HOST), "web")
        wait_for("it to be ready", lambda: is_ready(agent))
        assert "Host: localhost:%d\r\n" % server.port in server.requests[0], server.requests
        plain = ProbedServer()
        delete(agent, "web")
        launch(agent, probed("readiness", http(plain, ", scheme: HTTPS"), spec=HOST), "web")
        wait_for("its failure", lambda: any('Get "https://' in each for each in unhealthy(agent)))
        assert not is_ready(agent)


# In a pod without a network its own loopback is all there is.
HTTPD = "mkdir /www; echo fine > /www/index.html; httpd -p 127.0.0.1:8080 -h /www; " + WAIT


def test_in_the_network_of_the_pod():
    with Agent().start() as agent:
        for action in ("httpGet: {port: web}", "tcpSocket: {port: 8080}"):
            manifest = pod("web", HTTPD, "ports: [{name: web, containerPort: 8080}]\nreadinessProbe: {%s, %s}" % (action, FAST))
            launch(agent, manifest, "web")
            wait_for("it to be ready", lambda: is_ready(agent))
            agent.mete("exec", "web", "--", "killall", "httpd")
            wait_for("it not to be ready", lambda: not is_ready(agent))
            wait_for("its word", lambda: any("127.0.0.1:8080" in each and "refused" in each for each in unhealthy(agent)))
            delete(agent, "web")


def test_a_connection():
    with Agent().start() as agent:
        server = ProbedServer()
        launch(agent, probed("readiness", "tcpSocket: {host: localhost, port: %d}" % server.port, spec=HOST), "web")
        wait_for("it to be ready", lambda: is_ready(agent))
        server.close()
        wait_for("it not to be ready", lambda: not is_ready(agent))
        assert any("dial tcp localhost:%d: Connection refused" % server.port in each for each in unhealthy(agent)), unhealthy(agent)


def test_health_over_grpc():
    with Agent().start() as agent:
        server = ProbedServer(begin=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        server.answer = grpc_answer(1)
        launch(agent, probed("readiness", "grpc: {port: %d, service: shop}" % server.port, spec=HOST), "web")
        wait_for("it to be ready", lambda: is_ready(agent))
        assert "/grpc.health.v1.Health/Check" in server.requests[0] and server.requests[0].endswith("\x06\n\x04shop"), server.requests[0]
        server.answer = grpc_answer(2)
        wait_for("it not to be ready", lambda: not is_ready(agent))
        assert any('service unhealthy (responded with "NOT_SERVING")' in each for each in unhealthy(agent)), unhealthy(agent)
        server.answer = http_answer(200)
        wait_for("garbage, told", lambda: any("does not speak HTTP/2" in each for each in unhealthy(agent)))


if __name__ == "__main__":
    run_tests(sys.modules[__name__])
